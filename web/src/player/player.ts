/** Owns the media elements for as long as the room is open; engines come and go beneath them. */
import { readPrefs, writePrefs } from "@/lib/prefs";
import { Store } from "@/lib/store";
import type { MediaView, Orders } from "@/sync/follower";
import type { LiveWindow } from "@/sync/live";
import { t } from "@/text";
import type { VideoState } from "@/wire/wire.gen";
import { AudioGraph } from "./audioGraph";
import { Captions, type CueSize } from "./captions";
import { openDash } from "./engines/dash";
import { openDirect } from "./engines/direct";
import type { Engine, EngineContext, FailureKind, Track } from "./engines/engine";
import { openHls } from "./engines/hls";
import { openJoined } from "./engines/joined";
import { openPair } from "./engines/pair";
import type { Levelling } from "./loudness";
import type { Choice } from "./quality";
import { soundOf } from "./sounds";
import { chooseSource, isSameStream, type Source } from "./source";

export interface PlayerState {
  readonly phase: "empty" | "loading" | "ready" | "failed";
  readonly engine: Source["engine"] | "joined";
  readonly failure: { readonly kind: FailureKind; readonly detail: string } | null;
  readonly isBuffering: boolean;
  /** The browser wants a gesture before it lets anything be heard. */
  readonly needsTap: boolean;
  readonly choices: readonly Choice[];
  readonly choice: string | null;
  /** Subtitles: files beside the stream, and what it brings itself. */
  readonly texts: readonly Track[];
  readonly subtitle: string | null;
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

const TOUCHES = ["pointerdown", "keydown"] as const;

/** Before the address of a subtitle file: what an engine brings has ids of its own. */
const FILE = "file:";

// Shorter waits are not worth a spinner.
const BUFFERING_AFTER_MS = 400;

export class Player {
  readonly state: Store<PlayerState>;
  private readonly video = document.createElement("video");
  private audio: HTMLAudioElement | null = null;
  private engine: Engine | null = null;
  private loaded: VideoState | null = null;
  private generation = 0;
  private readonly captions = new Captions(this.video);
  private readonly graph = new AudioGraph();
  private tickedAt = performance.now();
  /** A language that was asked for and has not come yet. */
  private awaitedText: string | null = null;
  private awaitedSound: string | null = null;
  private lastRead: string | null = null;
  private stalledSince: number | null = null;
  private isRefusing = false;

  constructor(private readonly events: PlayerEvents) {
    const { volume, isMuted, joinsPairs, cueSize, levelling, soundDelay } = readPrefs();
    this.state = new Store<PlayerState>({
      phase: "empty",
      engine: "none",
      failure: null,
      isBuffering: false,
      needsTap: false,
      choices: [],
      choice: null,
      texts: [],
      subtitle: null,
      cueShift: 0,
      cueSize,
      sounds: [],
      sound: null,
      levelling,
      soundDelay,
      volume,
      isMuted,
      joinsPairs,
    });
    this.captions.resize(cueSize);
    this.graph.set(levelling, soundDelay);
    const { video } = this;
    video.dataset.role = "stage";
    video.playsInline = true;
    video.preload = "auto";
    video.tabIndex = -1;
    video.disableRemotePlayback = true;
    // A graph may only begin to run once somebody has touched the page.
    for (const touch of TOUCHES) document.addEventListener(touch, this.onTouched);
    video.addEventListener("loadedmetadata", this.onLoaded);
    video.addEventListener("ended", this.onEnded);
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
    if (orders.play && isPaused) transport.play().catch((error: unknown) => this.refused(error));
    else if (!orders.play && !isPaused) transport.pause();
  }

  tick(): void {
    const transport = this.engine?.transport;
    if (transport === undefined) return;
    transport.tick();
    this.captions.tick();
    this.graph.tick((performance.now() - this.tickedAt) / 1000);
    this.tickedAt = performance.now();
    const { isStalled, isSeeking, isPaused } = transport.view;
    const now = performance.now();
    this.stalledSince = (isStalled || isSeeking) && !isPaused ? (this.stalledSince ?? now) : null;
    this.state.patch({ isBuffering: this.stalledSince !== null && now - this.stalledSince > BUFFERING_AFTER_MS });
  }

  /** The tab is seen again. */
  wake(): void {
    this.engine?.transport.wake();
  }

  /** A person touched the page: sound may begin. */
  unlock(): void {
    this.isRefusing = false;
    this.state.patch({ needsTap: false });
    this.applyVolume();
    this.shapeSound();
    if (!this.view.isPaused)
      void this.output()
        .play()
        .catch(() => undefined);
  }

  setVolume(volume: number): void {
    this.state.patch({ volume, isMuted: volume === 0 });
    writePrefs({ volume, isMuted: volume === 0 });
    this.unlock();
  }

  setMuted(isMuted: boolean): void {
    const volume = !isMuted && this.state.get().volume === 0 ? 0.5 : this.state.get().volume;
    this.state.patch({ isMuted, volume });
    writePrefs({ isMuted, volume });
    this.unlock();
  }

  setJoinsPairs(joinsPairs: boolean, startAt: number): void {
    writePrefs({ joinsPairs });
    this.state.patch({ joinsPairs });
    const { engine } = this.state.get();
    if (engine === "joined" || engine === "pair") this.retry(startAt);
  }

  selectQuality(id: string): void {
    const choice = this.state.get().choices.find((each) => each.id === id);
    writePrefs({ wantedHeight: choice?.height ?? null });
    this.engine?.select(id);
  }

  /** Shows one of the state's `texts`, or none. */
  selectSubtitle(id: string | null): void {
    const text = this.state.get().texts.find((each) => each.id === id) ?? null;
    writePrefs({ subtitleLanguage: text?.language ?? null });
    this.awaitedText = null;
    this.lastRead = text?.language ?? this.lastRead;
    this.showText(text);
  }

  /** Off, or the language that was last read, else the first. */
  toggleSubtitles(): void {
    const { texts, subtitle } = this.state.get();
    const wanted = texts.find(({ language }) => language === this.lastRead) ?? texts[0];
    if (subtitle !== null) this.selectSubtitle(null);
    else if (wanted !== undefined) this.selectSubtitle(wanted.id);
  }

  shiftSubtitles(cueShift: number): void {
    this.state.patch({ cueShift });
    this.captions.shift(cueShift);
  }

  resizeSubtitles(cueSize: CueSize): void {
    writePrefs({ cueSize });
    this.state.patch({ cueSize });
    this.captions.resize(cueSize);
  }

  selectSound(id: string): void {
    const sound = this.state.get().sounds.find((each) => each.id === id);
    writePrefs({ soundLanguage: sound?.language ?? null });
    this.awaitedSound = null;
    this.engine?.selectSound?.(id);
  }

  setLevelling(levelling: Levelling): void {
    writePrefs({ levelling });
    this.state.patch({ levelling });
    this.shapeSound();
  }

  setSoundDelay(soundDelay: number): void {
    writePrefs({ soundDelay });
    this.state.patch({ soundDelay });
    this.shapeSound();
  }

  async togglePictureInPicture(): Promise<void> {
    if (document.pictureInPictureElement === this.video) await document.exitPictureInPicture();
    else await this.video.requestPictureInPicture();
  }

  destroy(): void {
    this.close();
    for (const touch of TOUCHES) document.removeEventListener(touch, this.onTouched);
    this.video.removeEventListener("loadedmetadata", this.onLoaded);
    this.video.removeEventListener("ended", this.onEnded);
    this.video.remove();
    this.audio?.remove();
    this.graph.destroy();
  }

  private readonly onTouched = (): void => {
    for (const touch of TOUCHES) document.removeEventListener(touch, this.onTouched);
    this.shapeSound();
  };

  private readonly onLoaded = (): void => {
    this.state.patch({ phase: "ready", failure: null });
    this.applyVolume();
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
    const source = chooseSource(video, {
      mse: "MediaSource" in window || "ManagedMediaSource" in window,
      nativeHls: this.video.canPlayType("application/vnd.apple.mpegurl") !== "",
    });
    if (video.thumbnail !== "") this.video.poster = video.thumbnail;
    this.state.patch({ phase: "loading", engine: source.engine, failure: null });
    openEngine(source, this.context(video, startAt, generation)).then(
      (engine) => {
        if (generation !== this.generation) engine.destroy();
        else this.begin(engine);
      },
      (error: unknown) => this.failed(generation, "unsupported", String(error)),
    );
  }

  private begin(engine: Engine): void {
    this.engine = engine;
    if (engine.kind !== undefined) this.state.patch({ engine: engine.kind });
    const { subtitleLanguage, soundLanguage } = readPrefs();
    this.awaitedText = subtitleLanguage;
    this.awaitedSound = soundLanguage;
    this.graph.restart();
    this.shapeSound();
    this.refresh();
    // The metadata may have come while the engine was being made.
    if (this.video.readyState >= HTMLMediaElement.HAVE_METADATA) this.onLoaded();
  }

  private context(state: VideoState, startAt: number, generation: number): EngineContext {
    return {
      state,
      video: this.video,
      audio: () => this.partner(),
      startAt,
      wantedHeight: readPrefs().wantedHeight,
      joinsPairs: this.state.get().joinsPairs,
      soundLanguage: readPrefs().soundLanguage,
      changed: () => {
        if (generation === this.generation) this.refresh();
      },
      refused: (error) => {
        if (generation === this.generation) this.refused(error);
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

  private refresh(): void {
    const files = this.loaded?.subtitles ?? [];
    const texts = [
      ...files.map(({ url, label, language, automatic }) => ({
        id: `${FILE}${url}`,
        language,
        label: automatic && !/auto/i.test(label) ? t.player.automatic(label) : label,
      })),
      ...(this.engine?.texts ?? []),
    ];
    const sounds = this.engine?.sounds ?? [];
    this.state.patch({
      choices: this.engine?.choices ?? [],
      choice: this.engine?.choice ?? null,
      texts: isSame(texts, this.state.get().texts) ? this.state.get().texts : texts,
      sounds: isSame(sounds, this.state.get().sounds) ? this.state.get().sounds : sounds,
      sound: this.engine?.sound ?? null,
    });
    this.honourLanguages();
  }

  /** What was chosen before is chosen again as soon as it is there. */
  private honourLanguages(): void {
    const { texts, sounds, sound } = this.state.get();
    const text = texts.find(({ language }) => language !== null && language === this.awaitedText);
    if (text !== undefined) {
      this.awaitedText = null;
      this.showText(text);
    }
    if (this.awaitedSound !== null && sounds.length > 0) {
      const wanted = soundOf(sounds, this.awaitedSound);
      this.awaitedSound = null;
      if (wanted !== null && wanted.id !== sound) this.engine?.selectSound?.(wanted.id);
    }
  }

  private showText(text: Track | null): void {
    const file = this.loaded?.subtitles.find(({ url }) => text?.id === `${FILE}${url}`) ?? null;
    this.engine?.selectText?.(file === null ? (text?.id ?? null) : null);
    this.captions.show(file);
    this.state.patch({ subtitle: text?.id ?? null });
  }

  private shapeSound(): void {
    const { levelling, soundDelay } = this.state.get();
    this.graph.set(levelling, soundDelay);
    void this.graph
      .lead(this.output())
      .catch(() => undefined)
      .then(() => this.applyVolume());
  }

  private failed(generation: number, kind: FailureKind, detail: string): void {
    if (generation !== this.generation) return;
    this.state.patch({ phase: "failed", failure: { kind, detail }, isBuffering: false });
  }

  /** `play` was refused: silent playing needs no permission. */
  private refused(error: unknown): void {
    if (!(error instanceof DOMException) || error.name !== "NotAllowedError") return;
    this.state.patch({ needsTap: true });
    if (this.isRefusing) return;
    this.isRefusing = true;
    this.applyVolume();
    void this.output()
      .play()
      .catch(() => undefined);
  }

  private applyVolume(): void {
    const { volume, isMuted, needsTap } = this.state.get();
    const output = this.output();
    // Before the graph it would hide from the meter how loud the film is.
    output.volume = this.graph.leads(output) ? 1 : volume;
    this.graph.setVolume(volume);
    output.muted = isMuted || needsTap;
    if (output !== this.video) this.video.muted = true;
  }

  private output(): HTMLMediaElement {
    return this.engine?.transport.output ?? this.video;
  }

  private close(): void {
    this.generation += 1;
    this.stalledSince = null;
    this.engine?.destroy();
    this.engine = null;
    if (this.audio !== null) this.graph.drop(this.audio);
    this.audio?.remove();
    this.audio = null;
    this.captions.show(null);
    this.captions.shift(0);
    this.video.removeAttribute("poster");
    this.state.patch({
      phase: "empty",
      engine: "none",
      failure: null,
      isBuffering: false,
      choices: [],
      choice: null,
      texts: [],
      subtitle: null,
      cueShift: 0,
      sounds: [],
      sound: null,
    });
  }
}

function isSame(a: readonly Track[], b: readonly Track[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

async function openEngine(source: Source, context: EngineContext): Promise<Engine> {
  switch (source.engine) {
    case "hls":
      return openHls(context, source.url);
    case "dash":
      return openDash(context, source.url);
    case "pair":
      if (source.canJoin && context.joinsPairs) {
        try {
          return await openJoined(context);
        } catch {
          // Files without lists of their pieces, or of codecs that cannot be appended.
        }
      }
      return openPair(context, source.videoUrl, source.audioUrl);
    case "direct":
      return openDirect(context, source.url);
    case "none":
      throw new Error("no engine plays this");
  }
}
