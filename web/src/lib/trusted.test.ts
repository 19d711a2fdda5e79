import { afterEach, expect, it, vi } from "vitest";
import { rules } from "./trusted";

afterEach(() => vi.unstubAllGlobals());

it.each([
  ["/assets/hls.worker-Ab12.js", true],
  ["https://room.example/assets/worker.js", true],
  ["https://other.example/assets/worker.js", false],
  ["/api/proxy?url=https%3A%2F%2Fother.example", false],
  ["/assets/../api/proxy?url=x", false],
  ["data:text/javascript,alert(1)", false],
  ["blob:https://room.example/9115d58c", false],
])("a worker of %s may run: %s", (address, mayRun) => {
  vi.stubGlobal("location", { href: "https://room.example/room/a", origin: "https://room.example" });
  expect(rules.createScriptURL(address)).toBe(mayRun ? address : null);
});

it("lets strings become inert documents and nothing else", () => {
  expect(rules.createHTML("<tt/>", "TrustedHTML", "DOMParser parseFromString")).toBe("<tt/>");
  expect(rules.createHTML("<b>", "TrustedHTML", "Element innerHTML")).toBeNull();
});
