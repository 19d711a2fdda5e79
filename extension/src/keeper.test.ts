import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { cookie } from "./fixtures";
import { Keeper } from "./keeper";
import type { BrowserCookie } from "./netscape";
import { MOST_WAIT_MS, PAUSE_MS, QUIET_MS, REGULAR_MS, RESCUE_MS } from "./schedule";
import { FRESH, Memory, type SiteState, type State } from "./state";

const SITE = "video.example";
const PAIRING = { server: "https://watch.example", token: "wt1.a.b", name: "Ana" };

interface Asked {
  readonly what: string;
  readonly body: string;
  readonly token: string | null;
}

/** A browser, a server and a clock to play with. A `Keeper` made of them again is the one after the process died. */
class World {
  now = 1_800_000_000_000;
  state: State = { ...FRESH, pairing: PAIRING };
  cookies: BrowserCookie[] = [cookie()];
  granted = new Set([SITE]);
  /** Whether a process dies as soon as it has noted something. */
  isDeadly = false;
  wakeAt = Number.POSITIVE_INFINITY;
  asked: Asked[] = [];
  answer: () => Response | Promise<Response> = () => Response.json({ sites: [] }, { status: 201 });

  keeper(): Keeper {
    return new Keeper({
      memory: new Memory({
        read: async () => structuredClone(this.state),
        write: async (state) => {
          this.state = structuredClone(state);
          if (this.isDeadly) await new Promise(() => undefined);
        },
      }),
      cookiesOf: async () => this.cookies,
      isGranted: async (site) => this.granted.has(site),
      giveUp: async (site) => {
        this.granted.delete(site);
      },
      wakeAt: (time) => {
        this.wakeAt = time;
      },
      now: () => this.now,
      browserName: () => "Chrome on Linux",
    });
  }

  get site(): SiteState | undefined {
    return this.state.sites[SITE];
  }

  fetch(url: string, { method = "GET", body, headers }: RequestInit): Promise<Response> {
    const what = `${method} ${url.replace(`${PAIRING.server}/api/extension/`, "")}`;
    this.asked.push({ what, body: String(body), token: new Headers(headers).get("authorization") });
    return Promise.resolve(this.answer());
  }

  refuse(status: number, code: string, retryAfterMs?: number): void {
    this.answer = () =>
      Response.json({ error: { code, message: "No.", retry_after_ms: retryAfterMs ?? null } }, { status });
  }

  /** Lets the clock reach what was asked for, and does what is due then, in a process that knows nothing. */
  async wake(): Promise<void> {
    this.now = Math.max(this.now, this.wakeAt);
    await this.keeper().run();
  }

  whats(): readonly string[] {
    return this.asked.splice(0).map(({ what }) => what);
  }
}

let world: World;

beforeEach(() => {
  world = new World();
  vi.stubGlobal("fetch", (url: string, request: RequestInit) => world.fetch(url, request));
});
afterEach(() => vi.unstubAllGlobals());

describe("a site that is turned on", () => {
  it("is sent at once, with the token and without anything else of this browser", async () => {
    await world.keeper().turnOn(SITE);
    expect(world.asked).toEqual([
      { what: "POST cookies", body: expect.stringContaining("\tsid\tsecret\n"), token: `Bearer ${PAIRING.token}` },
    ]);
    expect(world.site).toMatchObject({ problem: null, names: ["sid"], syncedAt: world.now });
  });

  it("leaves no value in what is remembered", async () => {
    await world.keeper().turnOn(SITE);
    expect(JSON.stringify(world.state)).not.toContain("secret");
  });

  it("is sent again when a cookie changed and it has been quiet, by whichever process there is then", async () => {
    await world.keeper().turnOn(SITE);
    world.whats();
    world.now += PAUSE_MS;
    world.cookies = [cookie({ value: "newer" })];
    await world.keeper().changed(".video.example");
    expect(world.wakeAt).toBe(world.now + QUIET_MS);
    await world.keeper().run();
    expect(world.whats()).toEqual([]);
    await world.wake();
    expect(world.asked[0]?.body).toContain("newer");
    expect(world.site?.changedAt).toBeNull();
  });

  it("waits for a while when it was sent just now", async () => {
    await world.keeper().turnOn(SITE);
    await world.keeper().changed("www.video.example");
    expect(world.wakeAt).toBe(world.now + PAUSE_MS);
  });

  it("is sent within a minute where its cookies change all the time", async () => {
    await world.keeper().turnOn(SITE);
    world.whats();
    const begun = world.now;
    while (world.asked.length === 0 && world.now < begun + 2 * MOST_WAIT_MS) {
      world.now += 1_000;
      world.cookies = [cookie({ value: String(world.now) })];
      await world.keeper().changed(".video.example");
      if (world.wakeAt <= world.now) await world.wake();
    }
    expect(world.now - begun).toBeLessThanOrEqual(MOST_WAIT_MS + 1_000);
  });

  it.each([
    ["a change", () => world.keeper().changed(".video.example")],
    ["a sending", () => world.keeper().rush()],
    [
      "a failure",
      () => {
        world.refuse(503, "unavailable");
        return world.keeper().rush();
      },
    ],
  ])("is not forgotten for %s that was noted by a clock of another year", async (_, note) => {
    await world.keeper().turnOn(SITE);
    world.now += 365 * 86_400_000;
    await note();
    world.now -= 365 * 86_400_000;
    world.cookies = [cookie({ value: "newer" })];
    world.answer = () => Response.json({ sites: [] }, { status: 201 });
    world.whats();
    await world.keeper().run();
    expect(world.whats()).toEqual(["POST cookies"]);
    expect(world.site).toMatchObject({ problem: null, changedAt: null, syncedAt: world.now });
  });

  it("is not sent when what changed comes to the same", async () => {
    await world.keeper().turnOn(SITE);
    world.whats();
    await world.keeper().changed(".video.example");
    await world.wake();
    expect(world.whats()).toEqual([]);
    expect(world.site?.changedAt).toBeNull();
  });

  it("is sent twice a day anyway", async () => {
    await world.keeper().turnOn(SITE);
    world.whats();
    expect(world.wakeAt).toBe(world.now + REGULAR_MS);
    await world.wake();
    expect(world.whats()).toEqual(["POST cookies"]);
  });

  it("is sent once more when a cookie changes while it is being sent", async () => {
    const keeper = world.keeper();
    world.answer = async () => {
      world.now += 10;
      world.answer = () => Response.json({ sites: [] }, { status: 201 });
      await keeper.changed(".video.example");
      world.cookies = [cookie({ value: "newer" })];
      return Response.json({ sites: [] }, { status: 201 });
    };
    await keeper.turnOn(SITE);
    expect(world.site?.changedAt).not.toBeNull();
    await world.wake();
    expect(world.asked.at(-1)?.body).toContain("newer");
  });

  it("that was not turned on is never read or sent", async () => {
    await world.keeper().turnOn(SITE);
    world.whats();
    await world.keeper().changed(".other.example");
    await world.wake();
    expect(Object.keys(world.state.sites)).toEqual([SITE]);
  });

  it("keeps the server's own session to itself", async () => {
    world.cookies = [
      cookie({ domain: "watch.example", hostOnly: true, name: "wt_session" }),
      cookie({ domain: "watch.example", hostOnly: true }),
    ];
    world.granted.add("watch.example");
    await world.keeper().turnOn("watch.example");
    expect(world.state.sites["watch.example"]?.names).toEqual(["sid"]);
  });
});

describe("a server that is away", () => {
  it("is tried again after longer and longer, and heals by itself", async () => {
    const fails = () => Promise.reject(new TypeError("refused"));
    world.answer = fails;
    await world.keeper().turnOn(SITE);
    const waits: number[] = [];
    for (let count = 0; count < 9; count += 1) {
      expect(world.site?.problem).toBe("offline");
      waits.push((world.wakeAt - world.now) / 1000);
      await world.wake();
    }
    expect(waits).toEqual([30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
    world.answer = () => Response.json({ sites: [] }, { status: 201 });
    await world.wake();
    expect(world.site).toMatchObject({ problem: null, failures: 0, syncedAt: world.now });
  });

  it("is tried at once when somebody looks", async () => {
    world.answer = () => Promise.reject(new TypeError("refused"));
    await world.keeper().turnOn(SITE);
    world.answer = () => Response.json({ sites: [] }, { status: 201 });
    await world.keeper().retry();
    expect(world.site?.problem).toBeNull();
  });

  it("that says when to come back is not asked before", async () => {
    world.refuse(429, "too_many_requests", 90_000);
    await world.keeper().turnOn(SITE);
    expect(world.wakeAt).toBe(world.now + 90_000);
  });

  it("that is something else is told so", async () => {
    world.answer = () => new Response("<h1>Hello</h1>", { status: 200 });
    await world.keeper().turnOn(SITE);
    expect(world.site?.problem).toBe("no_server");
  });
});

describe("a site that is turned off", () => {
  it("is deleted on the server, forgotten, and the browser's permission given back", async () => {
    const keeper = world.keeper();
    await keeper.turnOn(SITE);
    world.whats();
    world.answer = () => new Response(null, { status: 204 });
    await keeper.turnOff(SITE);
    expect(world.whats()).toEqual(["DELETE cookies?domain=video.example"]);
    expect([world.state.sites, world.granted.size]).toEqual([{}, 0]);
  });

  it("while the server is away is deleted when it is back, also by a later process", async () => {
    await world.keeper().turnOn(SITE);
    world.answer = () => Promise.reject(new TypeError("refused"));
    await world.keeper().turnOff(SITE);
    expect(world.site).toMatchObject({ isLeaving: true, problem: "offline", names: [] });
    world.refuse(404, "not_found");
    await world.wake();
    expect(world.state.sites).toEqual({});
  });

  it("and on again while the server is asked stays on, and is sent", async () => {
    const keeper = world.keeper();
    await keeper.turnOn(SITE);
    world.whats();
    let again: Promise<void> | undefined;
    world.answer = () => {
      world.answer = () => Response.json({ sites: [] }, { status: 201 });
      world.granted.add(SITE);
      again = keeper.turnOn(SITE);
      return new Promise((answer) => setTimeout(() => answer(new Response(null, { status: 204 }))));
    };
    await keeper.turnOff(SITE);
    await again;
    expect(world.whats()).toEqual(["DELETE cookies?domain=video.example", "POST cookies"]);
    expect(world.site).toMatchObject({ isLeaving: false, names: ["sid"], problem: null });
  });

  it("while it is refused is deleted at once all the same", async () => {
    const keeper = world.keeper();
    let off: Promise<void> | undefined;
    world.answer = () => {
      world.answer = () => new Response(null, { status: 204 });
      off = keeper.turnOff(SITE);
      const body = { error: { code: "forbidden", message: "No.", retry_after_ms: null } };
      return new Promise((answer) => setTimeout(() => answer(Response.json(body, { status: 403 }))));
    };
    await keeper.turnOn(SITE);
    await off;
    expect(world.whats()).toEqual(["POST cookies", "DELETE cookies?domain=video.example"]);
    expect(world.state.sites).toEqual({});
  });

  it("in this browser's own settings is told where it is noticed", async () => {
    await world.keeper().turnOn(SITE);
    world.granted.clear();
    await world.keeper().rush();
    expect(world.site?.problem).toBe("no_permission");
  });
});

it("signing out of a site deletes its cookies on the server, and signing in sends them again", async () => {
  await world.keeper().turnOn(SITE);
  world.whats();
  world.cookies = [];
  await world.keeper().changed(".video.example");
  world.answer = () => new Response(null, { status: 204 });
  await world.wake();
  expect(world.whats()).toEqual(["DELETE cookies?domain=video.example"]);
  expect(world.site).toMatchObject({ problem: "no_cookies", names: [] });
  world.cookies = [cookie()];
  world.answer = () => Response.json({ sites: [] }, { status: 201 });
  await world.keeper().changed(".video.example");
  expect(world.wakeAt).toBe(world.now + QUIET_MS);
  await world.wake();
  expect(world.site).toMatchObject({ problem: null, names: ["sid"] });
});

describe("a process that dies", () => {
  it.each<[string, (keeper: Keeper) => Promise<void>, string]>([
    ["a change", (keeper) => keeper.changed(".video.example"), "POST cookies"],
    ["a press on “Send now”", (keeper) => keeper.rush(SITE), "POST cookies"],
    ["a site that is turned off", (keeper) => keeper.turnOff(SITE), "DELETE cookies?domain=video.example"],
  ])("when it has just noted %s is followed by another that sees to it", async (_, note, what) => {
    await world.keeper().turnOn(SITE);
    world.whats();
    world.cookies = [cookie({ value: "newer" })];
    world.isDeadly = true;
    void note(world.keeper());
    await new Promise((later) => setTimeout(later));
    expect(world.wakeAt).toBeLessThanOrEqual(world.now + RESCUE_MS);
    world.isDeadly = false;
    await world.wake();
    expect(world.whats()).toEqual([what]);
  });

  it("while the server is asked is followed by another that asks again", async () => {
    world.answer = () => new Promise(() => undefined);
    void world.keeper().turnOn(SITE);
    await new Promise((later) => setTimeout(later));
    expect(world.whats()).toEqual(["POST cookies"]);
    world.answer = () => Response.json({ sites: [] }, { status: 201 });
    expect(world.wakeAt).toBe(world.now + RESCUE_MS);
    await world.wake();
    expect(world.site).toMatchObject({ names: ["sid"], problem: null });
  });
});

describe("a token", () => {
  it("comes for a code, and what was chosen before is sent", async () => {
    world.state = { ...FRESH, sites: {} };
    await world.keeper().turnOn(SITE);
    expect(world.whats()).toEqual([]);
    const answers = [
      Response.json({ token: "wt1.x.y", name: "Ana" }, { status: 201 }),
      Response.json({ sites: [] }, { status: 201 }),
    ];
    world.answer = () => answers.shift() ?? Response.error();
    await world.keeper().pair(PAIRING.server, "ABCD-EFGH");
    expect(world.state.pairing).toEqual({ ...PAIRING, token: "wt1.x.y" });
    expect(JSON.parse(world.asked[0]?.body ?? "")).toEqual({ code: "ABCD-EFGH", browser: "Chrome on Linux" });
    expect(world.whats()).toEqual(["POST pair", "POST cookies"]);
  });

  it("that was taken away ends everything, and says so", async () => {
    await world.keeper().turnOn(SITE);
    world.refuse(401, "bad_token");
    await world.keeper().rush();
    expect(world.state).toMatchObject({ pairing: null, problem: "bad_token" });
    world.whats();
    await world.keeper().rush();
    expect(world.whats()).toEqual([]);
  });

  it("that is given back is forgotten here even where the server is away", async () => {
    world.answer = () => Promise.reject(new TypeError("refused"));
    await world.keeper().unpair();
    expect(world.state).toMatchObject({ pairing: null, problem: "not_unpaired" });
  });

  it("does not come for a wrong code", async () => {
    world.state = FRESH;
    world.refuse(400, "bad_code");
    await world.keeper().pair(PAIRING.server, "WRONG");
    expect(world.state).toMatchObject({ pairing: null, problem: "bad_code" });
  });
});

it("many events at once are one sending", async () => {
  const keeper = world.keeper();
  await Promise.all([keeper.turnOn(SITE), keeper.run(), keeper.run(), keeper.run()]);
  expect(world.whats()).toEqual(["POST cookies"]);
});
