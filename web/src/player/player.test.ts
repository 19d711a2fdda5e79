import { describe, expect, it } from "vitest";
import type { QualityOption, VideoState } from "@/wire/wire.gen";
import { PairLoop, type PairView } from "./pair";
import { atMost, begin, choices, ladder, type Rung } from "./quality";
import { bufferedAhead } from "./ranges";
import { chooseSource, isSameStream } from "./source";
import { setSpeed } from "./speed";

function view(change: Partial<PairView> = {}): PairView {
  return {
    now: 100,
    videoTime: 30,
    audioTime: 30,
    videoAhead: 10,
    audioAhead: 10,
    duration: 60,
    isVideoRunning: true,
    isAudioPaused: false,
    isAudioSeeking: false,
    isAudioOver: false,
    isHidden: false,
    ...change,
  };
}

describe("the pair's buffers", () => {
  it("pause the audio before it breaks, when the smaller is below 0.8 s", () => {
    expect(new PairLoop().tick(view({ videoAhead: 0.79 }))).toEqual({ factor: 1, pauseAudio: true });
    expect(new PairLoop().tick(view({ audioAhead: 0.79 }))).toEqual({ factor: 1, pauseAudio: true });
    expect(new PairLoop().tick(view({ videoAhead: 0.8, audioAhead: 0.8 }))).toEqual({ factor: 1 });
  });

  it("are not looked at within a second of the end", () => {
    expect(new PairLoop().tick(view({ videoTime: 59.2, audioTime: 59.2, videoAhead: 0.5 }))).toEqual({ factor: 1 });
  });

  it("let the audio go on above 1.5 s, not before", () => {
    const loop = new PairLoop();
    loop.tick(view({ audioAhead: 0.5 }));
    expect(loop.tick(view({ audioAhead: 1.5, isAudioPaused: true }))).toEqual({ factor: 1 });
    expect(loop.isHolding).toBe(true);
    expect(loop.tick(view({ audioAhead: 1.6, isAudioPaused: true }))).toEqual({ factor: 1, playAudio: true });
    expect(loop.isHolding).toBe(false);
  });

  it("put a waiting audio back to the video, which ran on", () => {
    const loop = new PairLoop();
    loop.tick(view({ audioAhead: 0.5 }));
    const orders = loop.tick(view({ videoTime: 31, audioAhead: 5, isAudioPaused: true }));
    expect(orders).toEqual({ factor: 1, seekAudioTo: 31, playAudio: true });
  });
});

describe("the pair's drift", () => {
  it.each([
    [0.21, 0.97],
    [-0.21, 1.03],
    [0.79, 0.97],
    [0.2, 1],
    [-0.2, 1],
    [0, 1],
  ])("of %f s is a factor", (drift, factor) => {
    expect(new PairLoop().tick(view({ audioTime: 30 + drift }))).toEqual({ factor });
  });

  it("above 0.8 s is a heavy sync, once per cooldown", () => {
    const loop = new PairLoop();
    const apart = { audioTime: 30.9 };
    expect(loop.tick(view(apart))).toEqual({ factor: 1, pauseAudio: true, seekAudioTo: 30, playAudio: true });
    expect(loop.tick(view({ ...apart, now: 101 }))).toEqual({ factor: 0.97 });
    expect(loop.tick(view({ ...apart, now: 103 })).seekAudioTo).toBe(30);
  });

  it("that a change of speed does not close within three seconds is closed by a seek", () => {
    const loop = new PairLoop();
    const apart = (now: number) => loop.tick(view({ now, audioTime: 30.6 }));
    expect(apart(100)).toEqual({ factor: 0.97 });
    expect(apart(102.75)).toEqual({ factor: 0.97 });
    expect(apart(103)).toEqual({ factor: 1, pauseAudio: true, seekAudioTo: 30, playAudio: true });
    expect(apart(103.25)).toEqual({ factor: 0.97 });
  });

  it("that comes back within the dead band is forgiven", () => {
    const loop = new PairLoop();
    loop.tick(view({ audioTime: 30.3 }));
    loop.tick(view({ now: 102, audioTime: 30.1 }));
    expect(loop.tick(view({ now: 104, audioTime: 30.3 }))).toEqual({ factor: 0.97 });
  });

  it("above 2 s is an emergency, which no cooldown holds back", () => {
    const loop = new PairLoop();
    loop.tick(view({ audioTime: 31 }));
    expect(loop.tick(view({ now: 100.25, audioTime: 32.1 }))).toEqual({ factor: 1, seekAudioTo: 30 });
  });

  it("is left alone while the audio seeks, and while the tab is hidden", () => {
    expect(new PairLoop().tick(view({ audioTime: 40, isAudioSeeking: true }))).toEqual({ factor: 1 });
    expect(new PairLoop().tick(view({ audioTime: 40, isHidden: true }))).toEqual({ factor: 1 });
  });

  it("is mended at once when the tab is seen again", () => {
    const loop = new PairLoop();
    loop.wake();
    expect(loop.tick(view({ audioTime: 30.5 }))).toEqual({ factor: 1, seekAudioTo: 30 });
    expect(loop.tick(view({ audioTime: 30.5 }))).toEqual({ factor: 0.97 });
  });
});

describe("an audio that stopped by itself", () => {
  it("is started again beside a running video", () => {
    expect(new PairLoop().tick(view({ isAudioPaused: true }))).toEqual({ factor: 1, playAudio: true });
  });

  it("is not begun again when it is over, however far the video goes on without it", () => {
    const loop = new PairLoop();
    const over = { isAudioOver: true, audioTime: 55, audioAhead: 0, isAudioPaused: true };
    for (const videoTime of [55.1, 55.9, 57.5, 59.5]) {
      expect(loop.tick(view({ ...over, videoTime }))).toEqual({ factor: 1 });
    }
    expect(loop.isHolding).toBe(false);
  });

  it("stays while the video stands", () => {
    expect(new PairLoop().tick(view({ isAudioPaused: true, isVideoRunning: false }))).toEqual({ factor: 1 });
  });
});

describe("buffered seconds", () => {
  const ranges = (...pairs: [number, number][]): TimeRanges => ({
    length: pairs.length,
    start: (index) => pairs[index]?.[0] ?? 0,
    end: (index) => pairs[index]?.[1] ?? 0,
  });

  it("are those of the range that holds the position", () => {
    expect(bufferedAhead(ranges([0, 10], [20, 50]), 4)).toBe(6);
    expect(bufferedAhead(ranges([0, 10], [20, 50]), 15)).toBe(0);
    expect(bufferedAhead(ranges([0, 10], [20, 50]), 19.95)).toBeCloseTo(30.05);
  });
});

const video: VideoState = {
  url: "https://example.org/",
  title: "A clip",
  stream_type: "direct",
  thumbnail: "",
  item_id: "a",
  duration: 60,
  start: 0,
  is_live: false,
  stream_url: "/s",
  video_url: null,
  audio_url: null,
  manifest_url: null,
  qualities: [],
  audio_tracks: [],
  subtitles: [],
  chapters: [],
  storyboard: null,
  expires_at: null,
};

describe("the engine", () => {
  const modern = { mediaSource: "full", nativeHls: false } as const;
  const managed = { mediaSource: "managed", nativeHls: true } as const;
  const ancient = { mediaSource: "none", nativeHls: false } as const;
  const iphone = { mediaSource: "none", nativeHls: true } as const;

  it.each([
    ["a file", {}, modern, { engine: "direct", url: "/s" }],
    ["HLS", { stream_type: "hls" as const }, modern, { engine: "hls", url: "/s" }],
    ["HLS without MediaSource", { stream_type: "hls" as const }, iphone, { engine: "direct", url: "/s" }],
    ["a manifest", { stream_type: "dash" as const, manifest_url: "/m" }, modern, { engine: "dash", url: "/m" }],
    [
      "a pair",
      { stream_type: "dash" as const, video_url: "/v", audio_url: "/a" },
      modern,
      { engine: "pair", videoUrl: "/v", audioUrl: "/a", canJoin: true },
    ],
    [
      "a pair in place of a manifest that needs MediaSource",
      { stream_type: "dash" as const, manifest_url: "/m", video_url: "/v", audio_url: "/a" },
      iphone,
      { engine: "pair", videoUrl: "/v", audioUrl: "/a", canJoin: false },
    ],
    ["a silent video", { stream_type: "dash" as const, video_url: "/v" }, modern, { engine: "direct", url: "/v" }],
    ["nothing", { stream_url: null }, modern, { engine: "none" }],
    ["HLS where nothing plays it", { stream_type: "hls" as const }, ancient, { engine: "none" }],
    ["HLS on a new iPhone", { stream_type: "hls" as const }, managed, { engine: "hls", url: "/s" }],
    [
      "a manifest on a new iPhone",
      { stream_type: "dash" as const, manifest_url: "/m" },
      managed,
      { engine: "dash", url: "/m" },
    ],
    [
      "a manifest alone on an old one",
      { stream_type: "dash" as const, manifest_url: "/m", stream_url: null },
      iphone,
      { engine: "none" },
    ],
  ])("for %s", (_what, change, can, source) => {
    expect(chooseSource({ ...video, ...change }, can)).toEqual(source);
  });

  it("goes on untouched when only words change", () => {
    expect(isSameStream(video, { ...video, title: "Another", expires_at: 5 })).toBe(true);
    expect(isSameStream(video, { ...video, item_id: "b" })).toBe(false);
    const signed = { ...video, stream_url: "/api/proxy?url=https%3A%2F%2Fa%3Fx%3D1&k=s&o=1&c=2&e=5&s=6" };
    const renewed = { ...video, stream_url: "/api/proxy?url=https%3A%2F%2Fb%3Fx%3D2&k=s&o=1&c=2&e=7&s=8" };
    expect(isSameStream(signed, renewed)).toBe(true);
    expect(isSameStream(signed, { ...video, stream_url: "/api/proxy?url=x&k=s&o=1&c=3&e=7&s=8" })).toBe(false);
    expect(isSameStream(video, null)).toBe(false);
    expect(isSameStream(null, null)).toBe(true);
  });
});

function option(id: string, height: number, change: Partial<QualityOption> = {}): QualityOption {
  return {
    id,
    label: `${height}p`,
    width: null,
    height,
    fps: 30,
    hdr: false,
    codecs: "avc1",
    bitrate: 1000,
    video_url: `/${id}`,
    stream_url: null,
    ...change,
  };
}

describe("qualities", () => {
  const fitness = (each: QualityOption) => ({ av01: 1, avc1: 3, vp9: 3, hev1: 0 })[each.codecs] ?? 0;

  it("offer one line per label, the family that plays best, tallest first", () => {
    const offered = choices(
      [
        option("a", 360),
        option("b", 1080, { codecs: "av01" }),
        option("c", 1080),
        option("d", 1080, { codecs: "vp9", bitrate: 800 }),
        option("e", 2160, { codecs: "hev1" }),
      ],
      fitness,
    );
    expect(offered.map((choice) => choice.id)).toEqual(["d", "a"]);
  });

  it("begin with the tallest that the screen shows and the person wants", () => {
    const offered = choices([option("a", 360), option("b", 1080), option("c", 2160)], fitness);
    expect(begin(offered, 1440, null)?.id).toBe("b");
    expect(begin(offered, 1440, 480)?.id).toBe("a");
    expect(begin(offered, 240, null)?.id).toBe("a");
    expect(begin([], 1080, null)).toBeNull();
  });
});

describe("the renditions of a manifest", () => {
  const rung = (id: string, height: number | null, change: Partial<Rung> = {}): Rung => {
    return { id, width: null, height, fps: 25, isHdr: false, bitrate: 1000, ...change };
  };

  it("are one line per label, the richest of each, the tallest first", () => {
    const offered = ladder([
      rung("a", 360),
      rung("b", 1080, { bitrate: 4000 }),
      rung("c", 1080, { bitrate: 6000 }),
      rung("d", 1080, { bitrate: 7000, fps: 59.94 }),
      rung("e", 2160, { isHdr: true }),
    ]);
    expect(offered.map(({ id, label }) => [id, label])).toEqual([
      ["e", "2160p HDR"],
      ["d", "1080p60"],
      ["c", "1080p"],
      ["a", "360p"],
    ]);
  });

  it("are named by the shorter side where they stand upright, and by bits where there is no picture", () => {
    const [upright] = ladder([rung("a", 1920, { width: 1080 })]);
    expect(upright).toMatchObject({ label: "1080p", height: 1080 });
    expect(ladder([rung("a", null, { bitrate: 128_000 })])[0]?.label).toBe("128 kbit/s");
  });

  it("are chosen by at most so many lines, else the smallest", () => {
    const offered = ladder([rung("a", 360), rung("b", 720)]);
    expect(atMost(offered, 500)?.id).toBe("a");
    expect(atMost(offered, 144)?.id).toBe("a");
    expect(atMost([], 144)).toBeNull();
  });
});

describe("a change of speed", () => {
  const element = () => ({ playbackRate: 1, preservesPitch: true }) as HTMLMediaElement;

  it("keeps the pitch where it would be heard", () => {
    const media = element();
    setSpeed(media, 0.95);
    expect(media).toEqual({ playbackRate: 0.95, preservesPitch: true });
  });

  it("is exact where it would not", () => {
    const media = element();
    setSpeed(media, 1.02);
    expect(media).toEqual({ playbackRate: 1.02, preservesPitch: false });
    setSpeed(media, 1.5);
    expect(media).toEqual({ playbackRate: 1.5, preservesPitch: true });
  });
});
