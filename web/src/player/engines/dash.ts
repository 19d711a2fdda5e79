import type { MediaPlayerClass } from "dashjs";
import { isAtEdge, type LiveWindow, offered } from "@/sync/live";
import { t } from "@/text";
import { AUTO, type Choice } from "../quality";
import { SingleTransport } from "../single";
import { languageName } from "../sounds";
import { type LiveCoordinate, SAME } from "../transport";
import type { Engine, EngineContext, Track } from "./engine";

/** What a manifest of our own does not say itself. */
export interface Origin {
  readonly kind: "joined";
  readonly offered: readonly { readonly id: string; readonly label: string; readonly height: number }[];
  ended(): void;
}

// Where a live stream says nothing of its segments.
const SEGMENT_S = 4;

/** dash.js, for streams that come as an MPD. */
export async function openDash(context: EngineContext, url: string, origin: Origin | null = null): Promise<Engine> {
  const { MediaPlayer } = await import("dashjs");
  const player = MediaPlayer().create();
  player.updateSettings({
    debug: { logLevel: 0 },
    streaming: {
      // Correcting the speed is the room's business.
      liveCatchup: { enabled: false },
      cacheInitSegments: true,
      buffer: { fastSwitchEnabled: true, bufferTimeAtTopQuality: 30, bufferTimeAtTopQualityLongForm: 60 },
      // Whoever wants more than the picture's size on the page shows can say so.
      abr: { limitBitrateByPortal: origin !== null, usePixelRatioInLimitBitrateByPortal: true },
      text: { defaultEnabled: false },
      // The proxy has the address renewed meanwhile.
      retryAttempts: { MediaSegment: 6, InitializationSegment: 6, IndexSegment: 6 },
      retryIntervals: { MediaSegment: 1000 },
    },
  });
  const engine = new DashEngine(player, context, origin);
  player.initialize(context.video, url, false, context.state.is_live ? Number.NaN : context.startAt);
  // Where a manifest names no clock, its own answer's date must do: nobody else is asked.
  player.clearDefaultUTCTimingSources();
  return engine;
}

class DashEngine implements Engine {
  readonly transport: SingleTransport;
  private isAuto = true;
  private wanted: string | null = null;

  constructor(
    private readonly player: MediaPlayerClass,
    private readonly context: EngineContext,
    private readonly origin: Origin | null,
  ) {
    this.transport = new SingleTransport(context.video, context.state.is_live ? dated(player, context.video) : SAME);
    player.on("streamInitialized", () => this.begin());
    player.on("qualityChangeRendered", () => context.changed());
    player.on("trackChangeRendered", () => context.changed());
    player.on("error", (event: unknown) => this.failed(event));
  }

  get kind(): "dash" | "joined" {
    return this.origin?.kind ?? "dash";
  }

  get choices(): readonly Choice[] {
    const found = this.offered();
    if (found.length < 2) return [];
    const playing = this.player.getCurrentRepresentationForType("video")?.id;
    const label = found.find(({ id }) => id === playing)?.label;
    const auto = { id: AUTO, label: label ? t.player.autoNow(label) : t.player.auto, height: null, url: null };
    return [auto, ...found.map((each) => ({ ...each, url: null })).sort((a, b) => b.height - a.height)];
  }

  get choice(): string | null {
    return this.isAuto ? AUTO : this.wanted;
  }

  select(id: string): void {
    this.isAuto = id === AUTO;
    const isLimited = this.isAuto && this.origin !== null;
    this.player.updateSettings({
      streaming: { abr: { autoSwitchBitrate: { video: this.isAuto }, limitBitrateByPortal: isLimited } },
    });
    this.wanted = this.isAuto ? null : id;
    if (!this.isAuto) this.player.setRepresentationForTypeById("video", id);
    this.context.changed();
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
    this.origin?.ended();
    this.context.video.removeAttribute("src");
    this.context.video.load();
  }

  private begin(): void {
    const { wantedHeight } = this.context;
    const fitting = this.offered().filter((each) => wantedHeight !== null && each.height <= wantedHeight);
    const tallest = [...fitting].sort((a, b) => b.height - a.height)[0];
    if (tallest !== undefined) this.select(tallest.id);
    this.context.changed();
  }

  private offered(): readonly { readonly id: string; readonly label: string; readonly height: number }[] {
    if (!this.player.isReady()) return [];
    if (this.origin !== null) return this.origin.offered;
    const found = this.player.getRepresentationsByType("video");
    return found.map(({ id, height }) => ({ id, label: `${height}p`, height }));
  }

  private tracks(kind: "audio" | "text"): readonly Track[] {
    if (!this.player.isReady()) return [];
    return this.player.getTracksFor(kind).map(({ lang, labels }, place) => {
      const language = lang || null;
      return { id: String(place), language, label: labels[0]?.text ?? languageName(language) ?? `${place + 1}` };
    });
  }

  private failed(event: unknown): void {
    const { error } = event as { readonly error?: { readonly code?: number; readonly message?: string } | string };
    const code = typeof error === "object" ? (error.code ?? 0) : 0;
    const message = typeof error === "object" ? (error.message ?? "") : String(error);
    // dash.js: 10 to 99 are manifests and downloads.
    this.context.failed(code >= 10 && code < 100 ? "network" : "decode", message);
  }
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
