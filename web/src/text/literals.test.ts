/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are sources to look at */
/** No words outside of the catalogue: what people read or hear must be there in their language. */
import { parseSync } from "vite";
import { describe, expect, it } from "vitest";

const modules = import.meta.glob<string>(["../**/*.{ts,tsx}", "!../**/*.{test,gen}.*", "!../text/**"], {
  query: "?raw",
  import: "default",
  eager: true,
});
/** Properties of components and attributes of elements that are shown or read out. */
const SPOKEN =
  /^(label|title|text|hint|heading|placeholder|description|action|empty|detail|alt|aria-(label|description|roledescription|valuetext))$/;
const WORD = /\p{L}{2,}/u;
/** Several words that begin like a sentence, or end like one. */
const PROSE = /^\p{Lu}\p{Ll}+(’\p{L}+)? \p{L}|\p{L}{2,} \p{L}.*[.?!…]$/u;
const CAPITALIZED = /^\p{Lu}\p{Ll}{2,}$/u;

interface Node {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value;
}

/** The words of a node that is a string, or a piece of a template. */
function wordsOf(node: Node): string | null {
  if (node.type === "Literal" && typeof node.value === "string") return node.value;
  if (node.type === "TemplateElement") return (node.value as { readonly cooked: string }).cooked;
  return null;
}

function isConsole({ callee }: Node): boolean {
  return ((callee as Node).object as { readonly name?: string } | undefined)?.name === "console";
}

/** Where a node stands, as far as it matters. */
type Place = "anywhere" | "spoken" | "child" | "silent";

function placeIn(node: Node, place: Place): Place {
  switch (node.type) {
    case "JSXAttribute": {
      const { name } = (node.name as { readonly name: string }) ?? {};
      return SPOKEN.test(name) ? "spoken" : "silent";
    }
    case "Property": {
      const { name } = node.key as { readonly name?: string };
      return name !== undefined && SPOKEN.test(name) ? "spoken" : place === "child" ? "anywhere" : place;
    }
    case "JSXExpressionContainer":
      return place === "spoken" || place === "silent" ? place : "child";
    // What an error says is for whoever reads the console; imports, types and keys are nobody's words.
    case "NewExpression":
      return (node.callee as { readonly name?: string }).name === "Error" ? "silent" : "anywhere";
    case "ImportDeclaration":
    case "ExportNamedDeclaration":
      return node.source ? "silent" : place;
    case "TSLiteralType":
    case "MemberExpression":
    case "BinaryExpression":
      return "silent";
    case "CallExpression":
      return place === "silent" || isConsole(node) ? "silent" : "anywhere";
    case "ArrowFunctionExpression":
      return place === "silent" ? "silent" : "anywhere";
    default:
      return place;
  }
}

function isTold(words: string, place: Place): boolean {
  if (place === "spoken") return WORD.test(words);
  return place !== "silent" && (PROSE.test(words) || (place === "child" && CAPITALIZED.test(words)));
}

/** The literal words of a module, with their lines. */
function literals(file: string, source: string): readonly string[] {
  const found: string[] = [];
  const visit = (node: Node, outer: Place) => {
    const place = placeIn(node, outer);
    const words = node.type === "JSXText" ? (node.value as string) : wordsOf(node);
    if (words !== null && (node.type === "JSXText" ? WORD.test(words) : isTold(words, place))) {
      found.push(`${file}:${source.slice(0, node.start).split("\n").length} ${words.trim()}`);
    }
    for (const value of Object.values(node)) {
      for (const each of Array.isArray(value) ? value : [value]) if (isNode(each)) visit(each, place);
    }
  };
  visit(parseSync(file, source).program as unknown as Node, "anywhere");
  return found;
}

describe("words outside of the catalogue", () => {
  it("are none in any module of the page", () => {
    expect(Object.keys(modules).length).toBeGreaterThan(100);
    expect(Object.entries(modules).flatMap(([file, source]) => literals(file, source))).toEqual([]);
  });

  it.each([
    ["a text", "<p>Hello</p>"],
    ["a name for ears", '<button aria-label="Close" />'],
    ["one of two", '<p>{isDone ? "Done" : name}</p>'],
    ["a template", "<Row label={`Delete ${name}`} />"],
    ["an option", 'const options = [{ value: "a", label: "First" }];'],
    ["a sentence", 'show("That did not work.");'],
    ["a sentence with a name in it", "show(`${name} has pressed play.`);"],
  ])("are found as %s", (_kind, source) => {
    expect(literals("a.tsx", source)).toHaveLength(1);
  });

  it.each([
    '<p className="flex gap-2 Some Thing" id="recent">{t.common.close}</p>',
    'throw new Error("The page has no root.");',
    'if (event.key === "Escape") close();',
    "const font = `${size}px sans-serif`;",
  ])("are not what nobody reads: %s", (source) => {
    expect(literals("a.tsx", source)).toEqual([]);
  });
});
