/** Keeps this page's player with its room, and tells the room how it fares. */
import type { Readable } from "@/lib/store";
import { Player } from "@/player/player";
import type { RoomClock } from "@/socket/clock";
import { type Cause, Follower } from "@/sync/follower";
import type { LiveWindow } from "@/sync/live";
import { type Anchor, positionAt } from "@/sync/position";
import { Slide } from "@/sync/slide";
import type { ClientMessage, ServerMessage } from "@/wire/frames";
import type { Status } from "@/wire/wire.gen";
import type { Replica } from "./replica";
import { Reporter } from "./reporter";
import type { RoomView } from "./view";

const TICK_MS = 250;
// The player's own news is told at once, not on the next tick.
const MEDIA_NEWS = ["canplay", "seeked", "progress", "waiting"] as const;
// A snapshot that agrees this well with what we believed moves nothing.
const AGREES_S = 0.5;

interface Line {
  isOpen(): boolean;
  send(message: ClientMessage): void;
  /** The media of this item has come to its end, said once. */
  ended(itemId: string): void;
}

export class Playback {
  readonly player: Player;
  readonly follower = new Follower();
  private readonly reporter: Reporter;
  private wasTrimmed = false;
  private readonly tickers = new Set<() => void>();
  private readonly timer: number;
  private wakeTimer = 0;
  private hasTriedHidden = false;
  private endedItem: string | null = null;
  private readonly slide = new Slide();
  private slidItem: string | null = null;
  /** What a live stream offers, in dates, as it slides with the time; null for everything else. */
  window: LiveWindow | null = null;

  constructor(
    private readonly view: Readable<RoomView>,
    private readonly clock: RoomClock,
    private readonly line: Line,
  ) {
    this.player = new Player({
      loaded: () => this.loaded(),
      ended: () => this.ended(),
      position: () => this.position(),
    });
    this.reporter = new Reporter((message) => line.send(message));
    for (const name of MEDIA_NEWS) this.player.element.addEventListener(name, this.report);
    this.timer = window.setInterval(() => this.tick(), TICK_MS);
    document.addEventListener("visibilitychange", this.seen);
  }

  /** Where the room is, as this person sees it; seconds. */
  position(): number {
    const now = this.clock.now();
    const { anchor } = this.view.get();
    return now === null ? anchor.position : positionAt(anchor, now, this.duration());
  }

  duration(): number | null {
    const video = this.view.get().replica?.video;
    if (video?.is_live) return null;
    return this.player.view.duration ?? video?.duration ?? null;
  }

  /** How far the picture is ahead of the room, in seconds. */
  drift(): number | null {
    const now = this.clock.now();
    return now === null ? null : this.follower.drift(now, this.player.view);
  }

  /** Calls back four times a second. */
  onTick(callback: () => void): () => void {
    this.tickers.add(callback);
    return () => this.tickers.delete(callback);
  }

  /** Shows at once what is shown on ticks. */
  show(): void {
    for (const ticker of this.tickers) ticker();
  }

  /** The room has moved on from `before` by a message. */
  follow(before: Replica | null, replica: Replica, message: ServerMessage): void {
    const { anchor, video } = replica;
    this.player.load(video, anchor.position);
    if (anchor === before?.anchor) return;
    const cause = causeOf(message, before, replica);
    if (cause !== "beat") this.endedItem = null;
    this.follower.follow(anchor, cause);
    this.tick(message.type === "heartbeat");
  }

  /** On a fresh connection everything is news to the room. */
  reportAgain(): void {
    this.reporter.forget();
  }

  /** `isBeat`: a heartbeat has just come. */
  tick(isBeat = false): void {
    const now = this.clock.now();
    this.player.tick();
    if (now !== null && this.mayMove()) this.move(now, isBeat);
    this.look();
    this.report();
    this.show();
  }

  destroy(): void {
    window.clearInterval(this.timer);
    window.clearTimeout(this.wakeTimer);
    for (const name of MEDIA_NEWS) this.player.element.removeEventListener(name, this.report);
    document.removeEventListener("visibilitychange", this.seen);
    this.player.destroy();
    this.tickers.clear();
  }

  private look(): void {
    const { window, itemId } = this.player;
    if (itemId !== this.slidItem) this.slide.clear();
    this.slidItem = itemId;
    this.window = window === null ? null : this.slide.read(performance.now() / 1000, window);
  }

  private move(now: number, isBeat: boolean): void {
    const { replica, anchor } = this.view.get();
    const isVisible = document.visibilityState === "visible";
    // While hidden nothing chases: what somebody does is followed, and being seen again is one seek.
    this.follower.setTight(isVisible && replica?.settings.tight_sync === true);
    const orders = this.follower.tick(now, this.player.view, isBeat && isVisible);
    if (orders.seekTo !== null) this.reporter.corrected("seek");
    const isTrimmed = orders.play && orders.rate !== anchor.rate;
    if (isTrimmed && !this.wasTrimmed) this.reporter.corrected("rate");
    this.wasTrimmed = isTrimmed;
    // Pressing pause stops this picture at once; the room's answer says where.
    const isHeld = replica?.anchor.isPlaying === true && !anchor.isPlaying;
    this.player.obey(isHeld ? { ...orders, play: false, seekTo: null } : orders);
    window.clearTimeout(this.wakeTimer);
    if (orders.wakeAt === null) return;
    this.wakeTimer = window.setTimeout(() => this.tick(), Math.max(0, orders.wakeAt - now) * 1000);
  }

  /** Browsers stop hidden pictures: one `play` is tried, then it waits to be seen again. */
  private mayMove(): boolean {
    if (document.visibilityState === "visible" || !this.player.view.isPaused) return true;
    if (this.hasTriedHidden) return false;
    this.hasTriedHidden = this.view.get().anchor.isPlaying;
    return true;
  }

  private readonly seen = (): void => {
    if (document.visibilityState === "visible") {
      this.hasTriedHidden = false;
      this.player.wake();
      this.follower.jump();
    }
    this.tick();
  };

  private loaded(): void {
    this.follower.jump();
    this.tick();
  }

  private ended(): void {
    const itemId = this.view.get().replica?.itemId ?? null;
    if (itemId === null || itemId === this.endedItem) return;
    this.endedItem = itemId;
    this.line.ended(itemId);
  }

  private liveWindow(): Status["window"] {
    const { window, itemId } = this.player;
    return window === null || itemId === null ? null : { item_id: itemId, ...window };
  }

  private readonly report = (): void => {
    const { replica } = this.view.get();
    if (replica === null || !this.line.isOpen()) return;
    const { player } = this;
    const situation = {
      isHidden: document.visibilityState === "hidden",
      phase: player.state.get().phase,
      hasItem: replica.itemId !== null,
      view: player.view,
      ahead: player.ahead,
    };
    const drift = this.drift();
    const roundTrip = this.clock.roundTrip();
    const figures = { position: situation.view.position, drift, roundTrip, window: this.liveWindow() };
    this.reporter.report(performance.now(), situation, figures);
  };
}

function causeOf(message: ServerMessage, before: Replica | null, replica: Replica): Cause {
  switch (message.type) {
    case "play":
    case "resumed":
      return "start";
    case "pause":
    case "waiting":
      return "stop";
    case "seek":
    case "set_video":
      return "jump";
    case "room_state":
      return before !== null && agrees(before.anchor, replica.anchor) ? "beat" : "jump";
    default:
      return "beat";
  }
}

function agrees(before: Anchor, after: Anchor): boolean {
  const isSame = before.isPlaying === after.isPlaying && before.rate === after.rate;
  return isSame && Math.abs(positionAt(before, after.at, null) - after.position) < AGREES_S;
}
