import type { Readable } from "@/lib/store";
import type { RoomView } from "./view";

/** What keys can ask for. */
interface Controls {
  readonly roomId: string;
  readonly view: Readable<RoomView>;
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
    };
    this.actions = Object.keys(handlers) as MediaSessionAction[];
    for (const action of this.actions) this.handle(action, handlers[action] ?? null);
    this.stop = controls.view.subscribe(() => this.show());
  }

  destroy(): void {
    this.stop();
    for (const action of this.actions) this.handle(action, null);
    if ("mediaSession" in navigator) navigator.mediaSession.metadata = null;
  }

  private show(): void {
    if (!("mediaSession" in navigator)) return;
    const { replica, anchor } = this.controls.view.get();
    navigator.mediaSession.playbackState = anchor.isPlaying ? "playing" : "paused";
    const title = replica?.video?.title ?? null;
    if (title === this.shown) return;
    this.shown = title;
    const artwork = replica?.video?.thumbnail ? [{ src: replica.video.thumbnail }] : [];
    navigator.mediaSession.metadata =
      title === null ? null : new MediaMetadata({ title, artist: this.controls.roomId, artwork });
  }

  private handle(action: MediaSessionAction, handler: MediaSessionActionHandler | null): void {
    try {
      navigator.mediaSession?.setActionHandler(action, handler);
    } catch {
      // An action that this browser does not know.
    }
  }
}
