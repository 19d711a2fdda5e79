import { afterEach, expect, it, vi } from "vitest";

afterEach(() => vi.unstubAllGlobals());

/** A browser's interfaces that say nothing and know nothing, and who listens to what. */
function browser(lacking: string, listened: string[], name = "chrome"): unknown {
  const answer = (): Promise<unknown> => Promise.resolve({});
  return new Proxy(answer, {
    get: (_, key) => {
      const path = `${name}.${String(key)}`;
      if (path === lacking) return undefined;
      if (key === "addListener") listened.push(name);
      return browser(lacking, listened, path);
    },
  });
}

it("listens to all that it lives by where there are no menus, as in Firefox for Android", async () => {
  const listened: string[] = [];
  vi.stubGlobal("chrome", browser("chrome.contextMenus", listened));
  await import("./background");
  expect(new Set(listened)).toEqual(
    new Set([
      "chrome.alarms.onAlarm",
      "chrome.cookies.onChanged",
      "chrome.permissions.onAdded",
      "chrome.permissions.onRemoved",
      "chrome.runtime.onInstalled",
      "chrome.runtime.onMessage",
      "chrome.runtime.onStartup",
    ]),
  );
});
