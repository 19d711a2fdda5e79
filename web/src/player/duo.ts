import type { MediaView } from "@/sync/follower";
import { PairLoop } from "./pair";
import { bufferedAhead } from "./ranges";
import { isAtEnd } from "./single";
import { setSpeed } from "./speed";
import type { Transport } from "./transport";

const HAVE_METADATA = 1;
const HAVE_FUTURE_DATA = 3;
/** Further apart than this they do not begin. */
const APART_S = 0.2;
/** A server without ranges lets nobody seek. */
const MOST_ALIGNMENTS = 3;
/** Nobody misses so little of the end. */
const OVER_S = 0.1;

/** A silent video and its audio, moved as one: nothing plays until both can. */
export class DuoTransport implements Transport {
  readonly output: HTMLMediaElement;
  private readonly loop = new PairLoop();
  private readonly onReady = () => this.tryOpen();
  private isWanted = false;
  private isOpen = false;
  private rate = 1;
  private factor = 1;
  private alignments = 0;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly audio: HTMLAudioElement,
    private readonly onRefused: (error: unknown) => void,
  ) {
    this.output = audio;
    for (const media of this.both) {
      media.addEventListener("canplay", this.onReady);
      media.addEventListener("seeked", this.onReady);
    }
  }

  get view(): MediaView {
    const { video, audio } = this;
    // A hidden video may be stopped by the browser; the audio goes on and leads.
    const isAudioLead = document.visibilityState === "hidden" && this.isOpen && !this.isAudioOver();
    const lead = isAudioLead ? audio : video;
    const isSeeking = video.seeking || (audio.seeking && !this.isOpen);
    return {
      position: lead.currentTime,
      duration: Number.isFinite(video.duration) ? video.duration : null,
      isReady: video.readyState >= HAVE_METADATA && audio.readyState >= HAVE_METADATA,
      isPaused: !this.isWanted,
      isSeeking,
      isStalled:
        !lead.ended && !isAtEnd(lead) && (lead.readyState < HAVE_FUTURE_DATA || (this.isWanted && !this.isOpen)),
      isEnded: video.ended,
    };
  }

  get ahead(): number {
    const sounding = this.isAudioOver() ? [this.video] : this.both;
    return Math.min(...sounding.map((media) => bufferedAhead(media.buffered, media.currentTime)));
  }

  async play(): Promise<void> {
    if (this.isWanted) return;
    this.isWanted = true;
    this.tryOpen();
  }

  pause(): void {
    this.isWanted = false;
    this.close();
  }

  seek(position: number): void {
    this.close();
    this.loop.reset();
    for (const media of this.both) media.currentTime = position;
    this.tryOpen();
  }

  setRate(rate: number): void {
    this.rate = rate;
    this.applyRate();
  }

  tick(): void {
    if (!this.isWanted) return;
    if (!this.isOpen) {
      this.tryOpen();
      return;
    }
    const { video, audio } = this;
    const orders = this.loop.tick({
      now: performance.now() / 1000,
      videoTime: video.currentTime,
      audioTime: audio.currentTime,
      videoAhead: aheadOf(video),
      audioAhead: aheadOf(audio),
      duration: Number.isFinite(video.duration) ? video.duration : null,
      isVideoRunning: !video.paused && !video.ended && video.readyState >= HAVE_FUTURE_DATA,
      isAudioPaused: audio.paused && !audio.ended,
      isAudioSeeking: audio.seeking,
      isAudioOver: this.isAudioOver(),
      isHidden: document.visibilityState === "hidden",
    });
    if (orders.pauseAudio) audio.pause();
    if (orders.seekAudioTo !== undefined) audio.currentTime = orders.seekAudioTo;
    if (orders.playAudio) this.start(audio);
    this.factor = orders.factor;
    this.applyRate();
    if (video.paused && !video.ended && document.visibilityState === "visible") this.start(video);
  }

  wake(): void {
    this.loop.wake();
    if (this.isOpen && this.video.paused && !this.video.ended) this.start(this.video);
  }

  destroy(): void {
    for (const media of this.both) {
      media.removeEventListener("canplay", this.onReady);
      media.removeEventListener("seeked", this.onReady);
    }
    this.pause();
  }

  private get both(): readonly HTMLMediaElement[] {
    return [this.video, this.audio];
  }

  /** The one gate through which both begin. */
  private tryOpen(): void {
    if (!this.isWanted || this.isOpen) return;
    if (this.both.some((media) => media.seeking || (media.readyState < HAVE_FUTURE_DATA && !isAtEnd(media)))) return;
    // One of them was loaded anew: not a moment of its beginning is to be heard.
    const isApart = !this.isAudioOver() && Math.abs(this.audio.currentTime - this.video.currentTime) > APART_S;
    if (isApart && this.alignments < MOST_ALIGNMENTS) {
      this.alignments += 1;
      this.audio.currentTime = this.video.currentTime;
      return;
    }
    this.alignments = 0;
    this.isOpen = true;
    this.loop.reset();
    this.factor = 1;
    this.applyRate();
    for (const media of this.both) this.start(media);
  }

  private isAudioOver(): boolean {
    const { video, audio } = this;
    return audio.ended || video.currentTime > audio.duration - OVER_S;
  }

  private close(): void {
    this.isOpen = false;
    for (const media of this.both) media.pause();
  }

  private start(media: HTMLMediaElement): void {
    if (media === this.audio && this.isAudioOver()) return;
    media.play().catch((error: unknown) => {
      if (this.isWanted) this.onRefused(error);
    });
  }

  private applyRate(): void {
    setSpeed(this.video, this.rate);
    setSpeed(this.audio, this.rate * this.factor);
  }
}

/** Seconds buffered beyond the position; what is there up to its end, which may be before the other's, cannot break. */
function aheadOf(media: HTMLMediaElement): number {
  const ahead = bufferedAhead(media.buffered, media.currentTime);
  return media.duration - media.currentTime - ahead < OVER_S ? Number.POSITIVE_INFINITY : ahead;
}
