/** Subtitle files of TTML, which no browser reads, made into WebVTT. Pure. */

interface Cue {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The file as WebVTT; null where it is no TTML. */
export function asWebVtt(file: string): string | null {
  if (!/<(?:\w+:)?tt[\s>]/.test(file.slice(0, 2000))) return null;
  const cues = cuesOf(file);
  if (cues.length === 0) return null;
  return ["WEBVTT", ...cues.map(({ start, end, text }) => `${clock(start)} --> ${clock(end)}\n${text}`)].join("\n\n");
}

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

function cuesOf(text: string): readonly Cue[] {
  const frameRate = Number(/frameRate="(\d+)"/.exec(text)?.[1] ?? 30);
  const tickRate = Number(/tickRate="(\d+)"/.exec(text)?.[1] ?? 1);
  const cues: Cue[] = [];
  for (const [, attributes = "", inner = ""] of text.matchAll(/<(?:\w+:)?p\b([^>]*)>([\s\S]*?)<\/(?:\w+:)?p>/g)) {
    const time = (name: string) => {
      const given = new RegExp(`\\b${name}="([^"]+)"`).exec(attributes)?.[1];
      return given === undefined ? null : secondsOf(given, frameRate, tickRate);
    };
    const [start, duration] = [time("begin"), time("dur")];
    const end = time("end") ?? (start === null || duration === null ? null : start + duration);
    const words = wordsOf(inner);
    if (start !== null && end !== null && words !== "") cues.push({ start, end, text: words });
  }
  return cues;
}

/** A clock time, with frames or a fraction, or a number with its unit (TTML2 §10.3.1). */
function secondsOf(given: string, frameRate: number, tickRate: number): number | null {
  const clockTime = /^(\d+):(\d\d):(\d\d(?:\.\d+)?)(?::(\d+(?:\.\d+)?))?$/.exec(given);
  if (clockTime !== null) {
    const [, hours, minutes, seconds, frames = "0"] = clockTime;
    return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) + Number(frames) / frameRate;
  }
  const offset = /^(\d+(?:\.\d+)?)(h|ms|m|s|f|t)$/.exec(given);
  if (offset === null) return null;
  const units: Readonly<Record<string, number>> = {
    h: 3600,
    m: 60,
    s: 1,
    ms: 0.001,
    f: 1 / frameRate,
    t: 1 / tickRate,
  };
  return Number(offset[1]) * (units[offset[2] ?? "s"] ?? 1);
}

function wordsOf(inner: string): string {
  const bare = inner
    .replace(/\s+/g, " ")
    .replace(/<(?:\w+:)?br\b[^>]*>/g, "\n")
    .replace(/<[^>]*>/g, "")
    .replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (whole, decimal?: string, hex?: string, name?: string) => {
      if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
      if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
      return ENTITIES[name ?? ""] ?? whole;
    });
  const lines = bare.split("\n").map((line) => line.trim());
  return lines
    .filter((line) => line !== "")
    .join("\n")
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/-->/g, "→");
}

function clock(seconds: number): string {
  const millis = Math.round(seconds * 1000);
  const part = (size: number, many: number, width: number) =>
    String(Math.floor(millis / size) % many).padStart(width, "0");
  return `${part(3_600_000, 1000, 2)}:${part(60_000, 60, 2)}:${part(1000, 60, 2)}.${part(1, 1000, 3)}`;
}
