/** What crosses the socket: frames are checked once, here, and are typed from then on. */
import { conform, MisfitError, tags } from "./schema";
import type { RoomState, Wire } from "./wire.gen";

export type Command = Wire["command"];
export type ClientMessage = Wire["client"];
export type ServerMessage = Wire["server"];
/** An event that changed the room: it has a version, and the version before it. */
export type RoomEvent = Extract<ServerMessage, { readonly prev: number }>;
export type Snapshot = RoomState;

const incoming = tags("server");
const outgoing = tags("client");

/** A server's frame; null for a type this page does not know. Throws MisfitError for what does not fit. */
export function readFrame(text: string): ServerMessage | null {
  return read(text, incoming) as ServerMessage | null;
}

/** A client's frame, as a server would read it: what the golden examples are checked with. */
export function readClientFrame(text: string): ClientMessage | null {
  return read(text, outgoing) as ClientMessage | null;
}

function read(text: string, names: ReadonlyMap<string, string>): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new MisfitError("not JSON");
  }
  if (typeof value !== "object" || value === null || !("type" in value)) throw new MisfitError("no type");
  const name = names.get(String(value.type));
  return name === undefined ? null : conform(name, value);
}
