import { defineConfig } from "vitest/config";

// What `make dev` serves, for `make ui-dev`.
const api = process.env.API_URL ?? "http://127.0.0.1:8000";

export default defineConfig({
  base: "/dashboard/",
  build: {
    outDir: "../assets",
    emptyOutDir: true,
    target: "es2023",
    // A preload script would have to be inline or write markup, which the policy of the page forbids.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  server: {
    port: 5173,
    strictPort: true,
    proxy: Object.fromEntries(
      ["/api", "/health", "/docs", "/openapi.json", "/dashboard/config.json"].map((path) => [path, api]),
    ),
  },
  test: { include: ["tests/unit/*.test.ts"] },
});
