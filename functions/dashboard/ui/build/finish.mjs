// After a build: the compressed twin of each file, and the hash of the sources that it was built from.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const ui = fileURLToPath(new URL("..", import.meta.url));
const assets = join(ui, "../assets");

/** Those of this folder that decide what is built. `src/tests.rs` of the crate has the same list. */
const SOURCES = ["build", "index.html", "package-lock.json", "package.json", "public", "src", "vite.config.ts"];
const GENERATED = "src/api/schema.ts";

/** @returns {string[]} */
function files(path) {
  return statSync(path).isDirectory() ? readdirSync(path).flatMap((name) => files(join(path, name))) : [path];
}

const sha256 = (content) => createHash("sha256").update(content).digest("hex");

export function sourcesHash() {
  const list = SOURCES.flatMap((source) => files(join(ui, source)))
    .map((path) => [relative(ui, path).split(sep).join("/"), path])
    .filter(([name]) => name !== GENERATED)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, path]) => `${sha256(readFileSync(path))}  ${name}\n`);
  return sha256(list.join(""));
}

let total = 0;
for (const path of files(assets)) {
  const content = readFileSync(path);
  const gzipped = gzipSync(content, { level: 9 });
  writeFileSync(`${path}.gz`, gzipped);
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  writeFileSync(`${path}.br`, brotliCompressSync(content, { params }));
  total += gzipped.length;
  console.log(`${(gzipped.length / 1000).toFixed(1).padStart(7)} kB  ${relative(assets, path)}`);
}
writeFileSync(join(assets, "sources.sha256"), `${sourcesHash()}\n`);
console.log(`${(total / 1000).toFixed(1).padStart(7)} kB  in all, gzipped`);

/** What the page may weigh. */
const LARGEST = 80_000;
if (total > LARGEST) {
  console.error(`the page has ${total} bytes gzipped, more than ${LARGEST}`);
  process.exit(1);
}
