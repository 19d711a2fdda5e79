import type Hls from "hls.js";
import type { LevelDetails } from "hls.js";
import workerUrl from "hls.js/dist/hls.worker.js?url";
import { isAtEdge, type LiveWindow, offered } from "@/sync/live";
import { t } from "@/text";
import { AUTO, type Choice, choices } from "../quality";
import { SingleTransport } from "../single";
import { type LiveCoordinate, SAME } from "../transport";
import { openDirect } from "./direct";
import type { Engine, EngineContext, Track } from "./engine";

const NETWORK_RETRIES = 6;
const RETRY_MS = 1000;
const MEDIA_RETRIES = 2;
const MEDIA_RETRY_WINDOW_MS = 10_000;

/** hls.js, or the browser's own player where that library can do nothing (iPhones before Managed Media Source). */
export async function openHls(context: EngineContext, url: string): Promise<Engine> {
  const { default: Library } = await import("hls.js");
  if (!Library.isSupported()) {
    if (context.video.canPlayType("application/vnd.apple.mpegurl") !== "") return openDirect(context, url);
    throw new Error("This browser plays no HLS.");
  }
  const hls = new Library({
    startPosition: context.state.is_live ? -1 : context.startAt,
    workerPath: workerUrl,
    backBufferLength: 60,
    // Correcting the speed is the room's business.
    maxLiveSyncPlaybackRate: 1,
  });
  const engine = new HlsEngine(hls, Library, context);
  hls.loadSource(url);
  hls.attachMedia(context.video);
  return engine;
}

class HlsEngine implements Engine {
  readonly transport: SingleTransport;
  private networkFailures = 0;
  private mediaFailures: number[] = [];
  private retry = 0;
  private address: string | null = null;
  private text = -1;

  constructor(
    private readonly hls: Hls,
    library: typeof Hls,
    private readonly context: EngineContext,
  ) {
    const coordinate = context.state.is_live ? dated(hls) : SAME;
    this.transport = new SingleTransport(context.video, coordinate);
    const { Events, ErrorTypes } = library;
    hls.on(Events.MANIFEST_PARSED, () => this.begin());
    hls.on(Events.LEVEL_SWITCHED, () => context.changed());
    hls.on(Events.AUDIO_TRACKS_UPDATED, () => context.changed());
    hls.on(Events.AUDIO_TRACK_SWITCHED, () => context.changed());
    hls.on(Events.SUBTITLE_TRACKS_UPDATED, () => {
      // Nobody asked for words yet, whatever the playlist thinks.
      hls.subtitleTrack = this.text;
      context.changed();
    });
    hls.on(Events.FRAG_BUFFERED, () => {
      this.networkFailures = 0;
    });
    hls.on(Events.ERROR, (_event, data) => {
      if (!data.fatal) return;
      if (data.type === ErrorTypes.NETWORK_ERROR) this.networkFailed(data.details);
      else if (data.type === ErrorTypes.MEDIA_ERROR) this.mediaFailed(data.details);
      else context.failed("decode", data.details);
    });
  }

  get choices(): readonly Choice[] {
    const addresses = this.addresses();
    if (addresses.length > 1) return addresses;
    if (this.hls.levels.length < 2) return [];
    const levels = this.hls.levels.map((level, index) => ({
      id: String(index),
      label: level.height ? `${level.height}p` : t.player.bitrate(Math.round(level.bitrate / 1000)),
      height: level.height || null,
      url: null,
    }));
    const playing = this.hls.levels[this.hls.currentLevel]?.height;
    const auto = {
      id: AUTO,
      label: playing ? t.player.autoNow(`${playing}p`) : t.player.auto,
      height: null,
      url: null,
    };
    return [auto, ...levels.reverse()];
  }

  get choice(): string | null {
    if (this.addresses().length > 1) return this.addresses().find((each) => each.url === this.address)?.id ?? null;
    if (this.hls.levels.length < 2) return null;
    return this.hls.autoLevelEnabled ? AUTO : String(this.hls.loadLevel);
  }

  select(id: string): void {
    const address = this.addresses().find((each) => each.id === id)?.url;
    if (this.addresses().length > 1) {
      if (address) this.move(address);
    } else {
      this.hls.nextLevel = id === AUTO ? -1 : Number(id);
    }
    this.context.changed();
  }

  get texts(): readonly Track[] {
    return this.hls.subtitleTracks.map(({ name, lang }, id) => trackOf(id, name, lang));
  }

  selectText(id: string | null): void {
    this.text = id === null ? -1 : Number(id);
    this.hls.subtitleTrack = this.text;
    this.hls.subtitleDisplay = this.text >= 0;
  }

  get sounds(): readonly Track[] {
    return this.hls.audioTracks.map(({ name, lang }, id) => trackOf(id, name, lang));
  }

  get sound(): string | null {
    return this.hls.audioTrack < 0 ? null : String(this.hls.audioTrack);
  }

  selectSound(id: string): void {
    this.hls.audioTrack = Number(id);
    this.context.changed();
  }

  destroy(): void {
    window.clearTimeout(this.retry);
    this.hls.destroy();
    this.context.video.removeAttribute("src");
    this.context.video.load();
  }

  private begin(): void {
    const { wantedHeight } = this.context;
    const { levels } = this.hls;
    if (wantedHeight !== null && levels.length > 1) {
      const index = levels.findLastIndex((level) => level.height > 0 && level.height <= wantedHeight);
      if (index >= 0) this.hls.startLevel = this.hls.nextLevel = index;
    }
    this.context.changed();
  }

  /** Renditions that have an address each, where the manifest itself has only one. */
  private addresses(): Choice[] {
    if (this.hls.levels.length > 1) return [];
    const options = this.context.state.qualities.filter((option) => option.stream_url !== null);
    return new Set(options.map((option) => option.stream_url)).size > 1 ? choices(options, () => 1) : [];
  }

  private move(url: string): void {
    this.address = url;
    this.hls.config.startPosition = this.context.state.is_live ? -1 : this.context.video.currentTime;
    this.hls.loadSource(url);
  }

  private networkFailed(details: string): void {
    this.networkFailures += 1;
    if (this.networkFailures > NETWORK_RETRIES) {
      this.context.failed("network", details);
      return;
    }
    window.clearTimeout(this.retry);
    this.retry = window.setTimeout(() => {
      // Without a manifest there are no levels to load from.
      if (this.hls.levels.length === 0 && this.hls.url !== null) this.hls.loadSource(this.hls.url);
      else this.hls.startLoad();
    }, RETRY_MS * this.networkFailures);
  }

  private mediaFailed(details: string): void {
    const now = performance.now();
    this.mediaFailures = [...this.mediaFailures.filter((at) => now - at < MEDIA_RETRY_WINDOW_MS), now];
    if (this.mediaFailures.length > MEDIA_RETRIES) this.context.failed("decode", details);
    else this.hls.recoverMediaError();
  }
}

/** A live stream's time is the date of its picture (EXT-X-PROGRAM-DATE-TIME). Two viewers share nothing else. */
function dated(hls: Hls): LiveCoordinate {
  const known = (): Known | null => {
    const details = hls.levels[hls.currentLevel < 0 ? hls.loadLevel : hls.currentLevel]?.details;
    const window = details === undefined ? null : windowOf(details);
    return details === undefined || window === null ? null : { details, window };
  };
  const toRoom = (time: number): number | null => {
    const fragment = known()?.details.fragments.findLast((each) => each.programDateTime !== null && each.start <= time);
    return fragment?.programDateTime ? fragment.programDateTime / 1000 + time - fragment.start : null;
  };
  return {
    window: () => known()?.window ?? null,
    toRoom,
    toMedia(position) {
      const found = known();
      const [first] = found?.details.fragments ?? [];
      if (!found || !first?.programDateTime) return null;
      const date = offered(position, found.window);
      const fragment =
        found.details.fragments.findLast(
          (each) => each.programDateTime !== null && each.programDateTime / 1000 <= date,
        ) ?? first;
      return fragment.start + date - (fragment.programDateTime ?? 0) / 1000;
    },
    isAtEdge(time) {
      const [date, found] = [toRoom(time), known()];
      return date !== null && found !== null && isAtEdge(date, found.window);
    },
  };
}

function trackOf(id: number, name: string, language: string | undefined): Track {
  return { id: String(id), label: name || language || `${id + 1}`, language: language || null };
}

interface Known {
  readonly details: LevelDetails;
  readonly window: LiveWindow;
}

function windowOf(details: LevelDetails): LiveWindow | null {
  const first = details.fragments[0]?.programDateTime;
  const last = details.fragments.at(-1);
  if (!first || !last?.programDateTime) return null;
  return {
    start: first / 1000,
    end: last.programDateTime / 1000 + last.duration,
    segment: details.targetduration,
  };
}
