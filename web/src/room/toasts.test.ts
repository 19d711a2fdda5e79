import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Toasts } from "./toasts";

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("window", globalThis);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const words = (toasts: Toasts) => toasts.store.get().map(({ text }) => text);

describe("short words", () => {
  it("go after six seconds", () => {
    const toasts = new Toasts();
    toasts.show("Removed");
    vi.advanceTimersByTime(5900);
    expect(words(toasts)).toEqual(["Removed"]);
    vi.advanceTimersByTime(200);
    expect(words(toasts)).toEqual([]);
  });

  it("stay while somebody is at them, those that come meanwhile too, and go soon after", () => {
    const toasts = new Toasts();
    toasts.show("Removed");
    toasts.hold(true);
    toasts.show("Pasted");
    vi.advanceTimersByTime(60_000);
    expect(words(toasts)).toEqual(["Removed", "Pasted"]);
    toasts.hold(false);
    vi.advanceTimersByTime(1900);
    expect(words(toasts)).toEqual(["Removed", "Pasted"]);
    vi.advanceTimersByTime(200);
    expect(words(toasts)).toEqual([]);
  });

  it("are held no longer when the last of them is dismissed by hand", () => {
    const toasts = new Toasts();
    toasts.show("Removed");
    toasts.hold(true);
    toasts.dismiss(toasts.store.get()[0]?.key ?? 0);
    toasts.show("Pasted");
    vi.advanceTimersByTime(6100);
    expect(words(toasts)).toEqual([]);
  });
});
