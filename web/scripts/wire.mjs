// Writes src/wire/wire.gen.ts from wire.schema.json, which `python -m services.common.wire.schema` wrote.
import { readFileSync, writeFileSync } from "node:fs";
import { compile } from "json-schema-to-typescript";

const schema = JSON.parse(readFileSync(new URL("../src/wire/wire.schema.json", import.meta.url), "utf8"));
const target = new URL("../src/wire/wire.gen.ts", import.meta.url);

const sent = new Set([...schema.client, ...schema.rest.filter((name) => name.endsWith("Request"))]);

/** What we send may leave out what has a default; what we read has had its defaults filled in. */
function prepare(name, definition) {
  const required = sent.has(name) ? definition.required : Object.keys(definition.properties);
  return { ...definition, properties: mapValues(definition.properties, strip), required, additionalProperties: false };
}

// Bounds and defaults would turn lists into tuples and scatter comments; the check at run time knows them.
function strip(value) {
  if (Array.isArray(value)) return value.map(strip);
  if (value === null || typeof value !== "object") return value;
  const left = ["default", "title", "minItems", "maxItems", "minLength", "maxLength", "minimum", "maximum"];
  if (value.type === "object" && value.additionalProperties === undefined && !value.properties) {
    return { type: "object", additionalProperties: { tsType: "unknown" } };
  }
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !left.includes(key))
      .map(([key, inner]) => [key, key === "properties" ? mapValues(inner, strip) : strip(inner)]),
  );
}

function mapValues(object, change) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}

const definitions = Object.fromEntries(
  Object.entries(schema.definitions).map(([name, definition]) => [name, prepare(name, definition)]),
);
const union = (names) => ({ anyOf: names.map((name) => ({ $ref: `#/definitions/${name}` })) });

const text = await compile(
  {
    title: "Wire",
    type: "object",
    additionalProperties: false,
    properties: {
      command: union(schema.commands),
      client: union(schema.client),
      server: union(schema.server),
      rest: union(schema.rest),
    },
    required: ["command", "client", "server", "rest"],
    definitions,
  },
  "Wire",
  {
    bannerComment: "// Written by `npm run wire` from services/common/wire: change it there.",
    additionalProperties: false,
    style: { printWidth: 100 },
  },
);
writeFileSync(target, text);
