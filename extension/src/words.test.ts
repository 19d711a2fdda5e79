import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import de from "../_locales/de/messages.json";
import en from "../_locales/en/messages.json";

/** What every sentence of a catalogue is given, by name. */
function inserts(catalogue: Readonly<Record<string, { readonly message: string }>>): unknown {
  return Object.fromEntries(
    Object.entries(catalogue).map(([name, { message }]) => [name, message.match(/\$\d/g) ?? []]),
  );
}

describe("the catalogue", () => {
  it("has the same sentences in every language, given the same", () => {
    expect(inserts(de)).toEqual(inserts(en));
  });

  it("has no sentence that nobody says", () => {
    const names = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((name) =>
      /(?<!test)\.ts$/.test(name),
    );
    const files = [...names.map((name) => `src/${name}`), "scripts/manifest.mjs"];
    const source = files.map((name) => readFileSync(name, "utf8")).join("\n");
    // A problem's name is put together from its code.
    const said = Object.keys(en).filter((name) => !name.startsWith("problem_"));
    expect(said.filter((name) => !source.includes(`"${name}"`) && !source.includes(`__MSG_${name}__`))).toEqual([]);
  });
});
