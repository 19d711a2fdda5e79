/** What the seek bar stands for: a film from its start, or what a live stream offers, counted from where it is live. */
import { clockTime, spokenTime } from "@/lib/format";
import { type LiveWindow, livePoint } from "@/sync/live";
import { t } from "@/text";

/** All in seconds. A value of the bar is the room's time less `origin`. */
export interface Span {
  readonly first: number;
  readonly last: number;
  /** The value where the room is. */
  readonly at: number;
  readonly origin: number;
  /** The value where the element's own time is 0. */
  readonly media: number;
}

/** What the bar asks of a room. */
export interface Course {
  readonly past: LiveWindow | null;
  readonly player: {
    readonly view: { readonly position: number | null };
    readonly element: { readonly currentTime: number };
  };
  position(): number;
  duration(): number | null;
  seek(position: number): void;
  seekShare(share: number): void;
  goLive(): void;
}

export interface Axis {
  /** Null where there is nothing to go along. */
  span(): Span | null;
  /** Goes where somebody let go of the bar. */
  seek(value: number): void;
  toFirst(): void;
  toLast(): void;
  shown(value: number): string;
  spoken(value: number, span: Span): string;
}

export function filmAxis(room: Course): Axis {
  return {
    span: () => ({ first: 0, last: room.duration() ?? 0, at: room.position(), origin: 0, media: 0 }),
    seek: (value) => room.seek(value),
    toFirst: () => room.seek(0),
    toLast: () => room.seek(room.duration() ?? 0),
    shown: clockTime,
    spoken: (value, { last }) => t.player.seekValue(spokenTime(value), spokenTime(last)),
  };
}

/** Its values are negative: so many seconds behind live. */
export function liveAxis(room: Course): Axis {
  return {
    span() {
      const { past, player } = room;
      if (past === null) return null;
      const origin = livePoint(past);
      const first = past.start - origin;
      const media = (player.view.position ?? 0) - player.element.currentTime - origin;
      return { first, last: 0, at: Math.min(0, Math.max(first, room.position() - origin)), origin, media };
    },
    // What was said while it was held is meant: so far behind live as of now, not of when they took hold of it.
    seek(value) {
      if (room.past === null || isNow(value)) room.goLive();
      else room.seek(livePoint(room.past) + value);
    },
    toFirst: () => room.seekShare(0),
    toLast: () => room.goLive(),
    shown: behindTime,
    spoken: (value) => (isNow(value) ? t.player.live : t.player.behindLive(spokenTime(-value))),
  };
}

/** `-1:23`; nearer than a second it is live. */
export function behindTime(value: number): string {
  return isNow(value) ? t.player.liveBadge : `-${clockTime(-value)}`;
}

/** Which share of the bar lies before a value. */
export function shareOf(value: number, { first, last }: Pick<Span, "first" | "last">): number {
  return last > first ? Math.min(1, Math.max(0, (value - first) / (last - first))) : 0;
}

function isNow(value: number): boolean {
  return value > -1;
}
