import { describe, expect, it } from "vitest";
import { mayBeMedia } from "./piece";

function bytes(...values: readonly (number | string)[]): ArrayBuffer {
  const all = values.flatMap((value) => (typeof value === "number" ? [value] : [...value].map((c) => c.charCodeAt(0))));
  return new Uint8Array([...all, 0, 0, 0, 0, 0, 0, 0, 0]).buffer;
}

describe("a piece's bytes", () => {
  it.each([
    ["a segment's type", bytes(0, 0, 0, 24, "styp")],
    ["a fragment", bytes(0, 0, 4, 0, "moof")],
    ["a cluster", bytes(0x1f, 0x43, 0xb6, 0x75)],
    ["a transport stream", bytes(0x47, 0x40)],
    ["nothing, which is a gap", new ArrayBuffer(0)],
  ])("may be media: %s", (_what, piece) => expect(mayBeMedia(piece)).toBe(true));

  it.each([
    ["a picture", bytes(0xff, 0xd8, 0xff, 0xe0)],
    ["a page", bytes("<!doctype html>")],
    ["zeros", new ArrayBuffer(100)],
    ["too little", new ArrayBuffer(3)],
  ])("are none: %s", (_what, piece) => expect(mayBeMedia(piece)).toBe(false));
});
