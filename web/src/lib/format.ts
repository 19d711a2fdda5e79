import { locale, t } from "@/text";

/** Seconds as people read them: `0:07`, `12:30`, `1:02:03`. */
export function clockTime(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const tail = String(rest).padStart(2, "0");
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

/** Positions in a file end long before; the dates of a live stream's pictures (Unix seconds) begin here. */
const FIRST_DATE = 1e9;

/** A position as people read it: in a live stream the time of day. */
export function momentTime(position: number): string {
  return position < FIRST_DATE ? clockTime(position) : new Date(position * 1000).toLocaleTimeString(locale());
}

/** The same for ears. */
export function spokenTime(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const { hours, minutes, seconds: rest } = t.times;
  const parts = [
    [Math.floor(whole / 3600), hours],
    [Math.floor(whole / 60) % 60, minutes],
    [whole % 60, rest],
  ] as const;
  const said = parts.filter(([count]) => count > 0).map(([count, words]) => words(count));
  return said.length === 0 ? rest(0) : said.join(" ");
}

/** The time of day, as this person writes it; with the date when it was not today. Unix seconds. */
export function dayTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  const isToday = date.toDateString() === new Date().toDateString();
  return date.toLocaleString(locale(), {
    ...(isToday ? {} : { day: "numeric", month: "short" }),
    hour: "2-digit",
    minute: "2-digit",
  });
}

/** "Ana", "Ana and Ben", "Ana, Ben and 2 others". */
export function namesOf(names: readonly string[]): string {
  const [first = t.names.somebodyAmong, second, ...rest] = names;
  if (second === undefined) return first;
  if (rest.length === 0) return t.names.two(first, second);
  return t.names.many(first, second, rest.length);
}

/** Made when it is wanted: it brings tables with it. */
let graphemes: Intl.Segmenter | null = null;

/** The first letters of the first and the last word; of a flag or a family all that makes it one. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/u).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return letters.map(first).join("").toUpperCase() || "?";
}

function first(word = ""): string {
  // Most letters stand for themselves.
  if (/^[\p{L}\p{N}](?![\p{M}\u200d])/u.test(word)) return [...word][0] ?? "";
  graphemes ??= new Intl.Segmenter(undefined, { granularity: "grapheme" });
  const [found] = graphemes.segment(word);
  return found?.segment ?? "";
}

/** One of twelve hues, always the same for the same member. */
export function hue(id: string): number {
  let hash = 2166136261;
  for (const unit of id) hash = Math.imul(hash ^ (unit.codePointAt(0) ?? 0), 16777619);
  return ((hash >>> 0) % 12) * 30;
}

export function siteOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname.replace(/^www\./, "") : url;
}
