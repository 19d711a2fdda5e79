import { describe, expect, it } from "vitest";
import hosts from "../../tests/fixtures/sites.json";
import { isOf, patternOf, readSite, siteOf, siteOfPattern } from "./sites";

describe("the site of a host", () => {
  it.each(Object.entries(hosts))("of %s is %s, as the server says", (host, site) => {
    expect(siteOf(host)).toBe(site);
  });
});

describe("what somebody typed", () => {
  it.each([
    ["nebula.tv", "nebula.tv"],
    ["https://www.nebula.tv/videos/x?y", "nebula.tv"],
    [" www.bbc.co.uk ", "bbc.co.uk"],
    ["localhost:8080", "localhost"],
    ["", null],
    ["co.uk", null],
    ["two words", null],
    ["javascript:alert(1)", null],
    ["file:///etc/passwd", null],
  ])("%j is the site %j", (text, site) => {
    expect(readSite(text)).toBe(site);
  });
});

describe("what the browser is asked for", () => {
  it.each([
    ["youtube.com", "*://*.youtube.com/*"],
    ["localhost", "*://localhost/*"],
    ["127.0.0.1", "*://127.0.0.1/*"],
    ["::1", "*://[::1]/*"],
  ])("of %s is %s", (site, pattern) => {
    expect(patternOf(site)).toBe(pattern);
    expect(siteOfPattern(pattern)).toBe(site);
  });

  it.each(["*://*/*", "<all_urls>", "https://youtube.com/*", "*://*.youtube.com/watch"])("is never %s", (pattern) => {
    expect(siteOfPattern(pattern)).toBeNull();
  });
});

it("a cookie is of a site by whole names", () => {
  expect(isOf(".youtube.com", "youtube.com")).toBe(true);
  expect(isOf("m.youtube.com", "youtube.com")).toBe(true);
  expect(isOf("notyoutube.com", "youtube.com")).toBe(false);
});
