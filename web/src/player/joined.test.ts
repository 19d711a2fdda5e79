import { describe, expect, it } from "vitest";
import type { AudioTrack, QualityOption } from "@/wire/wire.gen";
import { fullName } from "./codecs";
import { bestFamily, familyOf } from "./family";
import { type FileIndex, type Rendition, writeMpd } from "./mpd";
import { distinctSounds, soundOf, soundType } from "./sounds";

const INDEX: FileIndex = { container: "mp4", duration: 64, init: [0, 741], pieces: [742, 1401] };

function rendition(change: Partial<Rendition> = {}): Rendition {
  const plain = { id: "1", url: "http://here/v?a=1&b=2", codecs: "avc1.4d401e", bandwidth: 250_000 };
  return { ...plain, width: 640, height: 360, language: null, index: INDEX, ...change };
}

function quality(id: string, codecs: string, height: number, bitrate = 1, hdr = false): QualityOption {
  const rest = { label: `${height}p`, width: null, fps: 30, stream_url: null };
  return { id, codecs, height, bitrate, hdr, video_url: `/${id}`, ...rest };
}

describe("the manifest of separate files", () => {
  it("tells where head and list of each file lie", () => {
    const text = writeMpd([rendition()], [rendition({ id: "2", width: null, height: null })]);
    expect(text).toContain('<SegmentBase indexRange="742-1401"><Initialization range="0-741"/></SegmentBase>');
    expect(text).toContain('width="640" height="360"');
    expect(text.match(/<AdaptationSet/g)).toHaveLength(2);
  });

  it("keeps addresses and names of sites from ending an attribute or an element", () => {
    const text = writeMpd([rendition({ id: '"><x', codecs: "a&b'" })], []);
    expect(text).toContain("http://here/v?a=1&#38;b=2");
    expect(text).toContain('id="&#34;&#62;&#60;x"');
    expect(text).not.toContain("<x");
  });

  it("ends with the shorter file where they differ by a frame, and with the longer one where it is more", () => {
    const sound = (duration: number) => rendition({ index: { ...INDEX, duration } });
    expect(writeMpd([rendition()], [sound(64.02)])).toContain('mediaPresentationDuration="PT64S"');
    expect(writeMpd([rendition()], [sound(61)])).toContain('mediaPresentationDuration="PT64S"');
  });

  it("has a track for every language, the first of them the main one", () => {
    const text = writeMpd([rendition()], [rendition({ language: "en" }), rendition({ language: "es" })]);
    expect(text.match(/lang="en"><Role schemeIdUri="urn:mpeg:dash:role:2011" value="main"/)).not.toBeNull();
    expect(text.match(/lang="es"><Role schemeIdUri="urn:mpeg:dash:role:2011" value="alternate"/)).not.toBeNull();
  });
});

describe("the family to play", () => {
  const offered = [
    quality("a1", "avc1.4d401e", 360),
    quality("a2", "avc1.640028", 1080, 4),
    quality("v1", "vp9", 360),
    quality("v2", "vp09.00.40.08", 1080, 2),
    quality("v3", "vp9", 2160, 9),
    quality("h3", "vp09.02.51.10", 2160, 9, true),
  ];

  it("has every height that the video has, where the browser plays it smoothly", () => {
    const found = bestFamily(offered, () => 2, 1080);
    expect(found.map(({ id }) => id)).toEqual(["v3", "v2", "v1"]);
  });

  it("is the one that plays smoothly, however few lines it has", () => {
    const found = bestFamily(offered, ({ codecs }) => (familyOf(codecs) === "avc" ? 2 : 1), 2160);
    expect(found.map(({ id }) => id)).toEqual(["a2", "a1"]);
  });

  it("is empty where the browser plays nothing", () => {
    expect(bestFamily(offered, () => 0, 1080)).toEqual([]);
  });
});

describe("a codec's name", () => {
  it.each([
    ["vp9", "vp09.00.41.08"],
    ["avc1", "avc1.640028"],
    ["h264", "avc1.640028"],
    ["hevc", "hvc1.1.6.L120.90"],
    ["av01", "av01.0.08M.08"],
    ["vp09.02.51.10", "vp09.02.51.10"],
    ["avc1.4d401e", "avc1.4d401e"],
    ["theora", "theora"],
  ])("%s is asked for as %s", (short, full) => {
    expect(fullName(short)).toBe(full);
  });

  it("of a sound is asked for in full, too", () => {
    expect(soundType("mp4a")).toBe('audio/mp4; codecs="mp4a.40.2"');
    expect(soundType("opus")).toBe('audio/webm; codecs="opus"');
  });
});

describe("the sound to play", () => {
  const track = (id: string, language: string | null, codecs: string, bitrate: number): AudioTrack => {
    return { id, language, codecs, bitrate, url: `/${id}` };
  };
  const tracks = [track("1", "en", "mp4a.40.2", 128), track("2", "en", "opus", 140), track("3", "es", "mp4a.40.2", 48)];

  it("is the best of each language that can be heard", () => {
    expect(distinctSounds(tracks, () => true).map(({ id }) => id)).toEqual(["2", "3"]);
    expect(distinctSounds(tracks, ({ codecs }) => codecs !== "opus").map(({ id }) => id)).toEqual(["1", "3"]);
  });

  it("is of the wanted language, of its kin, or the video's own", () => {
    expect(soundOf(tracks, "es")?.id).toBe("3");
    expect(soundOf(tracks, "es-MX")?.id).toBe("3");
    expect(soundOf(tracks, "fr")?.id).toBe("1");
    expect(soundOf([], "fr")).toBeNull();
  });
});
