/** Owns the media elements for as long as the room is open; engines come and go beneath them. */
import { bases } from "@/lib/bases";
import { readPrefs, writePrefs } from "@/lib/prefs";
import { Store } from "@/lib/store";
import type { MediaView, Orders } from "@/sync/follower";
import type { LiveWindow } from "@/sync/live";
import type { VideoState } from "@/wire/wire.gen";
import { readAbilities } from "./abilities";
import type { Engine, EngineContext, FailureKind } from "./engines/engine";
import { openEngine } from "./engines/open";
import { Loudspeaker } from "./loudspeaker";
import { Recovery } from "./recovery";
import { chooseSource, isSameStream } from "./source";
import { EMPTY, initialState, type PlayerState } from "./state";
import { Still } from "./still";
import { Tracks } from "./tracks";

export interface PlayerEvents {
  /** The media is new, or was loaded again. */
  loaded(): void;
  ended(): void;
  /** Where the room is now, in seconds. */
  position(): number;
}

/** `seekTo`: the room's time that was last sought to. */
interface Told {
  readonly play: boolean;
  readonly seekTo: number | null;
}

const IDLE: MediaView = {
  position: null,
  duration: null,
  isReady: false,
  isPaused: true,
  isSeeking: false,
  isStalled: false,
  isEnded: false,
};

// Shorter waits are not worth a spinner.
const BUFFERING_AFTER_MS = 400;
/** Longer ones want words, and a way out. */
const STUCK_AFTER_MS = 12_000;

export class Player {
  readonly state = new Store<PlayerState>(initialState());
  readonly speaker: Loudspeaker;
  readonly tracks: Tracks;
  private readonly video = makeVideo();
  private readonly still = new Still(this.video);
  private audio: HTMLAudioElement | null = null;
  private engine: Engine | null = null;
  private loaded: VideoState | null = null;
  private told: Told = { play: false, seekTo: null };
  private isLeft = false;
  /** Aborted when something else is to be played. */
  private current = new AbortController();
  private readonly recovery = new Recovery(() => this.retry(this.events.position()));
  private waitsSince: number | null = null;

  constructor(private readonly events: PlayerEvents) {
    this.tracks = new Tracks(this.state, this.video);
    this.speaker = new Loudspeaker(this.state, this.video, {
      output: () => this.engine?.transport.output ?? this.video,
      isPaused: () => this.view.isPaused,
    });
    this.video.addEventListener("loadedmetadata", this.onLoaded);
    this.video.addEventListener("ended", this.onEnded);
    this.video.addEventListener("resize", this.onSized);
    this.video.addEventListener("encrypted", this.onEncrypted);
  }

  /** The item whose video is loaded. */
  get itemId(): string | null {
    return this.loaded?.item_id || null;
  }

  get element(): HTMLVideoElement {
    return this.video;
  }

  get view(): MediaView {
    return this.engine?.transport.view ?? IDLE;
  }

  /** Seconds buffered beyond the position. */
  get ahead(): number {
    return this.engine?.transport.ahead ?? 0;
  }

  /** How far sound and picture are apart, where two elements play them; seconds. */
  get skew(): number | null {
    return this.audio === null ? null : this.audio.currentTime - this.video.currentTime;
  }

  /** What the media was last told to do. */
  get orders(): Told {
    return this.told;
  }

  /** What is loaded, of the element's own time. */
  get buffered(): TimeRanges {
    return this.video.buffered;
  }

  /** What a live stream offers, in dates; null for everything else. */
  get window(): LiveWindow | null {
    return this.engine?.transport.window ?? null;
  }

  mount(stage: HTMLElement): void {
    stage.prepend(this.video);
    if (this.audio !== null) this.video.after(this.audio);
  }

  /** Plays this video from now on, beginning at the room's position; the same streams go on untouched. */
  load(video: VideoState | null, startAt: number): void {
    if (!isSameStream(video, this.loaded)) this.open(video, startAt);
    // Its addresses may be newer, for when it must be loaded again.
    else this.loaded = video;
  }

  /** Loads everything again, after a failure. */
  retry(startAt: number): void {
    this.open(this.loaded, startAt);
  }

  /** The server is at another address now: what failed, or waits, goes on from there. */
  moved(): void {
    if (this.state.get().failure?.kind === "network") this.retry(this.events.position());
    else this.engine?.moved?.();
  }

  obey(orders: Orders): void {
    const transport = this.engine?.transport;
    if (transport === undefined || this.state.get().phase === "failed") return;
    this.told = { play: orders.play, seekTo: orders.seekTo ?? this.told.seekTo };
    transport.setRate(orders.rate);
    if (orders.seekTo !== null) transport.seek(orders.seekTo);
    const { isPaused } = transport.view;
    if (this.isLeft) return;
    if (orders.play && isPaused) transport.play().catch((error: unknown) => this.speaker.refused(error));
    else if (!orders.play && !isPaused) transport.pause();
  }

  /** Whether somebody's hand is on it: then it neither starts nor stops. */
  leave(isLeft: boolean): void {
    this.isLeft = isLeft;
  }

  tick(): void {
    this.engine?.transport.tick();
    this.tracks.tick();
    this.speaker.tick();
    const now = performance.now();
    this.waitsSince = this.waits() ? (this.waitsSince ?? now) : null;
    const waited = this.waitsSince === null ? 0 : now - this.waitsSince;
    this.state.patch({ isBuffering: waited > BUFFERING_AFTER_MS, isStuck: waited > STUCK_AFTER_MS });
  }

  /** The tab is seen again. */
  wake(): void {
    this.engine?.transport.wake();
  }

  setJoinsPairs(joinsPairs: boolean, startAt: number): void {
    writePrefs({ joinsPairs });
    this.state.patch({ joinsPairs });
    const { engine } = this.state.get();
    if (engine === "joined" || engine === "pair") this.retry(startAt);
  }

  async togglePictureInPicture(): Promise<void> {
    if (document.pictureInPictureElement === this.video) await document.exitPictureInPicture();
    else await this.video.requestPictureInPicture();
  }

  destroy(): void {
    this.close();
    this.video.removeEventListener("loadedmetadata", this.onLoaded);
    this.video.removeEventListener("ended", this.onEnded);
    this.video.removeEventListener("resize", this.onSized);
    this.video.removeEventListener("encrypted", this.onEncrypted);
    this.recovery.destroy();
    this.video.remove();
    this.speaker.destroy();
  }

  private readonly onLoaded = (): void => {
    this.recovery.rest();
    this.state.patch({ phase: "ready", failure: null });
    this.onSized();
    this.speaker.apply();
    this.events.loaded();
  };

  private readonly onSized = (): void => {
    if (this.state.get().phase === "ready") this.state.patch({ hasPicture: this.video.videoWidth > 0 });
  };

  private readonly onEncrypted = (): void => this.failed(this.current.signal, "protected", "");

  private readonly onEnded = (): void => {
    if (this.state.get().phase === "ready") this.events.ended();
  };

  private open(video: VideoState | null, startAt: number, joinsPairs = this.state.get().joinsPairs): void {
    this.close();
    this.loaded = video;
    if (video === null) return;
    const { signal } = this.current;
    const source = chooseSource(video, readAbilities());
    if (video.thumbnail !== "") this.video.poster = bases.at(video.thumbnail);
    this.state.patch({ phase: "loading", engine: source.engine, failure: null });
    openEngine(source, this.context(video, startAt, joinsPairs, signal)).then(
      (engine) => {
        if (signal.aborted) engine.destroy();
        else this.begin(engine, video);
      },
      (error: unknown) => this.failed(signal, isMissingPart(error) ? "network" : "unsupported", String(error)),
    );
  }

  /** Whether somebody waits for a picture. */
  private waits(): boolean {
    const { phase } = this.state.get();
    if (phase !== "ready") return phase === "loading";
    const { isStalled, isSeeking, isPaused } = this.view;
    return (isStalled || isSeeking) && !isPaused;
  }

  private begin(engine: Engine, video: VideoState): void {
    this.engine = engine;
    if (engine.kind !== undefined) this.state.patch({ engine: engine.kind });
    this.speaker.restart();
    this.tracks.begin(engine, video.subtitles);
    // The metadata may have come while the engine was being made.
    if (this.video.readyState >= HTMLMediaElement.HAVE_METADATA) this.onLoaded();
  }

  private context(state: VideoState, startAt: number, joinsPairs: boolean, signal: AbortSignal): EngineContext {
    const { wantedHeight, soundLanguage } = readPrefs();
    return {
      state,
      video: this.video,
      audio: () => this.partner(),
      startAt,
      wantedHeight,
      joinsPairs,
      soundLanguage,
      signal,
      changed: () => {
        if (!signal.aborted) this.tracks.refresh();
      },
      hold: () => this.still.hold(),
      refused: (error) => {
        if (!signal.aborted) this.speaker.refused(error);
      },
      failed: (kind, detail) => {
        if (this.engine?.kind !== "joined" || this.state.get().phase !== "loading" || signal.aborted) {
          this.failed(signal, kind, detail);
          return;
        }
        // What one element cannot play together, two may.
        this.open(state, this.events.position(), false);
      },
    };
  }

  private partner(): HTMLAudioElement {
    if (this.audio === null) {
      this.audio = document.createElement("audio");
      this.audio.dataset.role = "stage-audio";
      this.audio.preload = "auto";
      this.audio.crossOrigin = "anonymous";
      this.video.after(this.audio);
    }
    return this.audio;
  }

  private failed(signal: AbortSignal, kind: FailureKind, detail: string): void {
    if (signal.aborted) return;
    this.state.patch({ phase: "failed", failure: { kind, detail }, isBuffering: false });
    if (kind === "network") this.recovery.failed(performance.now());
  }

  private close(): void {
    this.current.abort();
    this.current = new AbortController();
    this.told = { play: false, seekTo: null };
    this.recovery.rest();
    this.waitsSince = null;
    this.engine?.destroy();
    this.engine = null;
    if (this.audio !== null) this.speaker.drop(this.audio);
    this.audio?.remove();
    this.audio = null;
    this.tracks.end();
    this.still.release();
    this.video.removeAttribute("poster");
    this.state.patch(EMPTY);
  }
}

/** A library that could not be fetched is no fault of the video's. */
function isMissingPart(error: unknown): boolean {
  return error instanceof TypeError;
}

function makeVideo(): HTMLVideoElement {
  const video = document.createElement("video");
  video.dataset.role = "stage";
  video.playsInline = true;
  video.preload = "auto";
  // Of another replica it would be silent in a graph, and have no words, without that.
  video.crossOrigin = "anonymous";
  video.tabIndex = -1;
  video.disableRemotePlayback = true;
  return video;
}
