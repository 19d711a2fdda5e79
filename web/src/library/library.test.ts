import { afterEach, describe, expect, it, vi } from "vitest";
import type { Playlist } from "@/wire/wire.gen";
import { Library, linkOf } from "./library";

const film: Playlist = { id: "p1", name: "Films", items: [], created_at: 1, updated_at: 1 };
const item = (id: string) => ({
  id,
  url: `https://a.example/${id}`,
  title: id,
  thumbnail: "",
  duration: 0,
  added_at: 1,
});
const full = { ...film, items: [item("a"), item("b"), item("c")] };
const line = { id: "p1", name: "Films", count: 3, duration: 0, thumbnail: "", updated_at: 1 };

/** A server that answers each request with the next of these, and what it was asked. */
function serve(...answers: readonly (readonly [number, unknown])[]): string[] {
  const asked: string[] = [];
  const left = [...answers];
  vi.stubGlobal("fetch", (path: string, request: RequestInit) => {
    asked.push(`${request.method ?? "GET"} ${path} ${request.body ?? ""}`.trim());
    const [status, body] = left.shift() ?? [500, null];
    return Promise.resolve(new Response(status === 204 ? null : JSON.stringify(body), { status }));
  });
  return asked;
}

async function looking(
  into: Playlist,
  ...answers: readonly (readonly [number, unknown])[]
): Promise<[Library, string[]]> {
  const library = new Library();
  const asked = serve([200, into], ...answers);
  await library.choose(into.id);
  return [library, asked];
}

afterEach(() => vi.unstubAllGlobals());

describe("what goes into a playlist", () => {
  const queued = { url: "https://a.example/v", title: "A film", thumbnail: "/api/proxy?x", duration: 60 };

  it("is known by its title", () => expect(linkOf(queued, false)).toEqual(queued));

  it("is the link alone where a sign-in opened it", () =>
    expect(linkOf(queued, true)).toEqual({ url: queued.url, title: "", thumbnail: "", duration: 0 }));
});

describe("the library", () => {
  it("reads the shelf that is shown", async () => {
    const asked = serve([200, { playlists: [line] }], [200, { is_kept: true, entries: [] }]);
    const library = new Library();
    library.open();
    await vi.waitFor(() => expect(library.view.get().playlists).toEqual([line]));
    library.show("history");
    await vi.waitFor(() => expect(library.view.get().history?.is_kept).toBe(true));
    expect(asked).toEqual(["GET /api/playlists", "GET /api/history"]);
  });

  it("puts what is brought into a playlist, and shows it", async () => {
    const asked = serve([200, { playlists: [line] }], [201, full]);
    const library = new Library();
    library.open("playlists", [{ url: "https://a.example/c", title: "c", thumbnail: "", duration: 0 }]);
    await vi.waitFor(() => expect(library.view.get().playlists).not.toBeNull());
    expect(await library.put(line)).toBe(true);
    expect(library.view.get()).toMatchObject({ bringing: [], chosen: { id: "p1" }, problem: null });
    expect(library.view.get().done).toContain("Films");
    expect(asked[1]).toMatch(/^POST \/api\/playlists\/p1\/items .*a\.example\/c/);
  });

  it("keeps what is brought when it could not be put", async () => {
    serve([409, { error: { code: "playlist_full", message: "A playlist holds 500 links." } }]);
    const library = new Library();
    library.view.patch({ bringing: [{ url: "https://a.example/c", title: "c", thumbnail: "", duration: 0 }] });
    expect(await library.put(line)).toBe(false);
    expect(library.view.get().bringing).toHaveLength(1);
    expect(library.view.get().problem).toBe("A playlist holds 500 links.");
  });

  it("shows a new order at once", async () => {
    const [library] = await looking(full, [200, { ...full, items: [full.items[2], full.items[0], full.items[1]] }]);
    const change = library.reorder(["c", "a", "b"]);
    expect(library.view.get().chosen?.items.map(({ id }) => id)).toEqual(["c", "a", "b"]);
    expect(await change).toBe(true);
  });

  it("adds a link at once and then what it is", async () => {
    const added = { ...film, items: [item("a")] };
    const known = { ...added, items: [{ ...item("a"), title: "A film", duration: 60 }] };
    const video = { url: "https://a.example/a", title: "A film", stream_type: "direct", duration: 60 };
    const [library, asked] = await looking(film, [201, added], [200, video], [200, known]);
    expect(await library.add("https://a.example/a")).toBe(true);
    await vi.waitFor(() => expect(library.view.get().chosen?.items[0]?.title).toBe("A film"));
    expect(asked[3]).toMatch(/^PUT \/api\/playlists\/p1\/items\/a /);
  });

  it("keeps a link that could not be opened now", async () => {
    const [library] = await looking(film, [201, { ...film, items: [item("a")] }], [422, null]);
    expect(await library.add("https://a.example/a")).toBe(true);
    expect(library.view.get()).toMatchObject({ problem: null, chosen: { items: [{ id: "a" }] } });
  });

  it("says that the server does not answer", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError()));
    const library = new Library();
    await library.load();
    expect(library.view.get()).toMatchObject({ isBusy: false, playlists: null });
    expect(library.view.get().problem).toContain("does not answer");
  });
});
