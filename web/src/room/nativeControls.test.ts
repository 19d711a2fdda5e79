import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { MediaView } from "@/sync/follower";
import { NativeControls } from "./nativeControls";

const VIEW: MediaView = {
  position: 30,
  duration: 60,
  isReady: true,
  isPaused: false,
  isSeeking: false,
  isStalled: false,
  isEnded: false,
};

class Video extends EventTarget {
  webkitDisplayingFullscreen = true;
  webkitPresentationMode = "fullscreen";
}

/** A phone's full screen over a room that is at 30 s. */
function phone(change: Partial<MediaView> = {}, orders = { play: true, seekTo: null as number | null }) {
  const video = new Video();
  const wishes: string[] = [];
  const page = { isSeen: true, isLeft: false };
  const controls = new NativeControls(
    video,
    {
      view: () => ({ ...VIEW, ...change }),
      orders: () => orders,
      position: () => 30,
      leave: (isLeft) => {
        page.isLeft = isLeft;
      },
      play: () => wishes.push("play"),
      pause: () => wishes.push("pause"),
      seek: (position) => wishes.push(`seek ${position}`),
    },
    () => page.isSeen,
  );
  const happens = (name: string) => {
    video.dispatchEvent(new Event(name));
    vi.advanceTimersByTime(1000);
    return wishes;
  };
  return { video, page, controls, happens, wishes };
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe("the browser's own controls", () => {
  it("are heard where the element does what it was not told", () => {
    expect(phone().happens("pause")).toEqual(["pause"]);
    expect(phone({}, { play: false, seekTo: null }).happens("play")).toEqual(["play"]);
    expect(phone({ position: 50 }).happens("seeking")).toEqual(["seek 50"]);
  });

  it("are not confused with what the room told the element", () => {
    expect(phone({}, { play: false, seekTo: null }).happens("pause")).toEqual([]);
    expect(phone().happens("play")).toEqual([]);
    expect(phone({ position: 50 }, { play: true, seekTo: 50.1 }).happens("seeking")).toEqual([]);
    expect(phone({ position: 31 }).happens("seeking")).toEqual([]);
  });

  it("say nothing while the picture waits, has ended, or is not seen", () => {
    expect(phone({ isStalled: true }).happens("pause")).toEqual([]);
    expect(phone({ isEnded: true }).happens("pause")).toEqual([]);
    const away = phone();
    away.page.isSeen = false;
    expect(away.happens("pause")).toEqual([]);
  });

  it("are the page's own where the element is in the page", () => {
    const { video, happens } = phone();
    video.webkitDisplayingFullscreen = false;
    video.webkitPresentationMode = "inline";
    expect(happens("pause")).toEqual([]);
  });

  it("are heard over a floating picture also while the page is hidden", () => {
    const { video, page, happens } = phone();
    video.webkitDisplayingFullscreen = false;
    video.webkitPresentationMode = "picture-in-picture";
    page.isSeen = false;
    expect(happens("pause")).toEqual(["pause"]);
  });

  it("are left alone until it is known that a pause was none of a phone that leaves its full screen", () => {
    const { video, page, wishes } = phone();
    video.dispatchEvent(new Event("pause"));
    expect(page.isLeft).toBe(true);
    vi.advanceTimersByTime(500);
    video.dispatchEvent(new Event("webkitendfullscreen"));
    expect(page.isLeft).toBe(false);
    vi.advanceTimersByTime(1000);
    expect(wishes).toEqual([]);
  });

  it("are forgotten at the end", () => {
    const { controls, happens } = phone();
    controls.destroy();
    expect(happens("pause")).toEqual([]);
  });
});
