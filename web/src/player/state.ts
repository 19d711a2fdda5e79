import { type Prefs, readPrefs } from "@/lib/prefs";
import type { CueSize } from "./captions";
import type { FailureKind, Track } from "./engines/engine";
import type { Levelling } from "./loudness";
import type { Choice } from "./quality";
import type { Source } from "./source";

/** What the player's owners tell the page; each of them writes its own part. */
export interface PlayerState {
  readonly phase: "empty" | "loading" | "ready" | "failed";
  readonly engine: Source["engine"] | "joined";
  readonly failure: { readonly kind: FailureKind; readonly detail: string } | null;
  readonly isBuffering: boolean;
  /** It has been loading for so long that something may be wrong. */
  readonly isStuck: boolean;
  /** False where nothing but sound is played. */
  readonly hasPicture: boolean;
  /** The browser wants a gesture before it lets anything be heard. */
  readonly needsTap: boolean;
  readonly choices: readonly Choice[];
  readonly choice: string | null;
  /** Subtitles: files beside the stream, and what it brings itself. */
  readonly texts: readonly Track[];
  readonly subtitle: string | null;
  /** The words that were asked for and cannot be had. */
  readonly missingText: string | null;
  /** Seconds by which the words come later than they were written. */
  readonly cueShift: number;
  readonly cueSize: CueSize;
  readonly sounds: readonly Track[];
  readonly sound: string | null;
  readonly levelling: Levelling;
  readonly soundDelay: number;
  readonly volume: number;
  readonly isMuted: boolean;
  /** Separate picture and sound are played by one element, where that can be done. */
  readonly joinsPairs: boolean;
}

/** What is so while nothing is loaded. */
export const EMPTY = {
  phase: "empty",
  engine: "none",
  failure: null,
  isBuffering: false,
  isStuck: false,
  hasPicture: true,
  choices: [],
  choice: null,
  texts: [],
  subtitle: null,
  missingText: null,
  cueShift: 0,
  sounds: [],
  sound: null,
} as const satisfies Partial<PlayerState>;

/** The beginning, as this person likes it. */
export function initialState(prefs: Prefs = readPrefs()): PlayerState {
  const { volume, isMuted, joinsPairs, cueSize, levelling, soundDelay } = prefs;
  return { ...EMPTY, needsTap: false, volume, isMuted, joinsPairs, cueSize, levelling, soundDelay };
}
