import { describe, expect, it } from "vitest";
import type { ClientMessage } from "@/wire/frames";
import type { MemberStatus } from "@/wire/wire.gen";
import { ghostsOf } from "./ghosts";
import { lightOf } from "./lights";
import { Readiness } from "./readiness";
import { Regrets } from "./regrets";
import type { Replica } from "./replica";
import { Reporter } from "./reporter";

describe("lights", () => {
  const status = (change: Partial<MemberStatus>): MemberStatus => {
    return { state: "ready", drift: 0, position: 1, is_excused: false, ...change };
  };

  it.each([
    [0.15, "good"],
    [-0.16, "warn"],
    [0.5, "warn"],
    [-0.51, "bad"],
  ])("at %f s off", (drift, tone) => {
    expect(lightOf(status({ drift })).tone).toBe(tone);
  });

  it("tell loading and absence from drift", () => {
    expect(lightOf(status({ state: "stalled", drift: 4 })).tone).toBe("busy");
    expect(lightOf(status({ state: "hidden" })).tone).toBe("away");
    expect(lightOf(undefined).tone).toBe("away");
  });
});

describe("ghosts", () => {
  it("are those more than a second away who look at the picture", () => {
    const status = (drift: number | null, state: MemberStatus["state"] = "ready"): MemberStatus => {
      return { state, drift, position: 1, is_excused: false };
    };
    const replica = {
      you: { id: "me" },
      members: Object.fromEntries(["me", "far", "near", "away", "unknown"].map((id) => [id, { name: id }])),
      statuses: {
        me: status(-9),
        far: status(-4),
        near: status(0.9),
        away: status(-30, "hidden"),
        unknown: status(null),
        gone: status(5),
      },
    } as unknown as Replica;
    expect(ghostsOf(replica, 20)).toEqual([{ id: "far", name: "far", at: 16 }]);
    expect(ghostsOf(null, 20)).toEqual([]);
  });
});

describe("readiness", () => {
  const view = {
    position: 5,
    duration: 60,
    isReady: true,
    isPaused: false,
    isSeeking: false,
    isStalled: false,
    isEnded: false,
  };
  const situation = { isHidden: false, phase: "ready", hasItem: true, view, ahead: 3 } as const;
  const stalled = { ...situation, view: { ...view, isStalled: true }, ahead: 0 };

  it("is not given before there is something to play from", () => {
    const readiness = new Readiness();
    expect(readiness.observe(0, { ...situation, phase: "loading" })).toBe("buffering");
    expect(readiness.observe(1, { ...situation, ahead: 0.2 })).toBe("buffering");
    expect(readiness.observe(2, situation)).toBe("ready");
  });

  it("is lost after a quarter of a second of stall, and not before", () => {
    const readiness = new Readiness();
    readiness.observe(0, situation);
    expect(readiness.observe(1, stalled)).toBe("ready");
    expect(readiness.observe(1.2, stalled)).toBe("ready");
    expect(readiness.observe(1.25, stalled)).toBe("stalled");
    expect(readiness.observe(1.5, { ...situation, ahead: 0.3 })).toBe("buffering");
    expect(readiness.observe(1.6, { ...situation, ahead: 0.5 })).toBe("ready");
  });

  it("needs no more than the rest at the end", () => {
    const readiness = new Readiness();
    expect(readiness.observe(0, { ...situation, view: { ...view, position: 59.8 }, ahead: 0.2 })).toBe("ready");
  });

  it("is nobody's question while the page is hidden", () => {
    expect(new Readiness().observe(0, { ...stalled, isHidden: true })).toBe("hidden");
  });
});

describe("reports", () => {
  const situation = {
    isHidden: false,
    phase: "ready",
    hasItem: true,
    view: {
      position: 5,
      duration: 60,
      isReady: true,
      isPaused: false,
      isSeeking: false,
      isStalled: false,
      isEnded: false,
    },
    ahead: 3,
  } as const;
  const figures = { position: 5, drift: 0, roundTrip: 0.04, window: null };

  it("go out at once when the state changes, else every five seconds", () => {
    const sent: ClientMessage[] = [];
    const reporter = new Reporter((message) => sent.push(message));
    for (let now = 0; now <= 10_000; now += 250) reporter.report(now, situation, figures);
    expect(sent).toHaveLength(3);
    reporter.report(10_100, { ...situation, isHidden: true }, figures);
    expect(sent.at(-1)).toMatchObject({ state: "hidden", rtt: 0.04 });
  });

  it("tell at once what a live stream offers, which moves the room to where pictures are", () => {
    const sent: ClientMessage[] = [];
    const reporter = new Reporter((message) => sent.push(message));
    const window = { item_id: "i1", start: 1.7e9, end: 1.7e9 + 60, segment: 2 };
    reporter.report(0, situation, figures);
    reporter.report(250, situation, { ...figures, window });
    reporter.report(500, situation, { ...figures, window: { ...window, end: window.end + 2 } });
    expect(sent).toHaveLength(2);
    expect(sent.at(-1)).toMatchObject({ type: "status", window });
  });

  it("tell a drift that others would see within a second", () => {
    const sent: ClientMessage[] = [];
    const reporter = new Reporter((message) => sent.push(message));
    reporter.report(0, situation, { ...figures, drift: -0.9 });
    reporter.report(900, situation, figures);
    reporter.report(1000, situation, figures);
    expect(sent).toHaveLength(2);
  });

  it("count what was corrected since the report before", () => {
    const sent: ClientMessage[] = [];
    const reporter = new Reporter((message) => sent.push(message));
    reporter.corrected("seek");
    reporter.corrected("rate");
    reporter.corrected("rate");
    reporter.report(0, situation, figures);
    reporter.report(5000, situation, figures);
    expect(sent[0]).toMatchObject({ seeks: 1, rates: 2 });
    expect(sent[1]).toMatchObject({ seeks: 0, rates: 0 });
  });
});

describe("regrets", () => {
  it("undo what a command became, also when that is known later", () => {
    const undone: number[] = [];
    const regrets = new Regrets((version) => undone.push(version));
    regrets.answered("a", 5);
    regrets.regret("a");
    regrets.regret("b");
    expect(undone).toEqual([5]);
    regrets.answered("b", 9);
    expect(undone).toEqual([5, 9]);
  });
});
