import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Recovery } from "./recovery";

describe("what the network failed", () => {
  let tries = 0;
  let recovery: Recovery;
  const online = new EventTarget();

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("addEventListener", online.addEventListener.bind(online));
    vi.stubGlobal("removeEventListener", online.removeEventListener.bind(online));
    tries = 0;
    recovery = new Recovery(() => {
      tries += 1;
    });
  });

  afterEach(() => {
    recovery.destroy();
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  it("is tried again in growing intervals, half a minute at most", () => {
    const waits = [3, 6, 12, 24, 30, 30];
    for (const [before, seconds] of waits.entries()) {
      recovery.failed(before * 1000);
      vi.advanceTimersByTime(seconds * 1000 - 1);
      expect(tries).toBe(before);
      vi.advanceTimersByTime(1);
      expect(tries).toBe(before + 1);
    }
  });

  it("is tried again soon when it had worked for a while", () => {
    recovery.failed(0);
    recovery.failed(1000);
    recovery.failed(200_000);
    vi.advanceTimersByTime(3000);
    expect(tries).toBe(1);
  });

  it("is tried at once when the browser is online again, unless nothing waits", () => {
    online.dispatchEvent(new Event("online"));
    expect(tries).toBe(0);
    recovery.failed(0);
    online.dispatchEvent(new Event("online"));
    expect(tries).toBe(1);
    vi.advanceTimersByTime(60_000);
    expect(tries).toBe(1);
  });

  it("rests when something else is played, and for ever at the end", () => {
    recovery.failed(0);
    recovery.rest();
    vi.advanceTimersByTime(60_000);
    recovery.failed(0);
    recovery.destroy();
    vi.advanceTimersByTime(60_000);
    online.dispatchEvent(new Event("online"));
    expect(tries).toBe(0);
  });
});
