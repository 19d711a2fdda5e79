import type { MediaPlayerClass, Representation } from "dashjs";
import { bases } from "@/lib/bases";
import type { Hole } from "@/sync/follower";
import { isAtEdge, type LiveWindow, offered } from "@/sync/live";
import { t } from "@/text";
import { Holes } from "../holes";
import { mayBeMedia } from "../piece";
import { AUTO, atMost, type Choice, ladder, type Rung, rungLabel } from "../quality";
import { SingleTransport } from "../single";
import { languageName } from "../sounds";
import { type LiveCoordinate, SAME } from "../transport";
import type { Engine, EngineContext, FailureKind, Track } from "./engine";

/** What a manifest of our own does not say itself. */
export interface Origin {
  readonly kind: "joined";
  readonly offered: readonly Choice[];
  ended(): void;
}

// Where a live stream says nothing of its segments.
const SEGMENT_S = 4;
/** What another quality takes to arrive: a piece that begins sooner is played as it is loaded. */
const SWITCH_S = 0.5;
/** By so much of a piece's length dash.js looks ahead for where to switch. */
const LOOKS_AHEAD = 1.5;
const LOADED_KEPT = 100;
const NOT_THERE = 404;
const GONE: ReadonlySet<number> = new Set([NOT_THERE, 410]);
/** Seconds to have in hand. */
const IN_HAND = { bufferTimeDefault: 18, bufferTimeAtTopQuality: 30, bufferTimeAtTopQualityLongForm: 60 };
/** Loading what is loaded already, it must count as less than enough. */
const MORE_S = 10;

/** dash.js, for streams that come as an MPD. */
export async function openDash(context: EngineContext, url: string, origin: Origin | null = null): Promise<Engine> {
  const { MediaPlayer } = await import("dashjs");
  context.signal.throwIfAborted();
  const player = MediaPlayer().create();
  player.updateSettings({
    debug: { logLevel: 0 },
    streaming: {
      // Correcting the speed is the room's business.
      liveCatchup: { enabled: false },
      cacheInitSegments: true,
      buffer: { fastSwitchEnabled: true, ...IN_HAND },
      // Whoever wants more than the picture's size on the page shows can say so.
      abr: { limitBitrateByPortal: true, usePixelRatioInLimitBitrateByPortal: true },
      text: { defaultEnabled: false },
      // The proxy has the address renewed meanwhile.
      retryAttempts: { MediaSegment: 6, InitializationSegment: 6, IndexSegment: 6 },
      retryIntervals: { MediaSegment: 1000 },
    },
  });
  // Once for every try: what a manifest named may be of a server that is dead by now.
  player.addRequestInterceptor((request) => Promise.resolve({ ...request, url: bases.at(request.url ?? "") }));
  const engine = new DashEngine(player, context, origin);
  player.addResponseInterceptor(async (response) => engine.answered(response as Answer) as typeof response);
  player.initialize(context.video, url, false, context.state.is_live ? Number.NaN : context.startAt);
  player.attachTTMLRenderingDiv(engine.words);
  // Where a manifest names no clock, its own answer's date must do: nobody else is asked.
  player.clearDefaultUTCTimingSources();
  return engine;
}

class DashEngine implements Engine {
  readonly transport: SingleTransport;
  /** Where TTML is drawn, which no browser does. */
  readonly words = document.createElement("div");
  private isAuto = true;
  /** What was asked for; the id of it is another in another period. */
  private wantedLines: number | null;
  private wanted: string | null = null;
  /** Of picture and of sound. */
  private readonly holes: Readonly<Record<"video" | "audio", Holes>>;
  /** Pieces of the picture, in the order they came. */
  private loaded: readonly Piece[] = [];
  /** By which quality what was loaded before the choice of it is replaced, and between which times. */
  private replacing: { readonly id: string; readonly from: number; readonly to: number } | null = null;

  constructor(
    private readonly player: MediaPlayerClass,
    private readonly context: EngineContext,
    private readonly origin: Origin | null,
  ) {
    this.wantedLines = context.wantedHeight;
    const kind = context.state.is_live ? "live" : "film";
    this.holes = { video: new Holes(kind), audio: new Holes(kind) };
    this.words.dataset.role = "words";
    context.video.after(this.words);
    // In a live stream dash.js stands before a hole for as long as it is.
    this.transport = context.state.is_live
      ? new SingleTransport(context.video, dated(player, context.video))
      : new SingleTransport(context.video, SAME, () => this.gaps());
    player.on("streamInitialized", () => this.begin());
    player.on("qualityChangeRendered", () => context.changed());
    player.on("trackChangeRendered", () => context.changed());
    player.on("fragmentLoadingCompleted", (event: unknown) => this.came(event as { readonly request?: Piece }));
    // Before any stream of it has a listener: dash.js' own comes after this one.
    player.on("fragmentLoadingAbandoned", (event: unknown) => this.abandoned(event as { readonly request?: Piece }));
    player.on("error", (event: unknown) => this.failed(event));
  }

  get kind(): "dash" | "joined" {
    return this.origin?.kind ?? "dash";
  }

  get choices(): readonly Choice[] {
    const found = this.offered();
    if (found.length < 2) return [];
    const playing = this.player.getCurrentRepresentationForType("video")?.id;
    const label = this.labelOf(playing);
    const auto = { id: AUTO, label: label ? t.player.autoNow(label) : t.player.auto, height: null, url: null };
    return [auto, ...found];
  }

  get choice(): string | null {
    return this.isAuto ? AUTO : this.wanted;
  }

  select(id: string): void {
    this.isAuto = id === AUTO;
    this.player.updateSettings({
      streaming: { abr: { autoSwitchBitrate: { video: this.isAuto }, limitBitrateByPortal: this.isAuto } },
    });
    this.wanted = this.isAuto ? null : id;
    this.wantedLines = this.offered().find((each) => each.id === id)?.height ?? null;
    this.replaced();
    if (!this.isAuto) this.change(id);
    this.context.changed();
  }

  /** What a piece that is not there is answered with, once it was asked for often enough: nothing, which leaves a gap. */
  answered(answer: Answer): Answer {
    const { type, mediaType, url = "", startTime = 0, duration = 0 } = answer.request.customData?.request ?? {};
    if (type !== "MediaSegment" || (mediaType !== "video" && mediaType !== "audio")) return answer;
    const holes = this.holes[mediaType];
    const { status = 0, data } = answer;
    const isHere = status === 200 || status === 206;
    // Bytes that are no media would end the whole MediaSource.
    const isBroken = isHere && data instanceof ArrayBuffer && !mayBeMedia(data);
    if (isHere && !isBroken) holes.came(startTime);
    if (!isBroken && !GONE.has(status)) return answer;
    const isLeftOut = holes.miss(url, startTime, duration);
    answer.status = isLeftOut ? 200 : NOT_THERE;
    if (isLeftOut) answer.data = new ArrayBuffer(0);
    return answer;
  }

  get texts(): readonly Track[] {
    return this.tracks("text");
  }

  selectText(id: string | null): void {
    this.player.enableText(id !== null);
    this.player.setTextTrack(id === null ? -1 : Number(id));
  }

  get sounds(): readonly Track[] {
    return this.tracks("audio");
  }

  get sound(): string | null {
    if (!this.player.isReady()) return null;
    const current = this.player.getCurrentTrackFor("audio")?.index;
    const place = this.player.getTracksFor("audio").findIndex(({ index }) => index === current);
    return place < 0 ? null : String(place);
  }

  selectSound(id: string): void {
    const track = this.player.getTracksFor("audio")[Number(id)];
    if (track !== undefined) this.player.setCurrentTrack(track);
    this.context.changed();
  }

  destroy(): void {
    this.player.destroy();
    this.words.remove();
    this.origin?.ended();
    this.context.video.removeAttribute("src");
    this.context.video.load();
  }

  /**
   * Another quality from the next piece on. dash.js replaces what is loaded by something better alone, further ahead, and
   * only while it has not enough: so what is loaded counts as nothing, the new one's pieces as short as to the next one's
   * beginning, and enough is more, until what was loaded is loaded again.
   */
  private change(id: string): void {
    const chosen = this.player.getRepresentationsByType("video").find((each) => each.id === id);
    const ahead = this.nextPiece();
    if (chosen === undefined || ahead === null) {
      this.player.setRepresentationForTypeById("video", id);
      return;
    }
    for (const piece of this.loaded) piece.bandwidth = 0;
    // Of the picture alone: the sound may be far behind it.
    const inHand = Math.max(this.player.getBufferLength("video") || 0, this.transport.ahead);
    const now = this.context.video.currentTime;
    this.replacing = { id, from: now + ahead, to: now + inHand };
    this.haveInHand(inHand + MORE_S);
    const { fragmentDuration } = chosen;
    chosen.fragmentDuration = ahead / LOOKS_AHEAD;
    try {
      this.player.setRepresentationForTypeById("video", id);
    } finally {
      chosen.fragmentDuration = fragmentDuration;
    }
  }

  private gaps(): readonly Hole[] {
    return [...this.holes.video.all, ...this.holes.audio.all].sort((a, b) => a.start - b.start);
  }

  private haveInHand(atLeast: number): void {
    const buffer = Object.fromEntries(Object.entries(IN_HAND).map(([name, time]) => [name, Math.max(time, atLeast)]));
    this.player.updateSettings({ streaming: { buffer } });
  }

  /** How far it is to within the next piece that another quality can still come for, in seconds. */
  private nextPiece(): number | null {
    const now = this.context.video.currentTime;
    const next = this.loaded.filter(({ startTime }) => startTime > now + SWITCH_S);
    const first = Math.min(...next.map(({ startTime }) => startTime));
    return Number.isFinite(first) ? first - now + 0.05 : null;
  }

  private came({ request }: { readonly request?: Piece }): void {
    if (request?.mediaType !== "video" || request.type !== "MediaSegment") return;
    this.loaded = [...this.loaded, request].slice(-LOADED_KEPT);
    // What was on its way as another quality was chosen replaces nothing.
    if (this.replacing === null || request.representation?.id !== this.replacing.id) return;
    if (request.startTime + request.duration >= this.replacing.to) this.replaced();
  }

  /**
   * dash.js abandons what is on its way as another quality is chosen, hears of that when it has decided where that one
   * begins, and goes on from the middle of what it abandoned instead. So that middle is where the new one begins.
   */
  private abandoned({ request }: { readonly request?: Piece }): void {
    if (this.replacing === null || request?.mediaType !== "video" || request.type !== "MediaSegment") return;
    if (request.representation?.id === this.replacing.id) return;
    request.startTime = this.replacing.from - request.duration / 2;
  }

  private replaced(): void {
    if (this.replacing === null) return;
    this.replacing = null;
    this.haveInHand(0);
  }

  private begin(): void {
    const wanted = this.wantedLines === null ? null : atMost(this.offered(), this.wantedLines);
    if (wanted !== null) this.select(wanted.id);
    this.context.changed();
  }

  private offered(): readonly Choice[] {
    if (!this.player.isReady()) return [];
    return this.origin?.offered ?? ladder(this.player.getRepresentationsByType("video").map(rungOf));
  }

  private labelOf(id: string | undefined): string | null {
    if (this.origin !== null) return this.origin.offered.find((each) => each.id === id)?.label ?? null;
    const playing = this.player.getRepresentationsByType("video").find((each) => each.id === id);
    return playing === undefined ? null : rungLabel(rungOf(playing));
  }

  private tracks(kind: "audio" | "text"): readonly Track[] {
    if (!this.player.isReady()) return [];
    return this.player.getTracksFor(kind).map(({ lang, labels }, place) => {
      const language = lang || null;
      return { id: String(place), language, label: labels[0]?.text ?? languageName(language) ?? `${place + 1}` };
    });
  }

  private failed(event: unknown): void {
    const { error } = event as { readonly error?: Failure | string };
    const failure = typeof error === "object" ? error : { message: String(error) };
    const kind = kindOf(failure);
    if (kind !== null) this.context.failed(kind, failure.message ?? "");
  }
}

/** A piece that dash.js asked for, as it keeps it. */
interface Piece {
  readonly type?: string;
  readonly url?: string;
  readonly mediaType?: string;
  readonly representation?: { readonly id: string } | null;
  startTime: number;
  readonly duration: number;
  bandwidth: number;
}

/** An answer, as dash.js lets it be looked at. */
interface Answer {
  readonly request: { readonly customData?: { readonly request?: Partial<Piece> } };
  status?: number;
  data?: unknown;
}

/** An error of dash.js. */
interface Failure {
  readonly code?: number;
  readonly message?: string;
  readonly data?: { readonly request?: { readonly mediaType?: string | null } } | null;
}

const TIME_SYNC = 16;
const WORDS = 33;
const UNPLAYABLE: ReadonlySet<number> = new Set([23, 32, 34, 35]);
const APPENDING: ReadonlySet<number> = new Set([20, 21, 22]);
const FIRST_DOWNLOAD = 10;
const FIRST_PROTECTION = 100;
const UNSUPPORTED_ELEMENT = 4;

/** What an error of dash.js means to who watches; null: nothing, the picture goes on. Its own codes begin at 10. */
function kindOf({ code = 0, data }: Failure): FailureKind | null {
  if (code === TIME_SYNC || code === WORDS || data?.request?.mediaType === "text") return null;
  if (code >= FIRST_PROTECTION) return "protected";
  if (code === UNSUPPORTED_ELEMENT || UNPLAYABLE.has(code)) return "unsupported";
  return code >= FIRST_DOWNLOAD && !APPENDING.has(code) ? "network" : "decode";
}

function rungOf(found: Representation): Rung {
  const { id, width, height, frameRate, bandwidth } = found;
  return {
    id,
    width: width || null,
    height: height || null,
    fps: frameRate || null,
    isHdr: false,
    bitrate: bandwidth,
  };
}

/** A live stream's time is the date of its picture, which follows from `availabilityStartTime`. */
function dated(player: MediaPlayerClass, video: HTMLVideoElement): LiveCoordinate {
  const offset = (): number | null => {
    const date = player.isReady() ? player.timeAsUTC() : 0;
    return date > 0 ? date - video.currentTime : null;
  };
  const window = (): LiveWindow | null => {
    const found = player.isReady() ? player.getDvrWindow() : null;
    const segment = player.isReady() ? player.getCurrentRepresentationForType("video")?.fragmentDuration : null;
    if (!found || !(found.endAsUtc > found.startAsUtc)) return null;
    return { start: found.startAsUtc, end: found.endAsUtc, segment: segment || SEGMENT_S };
  };
  return {
    window,
    toRoom(time) {
      const known = offset();
      return known === null ? null : time + known;
    },
    toMedia(position) {
      const [known, found] = [offset(), window()];
      return known === null ? null : (found === null ? position : offered(position, found)) - known;
    },
    isAtEdge(time) {
      const [known, found] = [offset(), window()];
      return known !== null && found !== null && isAtEdge(time + known, found);
    },
  };
}
