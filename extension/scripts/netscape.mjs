// For the tests: JSON lines of {cookies, site, now} in, JSON strings of cookies.txt out, by the extension's own code.
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));
const { module } = await runnerImport("/src/netscape.ts", { root, logLevel: "error" });
for await (const line of createInterface({ input: process.stdin })) {
  const { cookies, site, now } = JSON.parse(line);
  console.log(JSON.stringify(module.jarOf(cookies, site, now).text));
}
