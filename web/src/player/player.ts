/** Owns the media elements for as long as the room is open; engines come and go beneath them. */
import { readPrefs, writePrefs } from "@/lib/prefs";
import { Store } from "@/lib/store";
import type { MediaView, Orders } from "@/sync/follower";
import type { LiveWindow } from "@/sync/live";
import type { VideoState } from "@/wire/wire.gen";
import { readAbilities } from "./abilities";
import type { Engine, EngineContext, FailureKind } from "./engines/engine";
import { openEngine } from "./engines/open";
import { Loudspeaker } from "./loudspeaker";
import { chooseSource, isSameStream } from "./source";
import { EMPTY, initialState, type PlayerState } from "./state";
import { Tracks } from "./tracks";

export interface PlayerEvents {
  /** The media is new, or was loaded again. */
  loaded(): void;
  ended(): void;
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

export class Player {
  readonly state = new Store<PlayerState>(initialState());
  readonly speaker: Loudspeaker;
  readonly tracks: Tracks;
  private readonly video = makeVideo();
  private audio: HTMLAudioElement | null = null;
  private engine: Engine | null = null;
  private loaded: VideoState | null = null;
  private generation = 0;
  private stalledSince: number | null = null;

  constructor(private readonly events: PlayerEvents) {
    this.tracks = new Tracks(this.state, this.video);
    this.speaker = new Loudspeaker(this.state, this.video, {
      output: () => this.engine?.transport.output ?? this.video,
      isPaused: () => this.view.isPaused,
    });
    this.video.addEventListener("loadedmetadata", this.onLoaded);
    this.video.addEventListener("ended", this.onEnded);
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
    if (isSameStream(video, this.loaded)) return;
    this.open(video, startAt);
  }

  /** Loads everything again, after a failure. */
  retry(startAt: number): void {
    this.open(this.loaded, startAt);
  }

  obey(orders: Orders): void {
    const transport = this.engine?.transport;
    if (transport === undefined || this.state.get().phase === "failed") return;
    transport.setRate(orders.rate);
    if (orders.seekTo !== null) transport.seek(orders.seekTo);
    const { isPaused } = transport.view;
    if (orders.play && isPaused) transport.play().catch((error: unknown) => this.speaker.refused(error));
    else if (!orders.play && !isPaused) transport.pause();
  }

  tick(): void {
    const transport = this.engine?.transport;
    if (transport === undefined) return;
    transport.tick();
    this.tracks.tick();
    this.speaker.tick();
    const { isStalled, isSeeking, isPaused } = transport.view;
    const now = performance.now();
    this.stalledSince = (isStalled || isSeeking) && !isPaused ? (this.stalledSince ?? now) : null;
    this.state.patch({ isBuffering: this.stalledSince !== null && now - this.stalledSince > BUFFERING_AFTER_MS });
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
    this.video.remove();
    this.speaker.destroy();
  }

  private readonly onLoaded = (): void => {
    this.state.patch({ phase: "ready", failure: null });
    this.speaker.apply();
    this.events.loaded();
  };

  private readonly onEnded = (): void => {
    if (this.state.get().phase === "ready") this.events.ended();
  };

  private open(video: VideoState | null, startAt: number): void {
    this.close();
    this.loaded = video;
    if (video === null) return;
    const generation = this.generation;
    const source = chooseSource(video, readAbilities());
    if (video.thumbnail !== "") this.video.poster = video.thumbnail;
    this.state.patch({ phase: "loading", engine: source.engine, failure: null });
    openEngine(source, this.context(video, startAt, generation)).then(
      (engine) => {
        if (generation !== this.generation) engine.destroy();
        else this.begin(engine, video);
      },
      (error: unknown) => this.failed(generation, "unsupported", String(error)),
    );
  }

  private begin(engine: Engine, video: VideoState): void {
    this.engine = engine;
    if (engine.kind !== undefined) this.state.patch({ engine: engine.kind });
    this.speaker.restart();
    this.tracks.begin(engine, video.subtitles);
    // The metadata may have come while the engine was being made.
    if (this.video.readyState >= HTMLMediaElement.HAVE_METADATA) this.onLoaded();
  }

  private context(state: VideoState, startAt: number, generation: number): EngineContext {
    const { wantedHeight, soundLanguage } = readPrefs();
    return {
      state,
      video: this.video,
      audio: () => this.partner(),
      startAt,
      wantedHeight,
      joinsPairs: this.state.get().joinsPairs,
      soundLanguage,
      changed: () => {
        if (generation === this.generation) this.tracks.refresh();
      },
      refused: (error) => {
        if (generation === this.generation) this.speaker.refused(error);
      },
      failed: (kind, detail) => this.failed(generation, kind, detail),
    };
  }

  private partner(): HTMLAudioElement {
    if (this.audio === null) {
      this.audio = document.createElement("audio");
      this.audio.dataset.role = "stage-audio";
      this.audio.preload = "auto";
      this.video.after(this.audio);
    }
    return this.audio;
  }

  private failed(generation: number, kind: FailureKind, detail: string): void {
    if (generation !== this.generation) return;
    this.state.patch({ phase: "failed", failure: { kind, detail }, isBuffering: false });
  }

  private close(): void {
    this.generation += 1;
    this.stalledSince = null;
    this.engine?.destroy();
    this.engine = null;
    if (this.audio !== null) this.speaker.drop(this.audio);
    this.audio?.remove();
    this.audio = null;
    this.tracks.end();
    this.video.removeAttribute("poster");
    this.state.patch(EMPTY);
  }
}

function makeVideo(): HTMLVideoElement {
  const video = document.createElement("video");
  video.dataset.role = "stage";
  video.playsInline = true;
  video.preload = "auto";
  video.tabIndex = -1;
  video.disableRemotePlayback = true;
  return video;
}
