import { afterEach, describe, expect, it, vi } from "vitest";
import type { ServerMessage } from "@/wire/frames";
import type { Banned } from "@/wire/wire.gen";
import { Bans } from "./bans";

const ban = (id: string, name: string): Banned => ({
  id,
  member: `guest-${id}`,
  name,
  at: 1,
  by: "guest-ana",
  by_name: "Ana",
  has_address: false,
  can_lift: true,
});

const stamp = { version: 2, prev: 1, run: "r1", server_time: 1 } as const;
const unbanned: ServerMessage = { type: "unbanned", ...stamp, ban: "b", name: "Ben", by: "guest-ana" };
const left = (reason: "left" | "banned"): ServerMessage => ({
  type: "member_left",
  ...stamp,
  email: "guest-c",
  reason,
  by: "guest-ana",
  name: "Cleo",
});

/** A server with so many bans, and what it was asked. */
function serve(state: { bans: readonly Banned[]; status?: number }): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", (path: string) => {
    asked.push(path);
    const error = { error: { code: "forbidden", message: "You may not." } };
    const body = state.status === undefined ? { bans: state.bans } : error;
    return Promise.resolve(new Response(JSON.stringify(body), { status: state.status ?? 200 }));
  });
  return asked;
}

const settled = () => new Promise((resolve) => setTimeout(resolve));
const names = (bans: Bans) => bans.view.get().bans?.map(({ name }) => name);

afterEach(() => vi.unstubAllGlobals());

describe("the list of bans", () => {
  it("is read while somebody looks, and again when somebody is banned or let in again", async () => {
    const state = { bans: [ban("b", "Ben")] };
    const asked = serve(state);
    const bans = new Bans("a room", () => undefined);
    bans.heard(unbanned);
    expect(asked).toEqual([]);
    bans.open();
    await settled();
    expect(names(bans)).toEqual(["Ben"]);
    state.bans = [ban("c", "Cleo"), ban("b", "Ben")];
    bans.heard(left("left"));
    await settled();
    expect(names(bans)).toEqual(["Ben"]);
    bans.heard(left("banned"));
    await settled();
    expect(names(bans)).toEqual(["Cleo", "Ben"]);
    state.bans = [];
    bans.heard(unbanned);
    await settled();
    expect(names(bans)).toEqual([]);
    expect(asked).toEqual(Array(3).fill("/api/rooms/a%20room/bans"));
  });

  it("loses a row at once, and has it back when the room says no", async () => {
    const sent: string[] = [];
    serve({ bans: [ban("b", "Ben"), ban("c", "Cleo")] });
    const bans = new Bans("night", (id) => sent.push(id));
    bans.open();
    await settled();
    bans.lift("b");
    expect(names(bans)).toEqual(["Cleo"]);
    expect(sent).toEqual(["b"]);
    await bans.read();
    expect(names(bans)).toEqual(["Ben", "Cleo"]);
  });

  it("says what is wrong, and is forgotten when nobody looks", async () => {
    const state: { bans: readonly Banned[]; status?: number } = { bans: [], status: 403 };
    serve(state);
    const bans = new Bans("night", () => undefined);
    bans.open();
    await settled();
    expect(bans.view.get()).toEqual({ bans: null, problem: expect.stringMatching(/./) });
    delete state.status;
    await bans.read();
    expect(bans.view.get()).toEqual({ bans: [], problem: null });
    const late = bans.read();
    bans.close();
    await late;
    expect(bans.view.get()).toEqual({ bans: null, problem: null });
  });
});
