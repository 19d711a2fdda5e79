/** The words under the picture: which track, how large, and earlier or later than they came. */
import type { Subtitle } from "@/wire/wire.gen";

export type CueSize = "small" | "normal" | "large";

export class Captions {
  private readonly moved = new WeakMap<TextTrackCue, number>();
  private track: HTMLTrackElement | null = null;
  private offsetS = 0;

  constructor(private readonly video: HTMLVideoElement) {}

  /** Shows a file of its own, or none. */
  show(subtitle: Subtitle | null): void {
    this.track?.remove();
    this.track = null;
    if (subtitle === null) return;
    const track = document.createElement("track");
    track.kind = "subtitles";
    track.label = subtitle.label;
    track.srclang = subtitle.language;
    track.src = subtitle.url;
    this.video.append(track);
    track.track.mode = "showing";
    this.track = track;
  }

  /** Seconds by which the words come later. */
  shift(seconds: number): void {
    this.offsetS = seconds;
    this.tick();
  }

  resize(size: CueSize): void {
    this.video.dataset.cues = size;
  }

  /** Cues come piece by piece; each is moved once. */
  tick(): void {
    for (const track of this.video.textTracks) {
      if (track.mode !== "showing" || track.cues === null) continue;
      for (const cue of track.cues) {
        const by = this.offsetS - (this.moved.get(cue) ?? 0);
        if (by === 0) continue;
        this.moved.set(cue, this.offsetS);
        cue.startTime = Math.max(0, cue.startTime + by);
        cue.endTime += by;
      }
    }
  }
}
