import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { readClientFrame, readFrame } from "./frames";
import { MisfitError } from "./schema";

const examples = new URL("../../../tests/fixtures/wire/", import.meta.url).pathname;
const readers = { client: readClientFrame, server: readFrame };

function* each(quality: "good" | "bad"): Generator<[string, string, (text: string) => unknown]> {
  for (const way of ["client", "server"] as const) {
    const folder = join(examples, quality, way);
    for (const file of readdirSync(folder)) {
      yield [`${way} ${basename(file, ".json")}`, readFileSync(join(folder, file), "utf8"), readers[way]];
    }
  }
}

describe("golden examples", () => {
  it.each([...each("good")])("reads %s", (_name, text, read) => {
    expect(read(text)).toEqual(JSON.parse(text));
  });

  it.each([...each("bad")])("refuses %s", (_name, text, read) => {
    expect(() => read(text)).toThrow(MisfitError);
  });
});

describe("frames", () => {
  it("gives a field that the server left out its default", () => {
    expect(readFrame('{"type":"error","code":"x","message":"y"}')).toMatchObject({ id: null, retry_after_ms: null });
  });

  it("keeps fields it does not know", () => {
    expect(readFrame('{"type":"ping","later":1}')).toEqual({ type: "ping", later: 1 });
  });

  it("says null for a type it does not know", () => {
    expect(readFrame('{"type":"fireworks"}')).toBeNull();
  });

  it("is not fooled by names every object has", () => {
    expect(() => readFrame('{"type":"ack","constructor":1}')).toThrow(MisfitError);
  });
});
