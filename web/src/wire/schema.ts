/** A reader for the few words of JSON Schema that `wire.schema.json` uses. Fills in defaults, drops nothing. */
import document from "./wire.schema.json";

interface Shape {
  readonly $ref?: string;
  readonly anyOf?: readonly Shape[];
  readonly enum?: readonly unknown[];
  readonly type?: string;
  readonly items?: Shape;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly additionalProperties?: Shape | boolean;
  readonly required?: readonly string[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
}

const REF = "#/definitions/";
const shapes = document.definitions as unknown as Readonly<Record<string, Shape>>;

export class MisfitError extends TypeError {}

/** Names by `type` tag, of the messages that go one way. */
export function tags(direction: "client" | "server"): ReadonlyMap<string, string> {
  return new Map(document[direction].map((name) => [String(shapes[name]?.properties?.type?.enum?.[0]), name]));
}

/** `value` as the named definition, defaults filled in. Throws MisfitError naming the field. */
export function conform(name: string, value: unknown): unknown {
  return fitShape({ $ref: REF + name }, value, name);
}

function fitShape(shape: Shape, value: unknown, path: string): unknown {
  if (shape.$ref !== undefined) {
    const target = shapes[shape.$ref.slice(REF.length)];
    if (target === undefined) throw new MisfitError(`${path}: no such definition`);
    return fitShape(target, value, path);
  }
  if (shape.anyOf !== undefined) return fitAny(shape.anyOf, value, path);
  if (shape.enum !== undefined) {
    if (!shape.enum.includes(value)) throw new MisfitError(`${path}: not one of ${shape.enum.join(", ")}`);
    return value;
  }
  switch (shape.type) {
    case "object":
      return fitObject(shape, value, path);
    case "array":
      if (!Array.isArray(value) || value.length > (shape.maxItems ?? Number.POSITIVE_INFINITY)) break;
      return value.map((item, index) => fitShape(shape.items ?? {}, item, `${path}[${index}]`));
    case "string":
      if (typeof value !== "string" || !within(value.length, shape.minLength, shape.maxLength)) break;
      return value;
    case "number":
    case "integer":
      if (typeof value !== "number" || !Number.isFinite(value) || !within(value, shape.minimum, shape.maximum)) break;
      if (shape.type === "integer" && !Number.isInteger(value)) break;
      return value;
    case "boolean":
      if (typeof value !== "boolean") break;
      return value;
    case "null":
      if (value !== null) break;
      return value;
    default:
      return value;
  }
  throw new MisfitError(`${path}: not a fitting ${shape.type}`);
}

function fitAny(options: readonly Shape[], value: unknown, path: string): unknown {
  let last: unknown;
  for (const option of options) {
    try {
      return fitShape(option, value, path);
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

function fitObject(shape: Shape, value: unknown, path: string): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new MisfitError(`${path}: no object`);
  const given = value as Readonly<Record<string, unknown>>;
  const properties = shape.properties ?? {};
  const result: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(given)) {
    const known = Object.hasOwn(properties, name) ? properties[name] : undefined;
    const other = typeof shape.additionalProperties === "object" ? shape.additionalProperties : {};
    result[name] = fitShape(known ?? other, inner, `${path}.${name}`);
  }
  for (const [name, inner] of Object.entries(properties)) {
    if (Object.hasOwn(given, name)) continue;
    if (shape.required?.includes(name)) throw new MisfitError(`${path}.${name}: missing`);
    result[name] = structuredClone(inner.default);
  }
  return result;
}

function within(value: number, low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY): boolean {
  return value >= low && value <= high;
}
