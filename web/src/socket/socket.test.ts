import { describe, expect, it } from "vitest";
import { backoffMs } from "./backoff";
import { RoomClock } from "./clock";
import { closing } from "./close";
import { Outbox } from "./outbox";

describe("back-off", () => {
  it("draws from the whole interval, which doubles up to ten seconds", () => {
    expect(backoffMs(0, 0.5)).toBe(125);
    expect(backoffMs(3, 1)).toBe(2000);
    expect(backoffMs(40, 1)).toBe(10_000);
    expect(backoffMs(5, 0)).toBe(0);
  });
});

describe("close codes", () => {
  it.each([1006, 1001, 4000, 4001, 4003, 4499])("come back after %i", (code) => {
    expect(closing(code).kind).toBe("retry");
  });

  it.each([4500, 4501, 4505, 4508, 4999])("stay away after %i", (code) => {
    expect(closing(code).kind).toBe("end");
  });

  it("knows a restart", () => {
    expect(closing(4001)).toEqual({ kind: "retry", restarting: true });
  });
});

describe("room clock", () => {
  it("believes the sample with the shortest round trip", () => {
    const clock = new RoomClock(() => 20);
    clock.sample(10, 10.8, 1010.7);
    clock.sample(11, 11.02, 1011.01);
    clock.sample(12, 12.4, 1012.3);
    expect(clock.offset()).toBeCloseTo(1000, 6);
    expect(clock.roundTrip()).toBeCloseTo(0.02, 6);
    expect(clock.now()).toBeCloseTo(1020, 6);
  });

  it("believes a quick answer until it is so old that a slower one knows better", () => {
    let now = 0;
    const clock = new RoomClock(() => now);
    clock.sample(0, 0.002, 1000.001);
    now = 100;
    clock.sample(100, 100.04, 1100.03);
    expect(clock.offset()).toBeCloseTo(1000, 6);
    now = 200;
    clock.sample(200, 200.01, 1200.008);
    expect(clock.offset()).toBeCloseTo(1000.003, 6);
  });

  it("follows a clock that excludes what was believed", () => {
    const clock = new RoomClock(() => 2);
    clock.sample(0, 0.001, 500);
    clock.sample(1, 1.1, 1001.05);
    expect(clock.offset()).toBeCloseTo(1000, 6);
  });

  it("is another after a step, which a stamp tells that comes from the future or from long ago", () => {
    for (const step of [30, -30]) {
      const clock = new RoomClock(() => 10);
      clock.sample(9.9, 10, 1010);
      expect(clock.hint(1009.5, 10)).toBe(false);
      expect(clock.now()).toBeCloseTo(1010.05);
      expect(clock.hint(1010 + step, 10)).toBe(true);
      expect(clock.now()).toBeCloseTo(1010 + step);
    }
  });

  it("uses an unasked stamp until it has a sample, the least delayed one", () => {
    const clock = new RoomClock(() => 10);
    expect(clock.now()).toBeNull();
    clock.hint(1000.2, 1);
    clock.hint(1001.0, 2);
    expect(clock.now()).toBeCloseTo(1009.2, 6);
    clock.sample(2, 2, 1002);
    expect(clock.now()).toBeCloseTo(1010, 6);
  });

  it("knows nothing after a flush", () => {
    const clock = new RoomClock(() => 10);
    clock.sample(2, 2, 1002);
    clock.flush();
    expect(clock.now()).toBeNull();
  });
});

describe("outbox", () => {
  const play = { type: "play", timestamp: 3, id: "p" } as const;
  const add = { type: "queue_add", url: "https://example.org/", id: "a" } as const;

  it("sends what was not answered again, in order, under the same id", () => {
    const outbox = new Outbox();
    outbox.add(add, 0);
    outbox.add(play, 10);
    expect(outbox.due(20)).toEqual([add, play]);
    outbox.settle("a", 7, 30);
    expect(outbox.due(40)).toEqual([play]);
  });

  it("lets a playback command go after 10 s and a queue command after 90 s", () => {
    const outbox = new Outbox();
    outbox.add(add, 0);
    outbox.add(play, 0);
    expect(outbox.expire(9_999)).toEqual([]);
    expect(outbox.expire(10_000)).toEqual([play]);
    expect(outbox.due(89_999)).toEqual([add]);
    expect(outbox.expire(90_000)).toEqual([add]);
  });

  it("reopens acknowledged commands that another history does not have", () => {
    const outbox = new Outbox();
    outbox.add(add, 0);
    outbox.settle("a", 50, 100);
    outbox.reopen(60, 200);
    expect(outbox.due(200)).toEqual([]);

    outbox.add({ ...add, id: "b" }, 300);
    outbox.settle("b", 70, 300);
    outbox.reopen(60, 400);
    expect(outbox.due(400)).toEqual([{ ...add, id: "b" }]);
  });

  it("forgets an acknowledged command after 10 s", () => {
    const outbox = new Outbox();
    outbox.add(add, 0);
    outbox.settle("a", 50, 100);
    outbox.reopen(10, 10_100);
    expect(outbox.due(10_100)).toEqual([]);
  });

  it("lets a playback command go that a sleeping machine has kept", () => {
    const outbox = new Outbox();
    outbox.add(play, 0);
    outbox.add(add, 0);
    outbox.slept(60_000);
    expect(outbox.due(100)).toEqual([add]);
    expect(outbox.expire(100)).toEqual([play]);
  });

  it("knows for how long somebody has waited for an answer", () => {
    const outbox = new Outbox();
    expect(outbox.oldest(5)).toBe(0);
    outbox.add(add, 10);
    outbox.add(play, 40);
    expect(outbox.oldest(100)).toBe(90);
    outbox.settle("a", 7, 100);
    expect(outbox.oldest(100)).toBe(60);
  });

  it("gives back what was refused, once", () => {
    const outbox = new Outbox();
    outbox.add(play, 0);
    expect(outbox.refuse("p")).toEqual(play);
    expect(outbox.refuse("p")).toBeUndefined();
  });
});
