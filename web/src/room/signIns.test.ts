import { afterEach, describe, expect, it, vi } from "vitest";
import type { QueueItem } from "@/wire/wire.gen";
import { mayMend, SignIns, siteFor } from "./signIns";
import { attemptWords } from "./words";

const item = { id: "a", url: "https://www.film.example/v", status: "failed", code: "sign_in_required" } as QueueItem;
const film = { domain: "film.example", expires_at: null };

/** A server that answers each request with the next of these, and what it was asked. */
function serve(...answers: readonly (readonly [number, unknown])[]): string[] {
  const asked: string[] = [];
  const left = [...answers];
  vi.stubGlobal("fetch", (path: string, request: RequestInit) => {
    if (path.startsWith("/api/browsers")) return Promise.resolve(new Response('{"browsers":[]}'));
    asked.push(`${request.method ?? "GET"} ${path}`);
    const [status, body] = left.shift() ?? [500, null];
    return Promise.resolve(new Response(status === 204 ? null : JSON.stringify(body), { status }));
  });
  return asked;
}

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("the site for a link", () => {
  const sites = [film, { domain: "youtube.com", expires_at: 1 }, { domain: "127.0.0.1", expires_at: null }];

  it.each([
    ["https://film.example/v", "film.example"],
    ["https://www.film.example/v", "film.example"],
    ["https://youtu.be/abc", "youtube.com"],
    ["http://127.0.0.1:8900/watch/x", "127.0.0.1"],
    ["https://notfilm.example/v", null],
    ["https://film.example.evil.example/v", null],
    ["no link", null],
  ])("of %j is %j", (link, site) => {
    expect(siteFor(link, sites)).toBe(site);
  });
});

describe("sign-ins", () => {
  it("are offered where they may help", () => {
    expect(mayMend(item)).toBe(true);
    expect(mayMend({ ...item, code: "drm" })).toBe(false);
    expect(mayMend({ ...item, status: "ready" })).toBe(false);
  });

  it("that were brought for an item are used for it, once they are kept", async () => {
    const retried: string[] = [];
    const signIns = new SignIns(({ id }) => retried.push(id));
    const asked = serve([200, { sites: [] }], [201, { sites: [film] }]);
    signIns.open(item);
    expect(await signIns.save("the cookies")).toBe(true);
    expect(asked).toEqual(["GET /api/cookies", "POST /api/cookies"]);
    expect(retried).toEqual(["a"]);
    expect(signIns.view.get().isOpen).toBe(false);
  });

  it("of another site are kept, and the item is left alone", async () => {
    const retried: string[] = [];
    const signIns = new SignIns(({ id }) => retried.push(id));
    serve([200, { sites: [] }], [201, { sites: [{ domain: "other.example", expires_at: 5 }] }]);
    signIns.open(item);
    await signIns.save("the cookies");
    expect(retried).toEqual([]);
    expect(signIns.view.get()).toMatchObject({ isOpen: true, sites: [{ domain: "other.example" }] });
  });

  it("that a connected browser brings while somebody waits for them are used at once", async () => {
    vi.useFakeTimers();
    const retried: string[] = [];
    const signIns = new SignIns(({ id }) => retried.push(id));
    const asked = serve([200, { sites: [] }], [200, { sites: [] }], [200, { sites: [film] }]);
    signIns.open(item);
    await vi.advanceTimersByTimeAsync(4_100);
    expect(retried).toEqual(["a"]);
    expect(signIns.view.get().isOpen).toBe(false);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(asked).toHaveLength(3);
  });

  it("that were here before are offered, not used unasked", async () => {
    vi.useFakeTimers();
    const retried: string[] = [];
    const signIns = new SignIns(({ id }) => retried.push(id));
    serve([200, { sites: [film] }], [200, { sites: [film] }], [200, { sites: [film] }]);
    signIns.open(item);
    await vi.advanceTimersByTimeAsync(4_100);
    expect(retried).toEqual([]);
    expect(signIns.view.get().isOpen).toBe(true);
    signIns.close();
  });

  it("that are wrong are told by line, and nothing is forgotten", async () => {
    const signIns = new SignIns(() => undefined);
    const problems = [1, 4].map((line) => ({ line, message: "it has 1 fields" }));
    serve([200, { sites: [film] }], [400, { error: { code: "bad_cookies", message: "Line 1: no.", problems } }]);
    signIns.open();
    await vi.waitFor(() => expect(signIns.view.get().sites).toEqual([film]));
    expect(await signIns.save("x")).toBe(false);
    expect(signIns.view.get()).toMatchObject({
      sites: [film],
      problem: "Line 1: no.",
      lines: ["Line 4: it has 1 fields."],
      isBusy: false,
    });
  });

  it("can be deleted one by one", async () => {
    const signIns = new SignIns(() => undefined);
    const asked = serve([204, null], [200, { sites: [] }]);
    await signIns.forget("film.example");
    expect(asked).toEqual(["DELETE /api/cookies?domain=film.example", "GET /api/cookies"]);
    expect(signIns.view.get().sites).toEqual([]);
  });
});

describe("the ways that failed", () => {
  it("are told by whose sign-in they were", () => {
    const attempt = { code: "private", message: "No." } as const;
    const words = ["me", "ana", ""].map((lender) => attemptWords({ ...attempt, lender }, "me", () => "Ana"));
    expect(words).toEqual(["With your sign-in: No.", "With Ana’s sign-in: No.", "Without a sign-in: No."]);
  });
});
