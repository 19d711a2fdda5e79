import { afterEach, describe, expect, it, vi } from "vitest";
import { Pairing } from "./pairing";

const chrome = { id: "c", name: "Chrome", paired_at: 1, used_at: 2 };

/** A server with so many browsers, and what it was asked. */
function serve(state: { browsers: readonly unknown[]; status?: number }): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", (path: string, { method = "GET" }: RequestInit) => {
    asked.push(`${method} ${path}`);
    if (method === "DELETE") {
      state.browsers = [];
      return Promise.resolve(new Response(null, { status: 204 }));
    }
    const code = { code: "ABCD-EFGH", expires_at: 300 };
    const error = { error: { code: "too_many_requests", message: "That was too often." } };
    const body = path.endsWith("/code") ? (state.status === 429 ? error : code) : { browsers: state.browsers };
    return Promise.resolve(new Response(JSON.stringify(body), { status: state.status ?? 200 }));
  });
  return asked;
}

afterEach(() => vi.unstubAllGlobals());

describe("a pairing code", () => {
  it("is shown until a browser has used it", async () => {
    const pairing = new Pairing();
    const state = { browsers: [] as unknown[] };
    serve(state);
    await pairing.look(0);
    await pairing.show();
    await pairing.look(1_000);
    expect(pairing.view.get().code).toBe("ABCD-EFGH");
    state.browsers = [chrome];
    await pairing.look(2_000);
    expect(pairing.view.get()).toMatchObject({ code: null, browsers: [chrome] });
  });

  it("is shown no longer than it is good", async () => {
    const pairing = new Pairing();
    serve({ browsers: [] });
    await pairing.show();
    await pairing.look(299_000);
    expect(pairing.view.get().code).toBe("ABCD-EFGH");
    await pairing.look(301_000);
    expect(pairing.view.get().code).toBeNull();
  });

  it("that is refused is told in words", async () => {
    const pairing = new Pairing();
    serve({ browsers: [], status: 429 });
    await pairing.show();
    expect(pairing.view.get()).toMatchObject({ code: null, problem: expect.any(String), isBusy: false });
  });
});

it("a browser is disconnected by its id", async () => {
  const pairing = new Pairing();
  const asked = serve({ browsers: [chrome] });
  await pairing.look(0);
  await pairing.revoke("c");
  expect(asked.slice(1)).toEqual(["DELETE /api/browsers/c", "GET /api/browsers"]);
  expect(pairing.view.get().browsers).toEqual([]);
});
