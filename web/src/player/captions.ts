/** The words under the picture: which track, how large, and earlier or later than they came. */
import { bases } from "@/lib/bases";
import type { Subtitle } from "@/wire/wire.gen";
import { asWebVtt } from "./wording";

export type CueSize = "small" | "normal" | "large";

export class Captions {
  /** When each cue that was moved was written for. */
  private readonly written = new WeakMap<TextTrackCue, readonly [number, number]>();
  private track: HTMLTrackElement | null = null;
  /** The address of what was made of a file. */
  private made: string | null = null;
  private reading = new AbortController();
  private offsetS = 0;

  constructor(private readonly video: HTMLVideoElement) {}

  /** Shows a file of its own, or none. Rejects where the file cannot be had. */
  async show(subtitle: Subtitle | null): Promise<void> {
    this.end();
    if (subtitle === null) return;
    const { signal } = this.reading;
    const address = await this.read(subtitle.url, signal);
    if (signal.aborted) return;
    const track = document.createElement("track");
    track.kind = "subtitles";
    track.label = subtitle.label;
    track.srclang = subtitle.language;
    track.src = address;
    this.video.append(track);
    track.track.mode = "showing";
    this.track = track;
  }

  /** Shows nothing of its own any more. */
  end(): void {
    this.reading.abort();
    this.reading = new AbortController();
    this.track?.remove();
    this.track = null;
    if (this.made !== null) URL.revokeObjectURL(this.made);
    this.made = null;
  }

  /** Where WebVTT is found: at the file's own address, or made of it. */
  private async read(url: string, signal: AbortSignal): Promise<string> {
    const address = bases.at(url);
    const answer = await fetch(address, { signal });
    if (!answer.ok) throw new Error(`The proxy answers ${answer.status}.`);
    const made = asWebVtt(await answer.text());
    if (made === null || signal.aborted) return address;
    this.made = URL.createObjectURL(new Blob([made], { type: "text/vtt" }));
    return this.made;
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
      if (track.mode === "disabled" || track.cues === null) continue;
      for (const cue of track.cues) {
        const written = this.written.get(cue);
        if (written === undefined && this.offsetS === 0) continue;
        const [start, end] = written ?? [cue.startTime, cue.endTime];
        if (written === undefined) this.written.set(cue, [start, end]);
        // What would have been said before the beginning is not said at all.
        const times = [Math.max(0, start + this.offsetS), Math.max(0, end + this.offsetS)] as const;
        if (cue.startTime !== times[0]) cue.startTime = times[0];
        if (cue.endTime !== times[1]) cue.endTime = times[1];
      }
    }
  }
}
