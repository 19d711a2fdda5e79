import { describe, expect, it } from "vitest";
import { cookie } from "./fixtures";
import { fingerprintOf, jarOf } from "./netscape";

const NOW = 1_000_000;

/** The lines of a jar, without its heading. */
function lines(...cookies: Parameters<typeof jarOf>[0]): readonly string[] {
  return jarOf(cookies, "video.example", NOW).text.split("\n").slice(1, -1);
}

describe("a cookie's line", () => {
  it.each([
    ["of a domain", cookie(), ".video.example\tTRUE\t/\tTRUE\t\tsid\tsecret"],
    [
      "of one host",
      cookie({ domain: "www.video.example", hostOnly: true }),
      "www.video.example\tFALSE\t/\tTRUE\t\tsid\tsecret",
    ],
    ["that scripts may not read", cookie({ httpOnly: true }), "#HttpOnly_.video.example\tTRUE\t/\tTRUE\t\tsid\tsecret"],
    ["that ends", cookie({ expirationDate: NOW + 0.9 }), `.video.example\tTRUE\t/\tTRUE\t${NOW}\tsid\tsecret`],
    ["that goes unencrypted", cookie({ secure: false }), ".video.example\tTRUE\t/\tFALSE\t\tsid\tsecret"],
    ["without a name", cookie({ name: "" }), ".video.example\tTRUE\t/\tTRUE\t\t\tsecret"],
    [
      "of a prefix",
      cookie({ name: "__Host-a", domain: "video.example", hostOnly: true }),
      "video.example\tFALSE\t/\tTRUE\t\t__Host-a\tsecret",
    ],
    ["beyond ASCII", cookie({ value: "é" }), ".video.example\tTRUE\t/\tTRUE\t\tsid\tÃ©"],
  ])("%s", (_what, given, line) => {
    expect(lines(given)).toEqual([line]);
  });
});

describe("a jar", () => {
  it("has what the site itself is sent, and nothing that it set inside of others", () => {
    const own = { topLevelSite: "https://video.example", hasCrossSiteAncestor: false };
    const kept = [
      cookie({ name: "plain" }),
      cookie({ name: "own", partitionKey: own }),
      cookie({ name: "firefox", partitionKey: { topLevelSite: "" } }),
      cookie({ name: "port", partitionKey: { topLevelSite: "http://video.example:8080" } }),
    ];
    const left = [
      cookie({ name: "elsewhere", partitionKey: { topLevelSite: "https://news.example" } }),
      cookie({ name: "framed", partitionKey: { ...own, hasCrossSiteAncestor: true } }),
      cookie({ name: "other", domain: ".notvideo.example" }),
      cookie({ name: "over", expirationDate: NOW }),
    ];
    expect(jarOf([...left, ...kept], "video.example", NOW).names).toEqual(["firefox", "own", "plain", "port"]);
  });

  it("takes the partitioned one of two of the same name", () => {
    const partitionKey = { topLevelSite: "https://video.example" };
    for (const order of [1, -1]) {
      const both = [cookie({ value: "old" }), cookie({ value: "new", partitionKey })].sort(() => order);
      expect(lines(...both)).toEqual([".video.example\tTRUE\t/\tTRUE\t\tsid\tnew"]);
    }
  });

  it("leaves out what would end a field or a line, and says how many", () => {
    const jar = jarOf([cookie({ value: "a\tb" }), cookie({ name: "a\nb" }), cookie()], "video.example", NOW);
    expect(jar).toMatchObject({ names: ["sid"], leftOut: 2 });
    expect(jar.text.split("\n")).toHaveLength(3);
  });

  it("is the same text, whatever the order of the cookies", () => {
    const some = ["c", "a", "b"].map((name) => cookie({ name }));
    expect(lines(...some)).toEqual(lines(...some.toReversed()));
  });

  it("is told by names, never by values", () => {
    const { names } = jarOf([cookie({ name: "" }), cookie()], "video.example", NOW);
    expect(names.join()).not.toContain("secret");
  });
});

describe("a fingerprint", () => {
  const of = (change: Parameters<typeof cookie>[0]) => fingerprintOf(jarOf([cookie(change)], "video.example", NOW));

  it("changes with a value, and not with a later expiry", async () => {
    expect(await of({ expirationDate: NOW + 9 })).toBe(await of({ expirationDate: NOW + 99 }));
    expect(await of({ value: "a" })).not.toBe(await of({ value: "b" }));
  });

  it("does not give a value away", async () => {
    expect(await of({})).toMatch(/^[0-9a-f]{64}$/);
  });
});
