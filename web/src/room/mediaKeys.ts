import { bases } from "@/lib/bases";
import type { Readable } from "@/lib/store";
import type { QueueItem } from "@/wire/wire.gen";
import { type RoomView, upNext } from "./view";

/** What keys can ask for. */
interface Controls {
  readonly roomId: string;
  readonly view: Readable<RoomView>;
  readonly queue: { playNow(item: QueueItem): void };
  position(): number;
  duration(): number | null;
  play(): void;
  pause(): void;
  skip(seconds: number): void;
  seek(position: number): void;
}

const SKIP_S = 10;

/** The keys of keyboards, headsets and lock screens. They are a person's wish like any button. */
export class MediaKeys {
  private readonly actions: readonly MediaSessionAction[];
  private readonly stop: () => void;
  private shown: string | null = null;

  constructor(private readonly controls: Controls) {
    const handlers: Partial<Record<MediaSessionAction, MediaSessionActionHandler>> = {
      play: () => controls.play(),
      pause: () => controls.pause(),
      seekbackward: ({ seekOffset }) => controls.skip(-(seekOffset ?? SKIP_S)),
      seekforward: ({ seekOffset }) => controls.skip(seekOffset ?? SKIP_S),
      seekto: ({ seekTime }) => {
        if (seekTime !== undefined) controls.seek(seekTime);
      },
      nexttrack: () => {
        const next = upNext(controls.view.get());
        if (next !== null) controls.queue.playNow(next);
      },
    };
    this.actions = Object.keys(handlers) as MediaSessionAction[];
    for (const action of this.actions) this.handle(action, handlers[action] ?? null);
    this.stop = controls.view.subscribe(() => this.show());
  }

  destroy(): void {
    this.stop();
    for (const action of this.actions) this.handle(action, null);
    if (!("mediaSession" in navigator)) return;
    navigator.mediaSession.metadata = null;
    navigator.mediaSession.playbackState = "none";
    navigator.mediaSession.setPositionState?.();
  }

  private show(): void {
    if (!("mediaSession" in navigator)) return;
    const { replica, anchor } = this.controls.view.get();
    const isEmpty = replica === null || replica.video === null;
    navigator.mediaSession.playbackState = isEmpty ? "none" : anchor.isPlaying ? "playing" : "paused";
    this.showPosition(anchor.rate);
    const title = replica?.video?.title ?? null;
    if (title === this.shown) return;
    this.shown = title;
    const artwork = replica?.video?.thumbnail ? [{ src: bases.at(replica.video.thumbnail) }] : [];
    navigator.mediaSession.metadata =
      title === null ? null : new MediaMetadata({ title, artist: this.controls.roomId, artwork });
  }

  /** For the slider of a lock screen. */
  private showPosition(playbackRate: number): void {
    const duration = this.controls.duration();
    const hasEnd = duration !== null && duration > 0;
    const position = Math.min(duration ?? 0, Math.max(0, this.controls.position()));
    navigator.mediaSession.setPositionState?.(hasEnd ? { duration, playbackRate, position } : {});
  }

  private handle(action: MediaSessionAction, handler: MediaSessionActionHandler | null): void {
    try {
      navigator.mediaSession?.setActionHandler(action, handler);
    } catch {
      // An action that this browser does not know.
    }
  }
}
