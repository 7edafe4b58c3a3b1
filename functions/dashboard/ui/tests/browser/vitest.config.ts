import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  test: {
    include: process.env.SCREENSHOTS ? ["screenshots.ts"] : ["*.test.ts"],
    globalSetup: ["stage.ts"],
    // One browser at a time: what is measured is not to be another test.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
