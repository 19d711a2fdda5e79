import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WakeLock } from "./wakeLock";

/** What a browser gives: locks that are granted, or refused, when the test says so. */
class Screen {
  readonly asked: ((granted: boolean) => void)[] = [];
  held = 0;

  request(): Promise<unknown> {
    return new Promise((grant, refuse) => {
      this.asked.push((granted) => {
        if (!granted) {
          refuse(new Error("power is saved"));
          return;
        }
        this.held += 1;
        grant({
          released: false,
          release: async () => {
            this.held -= 1;
          },
        });
      });
    });
  }
}

const settled = () => new Promise((done) => setTimeout(done, 0));

describe("the screen", () => {
  let screen: Screen;
  const page = { visibilityState: "visible" };

  beforeEach(() => {
    screen = new Screen();
    page.visibilityState = "visible";
    vi.stubGlobal("navigator", { wakeLock: screen });
    vi.stubGlobal("document", page);
  });

  afterEach(() => vi.unstubAllGlobals());

  it("is held once, however often that is wished before it is granted, and let go", async () => {
    const lock = new WakeLock();
    for (let tick = 0; tick < 4; tick += 1) lock.want(true);
    expect(screen.asked).toHaveLength(1);
    screen.asked[0]?.(true);
    await settled();
    lock.want(true);
    expect(screen.held).toBe(1);
    lock.want(false);
    await settled();
    expect(screen.held).toBe(0);
  });

  it("is let go when it is granted too late", async () => {
    const lock = new WakeLock();
    lock.want(true);
    lock.want(false);
    screen.asked[0]?.(true);
    await settled();
    expect(screen.held).toBe(0);
  });

  it("is not begged for where it is refused, nor held behind other tabs", async () => {
    const lock = new WakeLock();
    lock.want(true);
    screen.asked[0]?.(false);
    await settled();
    for (let tick = 0; tick < 8; tick += 1) lock.want(true);
    expect(screen.asked).toHaveLength(1);
    page.visibilityState = "hidden";
    new WakeLock().want(true);
    expect(screen.asked).toHaveLength(1);
  });
});
