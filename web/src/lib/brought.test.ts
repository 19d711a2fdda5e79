import { describe, expect, it } from "vitest";
import { bringing, broughtLink } from "./brought";

describe("a link that the address brings", () => {
  it.each([
    ["?add=https%3A%2F%2Fexample.org%2Fwatch%3Fv%3D1%26t%3D2", "https://example.org/watch?v=1&t=2"],
    ["?name=Ana&add=example.org%2Fclip", "https://example.org/clip"],
    ["?add=javascript%3Aalert(1)", null],
    ["?add=", null],
    [`?add=https://example.org/${"x".repeat(2048)}`, null],
    ["", null],
  ])("is read from %j", (search, link) => {
    expect(broughtLink(search)).toBe(link);
  });

  it("is brought on to a room", () => {
    const link = "https://example.org/a?b=1&c=ü";
    const path = bringing("/room/film", link);
    expect(broughtLink(new URL(path, "http://localhost").search)).toBe(link);
    expect(bringing("/room/film", null)).toBe("/room/film");
  });
});
