import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DuoTransport } from "./duo";

/** As much of a media element as the transport touches; it does at once what it is told. */
class Element extends EventTarget {
  currentTime = 0;
  seeking = false;
  readyState = 4;
  paused = true;
  playbackRate = 1;
  preservesPitch = true;
  plays = 0;

  constructor(
    readonly duration: number,
    private readonly loaded = duration,
  ) {
    super();
  }

  get ended(): boolean {
    return this.currentTime >= this.duration;
  }

  get buffered(): TimeRanges {
    return { length: 1, start: () => 0, end: () => this.loaded };
  }

  async play(): Promise<void> {
    // An element that has ended begins again.
    if (this.ended) this.currentTime = 0;
    this.paused = false;
    this.plays += 1;
  }

  pause(): void {
    this.paused = true;
  }
}

function duo(video: Element, audio: Element) {
  const asVideo = video as unknown as HTMLVideoElement;
  return new DuoTransport(asVideo, audio as unknown as HTMLAudioElement, () => undefined);
}

describe("a picture and its sound", () => {
  beforeEach(() => vi.stubGlobal("document", { visibilityState: "visible" }));
  afterEach(() => vi.unstubAllGlobals());

  it("begin together, and the sound is brought to where the picture is first", async () => {
    const [video, audio] = [new Element(60), new Element(60)];
    video.currentTime = 30;
    const transport = duo(video, audio);
    await transport.play();
    expect(audio.currentTime).toBe(30);
    expect([video.plays, audio.plays]).toEqual([0, 0]);
    audio.dispatchEvent(new Event("seeked"));
    expect([video.plays, audio.plays]).toEqual([1, 1]);
  });

  it("begin all the same where the sound cannot be moved", async () => {
    const [video, audio] = [new Element(60), new Element(60)];
    video.currentTime = 30;
    Object.defineProperty(audio, "currentTime", { get: () => 0, set: () => undefined });
    const transport = duo(video, audio);
    await transport.play();
    for (let attempt = 0; attempt < 4; attempt += 1) audio.dispatchEvent(new Event("seeked"));
    expect(video.plays).toBe(1);
  });

  it("go on without the sound where that is over, and never begin it again", async () => {
    const [video, audio] = [new Element(60), new Element(50)];
    const transport = duo(video, audio);
    transport.seek(55);
    audio.currentTime = 50;
    await transport.play();
    for (let tick = 0; tick < 8; tick += 1) {
      video.currentTime += 0.25;
      transport.tick();
    }
    expect(video.plays).toBe(1);
    expect([audio.plays, audio.currentTime]).toEqual([0, 50]);
    expect(transport.ahead).toBe(3);
    expect(transport.view).toMatchObject({ isStalled: false, position: 57 });
  });

  it("are heard to the end of the shorter one", async () => {
    const [video, audio] = [new Element(60), new Element(50)];
    video.currentTime = audio.currentTime = 49.5;
    const transport = duo(video, audio);
    await transport.play();
    transport.tick();
    expect(audio.paused).toBe(false);
  });

  it("stop before the sound breaks where it is not loaded", async () => {
    const [video, audio] = [new Element(60), new Element(60, 30.5)];
    video.currentTime = audio.currentTime = 30;
    const transport = duo(video, audio);
    await transport.play();
    transport.tick();
    expect(audio.paused).toBe(true);
    expect(video.paused).toBe(false);
  });
});
