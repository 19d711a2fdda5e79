import type Hls from "hls.js";
import type { ErrorData, Fragment, Level, LevelDetails } from "hls.js";
import workerUrl from "hls.js/dist/hls.worker.js?url";
import { bases } from "@/lib/bases";
import { isAtEdge, type LiveWindow, offered } from "@/sync/live";
import { t } from "@/text";
import { measureFitness } from "../fitness";
import { AUTO, atMost, begin, type Choice, choices, ladder, type Rung, rungLabel } from "../quality";
import { SingleTransport } from "../single";
import { type LiveCoordinate, SAME } from "../transport";
import { openDirect } from "./direct";
import { type Engine, type EngineContext, screenHeight, type Track } from "./engine";

const NETWORK_RETRIES = 6;
const RETRY_MS = 1000;
const MEDIA_RETRIES = 2;
const MEDIA_RETRY_WINDOW_MS = 10_000;
/** So many pieces in a row may be missing; more are no hole but the end. */
const MOST_MISSING = 5;
/** One that is not there may be yet to come, but nobody waits the half minute that hls.js does. */
const MOST_ASKED = 2;
/** Captions within the picture have no playlist of their own. */
const CAPTIONS = "captions:";

/** hls.js, or the browser's own player where that library can do nothing (iPhones before Managed Media Source). */
export async function openHls(context: EngineContext, url: string): Promise<Engine> {
  const { default: Library } = await import("hls.js");
  context.signal.throwIfAborted();
  if (!Library.isSupported()) {
    if (context.video.canPlayType("application/vnd.apple.mpegurl") !== "") return openDirect(context, url);
    throw new Error("This browser plays no HLS.");
  }
  const renditions = await playlists(context);
  context.signal.throwIfAborted();
  const hls = new Library({
    startPosition: context.state.is_live ? -1 : context.startAt,
    workerPath: workerUrl,
    // Once for every try: what a playlist named may be of a server that is dead by now.
    xhrSetup: (request, address) => request.open("GET", bases.at(address), true),
    backBufferLength: 60,
    // Whoever wants more than the picture's size on the page shows can say so.
    capLevelToPlayerSize: true,
    // Correcting the speed is the room's business.
    maxLiveSyncPlaybackRate: 1,
  });
  const { wantedHeight } = context;
  const wanted = wantedHeight === null ? null : begin(renditions, screenHeight(), wantedHeight);
  const engine = new HlsEngine(hls, Library, context, renditions, wanted?.url ?? url);
  hls.loadSource(wanted?.url ?? url);
  hls.attachMedia(context.video);
  return engine;
}

/** Renditions that have a playlist each, where the manifest itself has only one. */
async function playlists({ state }: EngineContext): Promise<readonly Choice[]> {
  const options = state.qualities.filter((option) => option.stream_url !== null);
  const isSeveral = new Set(options.map((option) => option.stream_url)).size > 1;
  return isSeveral ? choices(options, await measureFitness(options)) : [];
}

class HlsEngine implements Engine {
  readonly transport: SingleTransport;
  private networkFailures = 0;
  private mediaFailures: number[] = [];
  private retry = 0;
  private text = -1;
  private wantedLines: number | null;
  /** How often pieces were missing, and how many were left out in a row. */
  private readonly missing = new WeakMap<Fragment, number>();
  private leftOut = 0;

  constructor(
    private readonly hls: Hls,
    private readonly library: typeof Hls,
    private readonly context: EngineContext,
    private readonly renditions: readonly Choice[],
    private address: string,
  ) {
    this.wantedLines = context.wantedHeight;
    const coordinate = context.state.is_live ? dated(hls) : SAME;
    this.transport = new SingleTransport(context.video, coordinate);
    const { Events } = library;
    hls.on(Events.MANIFEST_PARSED, () => this.begin());
    hls.on(Events.LEVEL_SWITCHED, () => context.changed());
    // Levels whose codecs turn out to be unknown are gone.
    hls.on(Events.LEVELS_UPDATED, () => context.changed());
    hls.on(Events.AUDIO_TRACKS_UPDATED, () => context.changed());
    hls.on(Events.AUDIO_TRACK_SWITCHED, () => context.changed());
    hls.on(Events.SUBTITLE_TRACKS_UPDATED, () => {
      // Nobody asked for words yet, whatever the playlist thinks.
      hls.subtitleTrack = this.text;
      context.changed();
    });
    hls.on(Events.FRAG_BUFFERED, () => {
      this.networkFailures = 0;
      this.leftOut = 0;
    });
    hls.on(Events.ERROR, (_event, data) => {
      if (data.fatal) this.failed(data);
      // Of a live stream hls.js leaves out what is missing itself, but for the newest, which may be late.
      else if (data.frag && isMissing(data) && !context.state.is_live) this.miss(data.frag);
    });
    context.video.textTracks.addEventListener("addtrack", context.changed);
  }

  get choices(): readonly Choice[] {
    if (!this.hasLevels) return this.renditions;
    const { levels, currentLevel } = this.hls;
    const playing = levels[currentLevel];
    const label = playing === undefined ? t.player.auto : t.player.autoNow(rungLabel(rungOf(playing, currentLevel)));
    return [{ id: AUTO, label, height: null, url: null }, ...this.rungs()];
  }

  get choice(): string | null {
    if (!this.hasLevels) return this.renditions.find((each) => each.url === this.address)?.id ?? null;
    const { autoLevelEnabled, loadLevel, levels } = this.hls;
    const loading = levels[loadLevel];
    if (autoLevelEnabled || loading === undefined) return AUTO;
    const label = rungLabel(rungOf(loading, loadLevel));
    return this.rungs().find((each) => each.label === label)?.id ?? null;
  }

  select(id: string): void {
    const chosen = this.choices.find((each) => each.id === id);
    this.wantedLines = chosen?.height ?? null;
    if (this.hasLevels) this.hls.nextLevel = id === AUTO ? -1 : Number(id);
    else if (chosen?.url) this.move(chosen.url);
    this.context.changed();
  }

  get texts(): readonly Track[] {
    return [
      ...this.hls.subtitleTracks.map(({ name, lang }, id) => trackOf(id, name, lang)),
      ...this.captions().map(({ label, language }) => ({
        id: `${CAPTIONS}${label}`,
        label: t.player.captions(label),
        language: language || null,
      })),
    ];
  }

  selectText(id: string | null): void {
    const isCaptions = id?.startsWith(CAPTIONS) ?? false;
    for (const track of this.captions()) track.mode = id === `${CAPTIONS}${track.label}` ? "showing" : "hidden";
    this.text = id === null || isCaptions ? -1 : Number(id);
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

  moved(): void {
    window.clearTimeout(this.retry);
    this.networkFailures = 0;
    // What is under way may be a question that nobody answers.
    this.hls.stopLoad();
    this.loadAgain();
  }

  destroy(): void {
    window.clearTimeout(this.retry);
    this.context.video.textTracks.removeEventListener("addtrack", this.context.changed);
    this.hls.destroy();
    this.context.video.removeAttribute("src");
    this.context.video.load();
  }

  private begin(): void {
    const wanted = this.wantedLines === null || !this.hasLevels ? null : atMost(this.rungs(), this.wantedLines);
    if (wanted !== null) this.hls.startLevel = this.hls.nextLevel = Number(wanted.id);
    this.context.changed();
  }

  private get hasLevels(): boolean {
    return this.hls.levels.length > 1;
  }

  private rungs(): readonly Choice[] {
    return ladder(this.hls.levels.map(rungOf));
  }

  private captions(): readonly TextTrack[] {
    return [...this.context.video.textTracks].filter(({ kind }) => kind === "captions");
  }

  private move(url: string): void {
    this.address = url;
    this.context.hold();
    this.hls.config.startPosition = this.context.state.is_live ? -1 : this.context.video.currentTime;
    this.hls.loadSource(url);
  }

  private failed(data: ErrorData): void {
    const { type, details } = data;
    const { ErrorTypes, ErrorDetails } = this.library;
    if (this.leavesOut(data)) {
      this.retry = window.setTimeout(() => this.hls.startLoad(), 0);
    } else if (details === ErrorDetails.SUBTITLE_LOAD_ERROR || details === ErrorDetails.SUBTITLE_TRACK_LOAD_TIMEOUT) {
      // Words that cannot be had are no reason to stop the picture.
      this.selectText(null);
      this.hls.startLoad();
    } else if (type === ErrorTypes.KEY_SYSTEM_ERROR) {
      this.context.failed("protected", details);
    } else if (isUnplayable(details, ErrorDetails)) {
      this.context.failed("unsupported", details);
    } else if (type === ErrorTypes.NETWORK_ERROR) {
      this.networkFailed(details);
    } else if (type === ErrorTypes.MEDIA_ERROR) {
      this.mediaFailed(details);
    } else {
      this.context.failed("decode", details);
    }
  }

  private miss(frag: Fragment): void {
    const asked = (this.missing.get(frag) ?? 0) + 1;
    this.missing.set(frag, asked);
    if (asked >= MOST_ASKED && this.leftOut < MOST_MISSING) this.leaveOut(frag);
  }

  private leaveOut(frag: Fragment): void {
    frag.gap = true;
    // Without the tag hls.js takes the mark for one of its own, and forgets it as it tries again.
    frag.tagList.push(["GAP"]);
    this.leftOut += 1;
  }

  /** Whether a piece is left out that is not there, or is no media at all; of words whatever it is. */
  private leavesOut({ frag, response, details }: ErrorData): boolean {
    const { ErrorDetails } = this.library;
    if (!frag || this.leftOut >= MOST_MISSING) return false;
    const isGone = isMissing({ details, response });
    const isBroken = details === ErrorDetails.FRAG_PARSING_ERROR || details === ErrorDetails.FRAG_DECRYPT_ERROR;
    if (!isBroken && !isGone && frag.type !== "subtitle") return false;
    this.leaveOut(frag);
    return true;
  }

  private networkFailed(details: string): void {
    this.networkFailures += 1;
    if (this.networkFailures > NETWORK_RETRIES) {
      this.context.failed("network", details);
      return;
    }
    window.clearTimeout(this.retry);
    this.retry = window.setTimeout(() => this.loadAgain(), RETRY_MS * this.networkFailures);
  }

  private loadAgain(): void {
    // Without a manifest there are no levels to load from.
    if (this.hls.levels.length === 0 && this.hls.url !== null) this.hls.loadSource(this.hls.url);
    else this.hls.startLoad();
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

function rungOf({ width, height, frameRate, videoRange, bitrate }: Level, index: number): Rung {
  const isHdr = videoRange === "PQ" || videoRange === "HLG";
  return { id: String(index), width: width || null, height: height || null, fps: frameRate || null, isHdr, bitrate };
}

function isMissing({ details, response }: Pick<ErrorData, "details" | "response">): boolean {
  return details === "fragLoadError" && (response?.code === 404 || response?.code === 410);
}

/** Failures that another try meets again. */
function isUnplayable(details: ErrorData["details"], kinds: typeof Hls.ErrorDetails): boolean {
  return (
    details === kinds.MANIFEST_INCOMPATIBLE_CODECS_ERROR ||
    details === kinds.BUFFER_INCOMPATIBLE_CODECS_ERROR ||
    details === kinds.BUFFER_ADD_CODEC_ERROR
  );
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
