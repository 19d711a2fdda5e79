import type { MediaPlayerClass } from "dashjs";
import { AUTO, type Choice } from "../quality";
import { SingleTransport } from "../single";
import { type Coordinate, SAME } from "../transport";
import type { Engine, EngineContext } from "./engine";

/** dash.js, for streams that come as an MPD. */
export async function openDash(context: EngineContext, url: string): Promise<Engine> {
  const { MediaPlayer } = await import("dashjs");
  const player = MediaPlayer().create();
  player.updateSettings({
    debug: { logLevel: 0 },
    streaming: {
      // Correcting the speed is the room's business.
      liveCatchup: { enabled: false },
      cacheInitSegments: true,
    },
  });
  const engine = new DashEngine(player, context);
  player.initialize(context.video, url, false, context.state.is_live ? Number.NaN : context.startAt);
  return engine;
}

class DashEngine implements Engine {
  readonly transport: SingleTransport;
  private isAuto = true;

  constructor(
    private readonly player: MediaPlayerClass,
    private readonly context: EngineContext,
  ) {
    this.transport = new SingleTransport(context.video, context.state.is_live ? dated(player, context) : SAME);
    player.on("streamInitialized", () => this.begin());
    player.on("qualityChangeRendered", () => context.changed());
    player.on("error", (event: unknown) => this.failed(event));
  }

  get choices(): readonly Choice[] {
    const found = this.representations();
    if (found.length < 2) return [];
    const playing = this.player.getCurrentRepresentationForType("video")?.height;
    const auto = { id: AUTO, label: playing ? `Auto (${playing}p)` : "Auto", height: null, url: null };
    const lines = found.map((each) => ({ id: each.id, label: `${each.height}p`, height: each.height, url: null }));
    return [auto, ...lines.sort((a, b) => b.height - a.height)];
  }

  get choice(): string | null {
    if (this.isAuto) return AUTO;
    return this.player.getCurrentRepresentationForType("video")?.id ?? null;
  }

  select(id: string): void {
    this.isAuto = id === AUTO;
    this.player.updateSettings({ streaming: { abr: { autoSwitchBitrate: { video: this.isAuto } } } });
    if (!this.isAuto) this.player.setRepresentationForTypeById("video", id);
    this.context.changed();
  }

  destroy(): void {
    this.player.destroy();
    this.context.video.removeAttribute("src");
    this.context.video.load();
  }

  private begin(): void {
    const { wantedHeight } = this.context;
    const fitting = this.representations().filter((each) => wantedHeight !== null && each.height <= wantedHeight);
    const tallest = fitting.sort((a, b) => b.height - a.height)[0];
    if (tallest !== undefined) this.select(tallest.id);
    this.context.changed();
  }

  private representations() {
    return this.player.isReady() ? this.player.getRepresentationsByType("video") : [];
  }

  private failed(event: unknown): void {
    const { error } = event as { readonly error?: { readonly code?: number; readonly message?: string } | string };
    const code = typeof error === "object" ? (error.code ?? 0) : 0;
    const message = typeof error === "object" ? (error.message ?? "") : String(error);
    // dash.js: 10 to 99 are manifests and downloads.
    this.context.failed(code >= 10 && code < 100 ? "network" : "decode", message);
  }
}

function dated(player: MediaPlayerClass, context: EngineContext): Coordinate {
  const offset = () => player.timeAsUTC() - context.video.currentTime;
  const isKnown = () => context.isDated() && player.isReady() && Number.isFinite(player.timeAsUTC());
  return {
    toRoom: (time) => (isKnown() ? time + offset() : null),
    toMedia: (position) => (isKnown() ? position - offset() : null),
  };
}
