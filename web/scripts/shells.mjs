// After `vite build`: writes what each place shows before its scripts run, and compresses what the server serves.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "vite";

const web = new URL("..", import.meta.url);
const path = (relative) => fileURLToPath(new URL(relative, web));

// Beside node_modules, where its imports are found.
const folder = mkdtempSync(path("node_modules/.shells-"));
try {
  const output = { outDir: folder, emptyOutDir: true, copyPublicDir: false, manifest: false };
  await build({ root: path("."), logLevel: "error", build: { ...output, ssr: "src/shells.tsx" } });
  const { shells } = await import(pathToFileURL(`${folder}/shells.js`).href);
  writeFileSync(path("dist/.vite/shells.json"), JSON.stringify(await shells()));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

const WORTH_BYTES = 512;
for (const name of readdirSync(path("dist/assets"))) {
  if (!/\.(js|css|svg)$/.test(name)) continue;
  const text = readFileSync(path(`dist/assets/${name}`));
  if (text.length < WORTH_BYTES) continue;
  const size = { [constants.BROTLI_PARAM_SIZE_HINT]: text.length };
  writeFileSync(path(`dist/assets/${name}.br`), brotliCompressSync(text, { params: size }));
  writeFileSync(path(`dist/assets/${name}.gz`), gzipSync(text, { level: 9 }));
}
