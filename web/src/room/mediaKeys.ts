import type { RoomSession } from "./session";

const SKIP_S = 10;

/** The keys of keyboards, headsets and lock screens. They are a person's wish like any button. */
export class MediaKeys {
  private readonly actions: readonly MediaSessionAction[];
  private readonly stop: () => void;
  private shown: string | null = null;

  constructor(private readonly session: RoomSession) {
    const handlers: Partial<Record<MediaSessionAction, MediaSessionActionHandler>> = {
      play: () => session.play(),
      pause: () => session.pause(),
      seekbackward: ({ seekOffset }) => session.skip(-(seekOffset ?? SKIP_S)),
      seekforward: ({ seekOffset }) => session.skip(seekOffset ?? SKIP_S),
      seekto: ({ seekTime }) => {
        if (seekTime !== undefined) session.seek(seekTime);
      },
    };
    this.actions = Object.keys(handlers) as MediaSessionAction[];
    for (const action of this.actions) this.handle(action, handlers[action] ?? null);
    this.stop = session.view.subscribe(() => this.show());
  }

  destroy(): void {
    this.stop();
    for (const action of this.actions) this.handle(action, null);
    if ("mediaSession" in navigator) navigator.mediaSession.metadata = null;
  }

  private show(): void {
    if (!("mediaSession" in navigator)) return;
    const { replica, anchor } = this.session.view.get();
    navigator.mediaSession.playbackState = anchor.isPlaying ? "playing" : "paused";
    const title = replica?.video?.title ?? null;
    if (title === this.shown) return;
    this.shown = title;
    const artwork = replica?.video?.thumbnail ? [{ src: replica.video.thumbnail }] : [];
    navigator.mediaSession.metadata =
      title === null ? null : new MediaMetadata({ title, artist: this.session.roomId, artwork });
  }

  private handle(action: MediaSessionAction, handler: MediaSessionActionHandler | null): void {
    try {
      navigator.mediaSession?.setActionHandler(action, handler);
    } catch {
      // An action that this browser does not know.
    }
  }
}
