/** Subtitle files that browsers do not read, made into the one kind that they do: SubRip and TTML into WebVTT. Pure. */

interface Cue {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The file as WebVTT; null where it is that already, or nothing that we know. */
export function asWebVtt(file: string): string | null {
  const text = file.replace(/^\uFEFF/, "");
  if (text.startsWith("WEBVTT")) return null;
  const cues = /<(?:\w+:)?tt[\s>]/.test(text.slice(0, 2000)) ? cuesOfTtml(text) : cuesOfSubRip(text);
  if (cues.length === 0) return null;
  return ["WEBVTT", ...cues.map(({ start, end, text: words }) => `${clock(start)} --> ${clock(end)}\n${words}`)].join(
    "\n\n",
  );
}

const STAMP = /(\d+):(\d{1,2}):(\d{1,2})[,.](\d{1,3})/g;

function cuesOfSubRip(text: string): readonly Cue[] {
  const cues: Cue[] = [];
  for (const block of text.replace(/\r\n?/g, "\n").split(/\n{2,}/)) {
    const lines = block.split("\n");
    const place = lines.findIndex((line) => line.includes("-->"));
    const [start, end] = [...(lines[place] ?? "").matchAll(STAMP)].map(secondsOf);
    const words = lines.slice(place + 1).filter((line) => line.trim() !== "");
    if (start === undefined || end === undefined || words.length === 0) continue;
    cues.push({ start, end, text: plain(words.join("\n")) });
  }
  return cues;
}

function secondsOf([, hours, minutes, seconds, rest]: RegExpExecArray): number {
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) + Number(`0.${rest}`);
}

/** Keeps what WebVTT knows of SubRip's tags, and nothing else that could be one. */
function plain(words: string): string {
  return words
    .replace(/\{\\[^}]*\}/g, "")
    .replace(/<\/?(?!\/?[biu]>)[a-z][^>]*>/gi, "")
    .replace(/&(?!(?:amp|lt|gt|nbsp|lrm|rlm|#\d+);)/g, "&amp;")
    .replace(/<(?!\/?[biu]>)/gi, "&lt;")
    .replace(/-->/g, "→");
}

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

function cuesOfTtml(text: string): readonly Cue[] {
  const frameRate = Number(/frameRate="(\d+)"/.exec(text)?.[1] ?? 30);
  const tickRate = Number(/tickRate="(\d+)"/.exec(text)?.[1] ?? 1);
  const cues: Cue[] = [];
  for (const [, attributes = "", inner = ""] of text.matchAll(/<(?:\w+:)?p\b([^>]*)>([\s\S]*?)<\/(?:\w+:)?p>/g)) {
    const time = (name: string) => {
      const given = new RegExp(`\\b${name}="([^"]+)"`).exec(attributes)?.[1];
      return given === undefined ? null : ttmlSeconds(given, frameRate, tickRate);
    };
    const [start, duration] = [time("begin"), time("dur")];
    const end = time("end") ?? (start === null || duration === null ? null : start + duration);
    const words = ttmlWords(inner);
    if (start !== null && end !== null && words !== "") cues.push({ start, end, text: words });
  }
  return cues;
}

/** A clock time, with frames or a fraction, or a number with its unit (TTML2 §10.3.1). */
function ttmlSeconds(given: string, frameRate: number, tickRate: number): number | null {
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

function ttmlWords(inner: string): string {
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
