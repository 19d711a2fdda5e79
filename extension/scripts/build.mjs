// Builds dist/{chrome,firefox} and the zips that stores take. The same sources make the same bytes.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { zipSync } from "fflate";
import { build } from "vite";
import { manifest } from "./manifest.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

await build({ root, logLevel: "warn" });
const parts = join(root, "dist/parts");
for (const target of ["chrome", "firefox"]) {
  const folder = join(root, "dist", target);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [from, to] of [
    [parts, "."],
    [join(root, "public"), "."],
    [join(root, "_locales"), "_locales"],
  ]) {
    cpSync(from, join(folder, to), { recursive: true });
  }
  writeFileSync(join(folder, "manifest.json"), `${JSON.stringify(manifest(target, version), null, 2)}\n`);
  writeFileSync(join(root, "dist", `watch-together-${target}-${version}.zip`), zipped(folder));
}
rmSync(parts, { recursive: true });

/** A folder as a zip: sorted, and of no date (zip's own time has no zone, so this is the same everywhere). */
function zipped(folder) {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => statSync(join(folder, name)).isFile())
    .map((name) => relative(folder, join(folder, name)).replaceAll("\\", "/"))
    .sort();
  const files = Object.fromEntries(names.map((name) => [name, new Uint8Array(readFileSync(join(folder, name)))]));
  return zipSync(files, { level: 9, mtime: new Date(1980, 0, 1), os: 3, attrs: 0o644 << 16 });
}
