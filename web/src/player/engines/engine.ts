import type { VideoState } from "@/wire/wire.gen";
import type { Choice } from "../quality";
import type { Transport } from "../transport";

/** A language to read or to hear. */
export interface Track {
  readonly id: string;
  readonly label: string;
  readonly language: string | null;
}

/** One way of playing one video. Ends with `destroy`; the elements live on. */
export interface Engine {
  /** Where it is not simply what the source calls for. */
  readonly kind?: "dash" | "joined";
  readonly transport: Transport;
  readonly choices: readonly Choice[];
  /** The id of the choice in use. */
  readonly choice: string | null;
  select(id: string): void;
  /** Subtitles that the stream itself brings. */
  readonly texts?: readonly Track[];
  selectText?(id: string | null): void;
  readonly sounds?: readonly Track[];
  readonly sound?: string | null;
  selectSound?(id: string): void;
  /** The server is at another address now, and `bases` knows it. */
  moved?(): void;
  destroy(): void;
}

/** `protected`: encrypted for players that have a licence. */
export type FailureKind = "network" | "decode" | "unsupported" | "protected";

/** What an engine is given, and whom it tells. */
export interface EngineContext {
  readonly state: VideoState;
  readonly video: HTMLVideoElement;
  /** Makes the partner element; only the pair wants one. */
  audio(): HTMLAudioElement;
  /** Where playing will begin, in the room's seconds. */
  readonly startAt: number;
  readonly wantedHeight: number | null;
  readonly joinsPairs: boolean;
  readonly soundLanguage: string | null;
  /** Aborted when something else is to be played: whoever waits must then leave the elements alone. */
  readonly signal: AbortSignal;
  changed(): void;
  /** Keeps the last picture in view while the element loads something else. */
  hold(): void;
  refused(error: unknown): void;
  failed(kind: FailureKind, detail: string): void;
}

/** The most that this screen shows, in picture lines. */
export function screenHeight(): number {
  return Math.max(screen.width, screen.height) * devicePixelRatio * (9 / 16);
}
