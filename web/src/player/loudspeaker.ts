/** What is heard: how loud, through which graph, and what to do where the browser wants a gesture first. */
import { writePrefs } from "@/lib/prefs";
import type { Store } from "@/lib/store";
import { AudioGraph } from "./audioGraph";
import type { Levelling } from "./loudness";
import type { PlayerState } from "./state";

const TOUCHES = ["pointerdown", "keydown"] as const;

/** What is loaded, as far as it is heard. */
interface Sounding {
  /** The element that is heard. */
  output(): HTMLMediaElement;
  isPaused(): boolean;
}

/** iPhones and iPads leave the volume to the keys on their side. */
export function canSetVolume(): boolean {
  if (volumeIsOurs === null) {
    const probe = document.createElement("audio");
    probe.volume = 0.5;
    volumeIsOurs = probe.volume === 0.5;
  }
  return volumeIsOurs;
}

let volumeIsOurs: boolean | null = null;

export class Loudspeaker {
  private readonly graph = new AudioGraph();
  private tickedAt = performance.now();
  private isRefusing = false;
  private wasTouched = false;

  constructor(
    private readonly state: Store<PlayerState>,
    private readonly video: HTMLVideoElement,
    private readonly sounding: Sounding,
  ) {
    const { levelling, soundDelay } = state.get();
    this.graph.set(levelling, soundDelay);
    // A graph may only begin to run, or go on, once somebody has touched the page.
    for (const touch of TOUCHES) document.addEventListener(touch, this.onTouched);
  }

  /** A person touched the page: sound may begin. */
  unlock(): void {
    this.isRefusing = false;
    this.state.patch({ needsTap: false });
    this.apply();
    this.shape();
    if (!this.sounding.isPaused()) this.begin();
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

  setLevelling(levelling: Levelling): void {
    writePrefs({ levelling });
    this.state.patch({ levelling });
    this.shape();
  }

  setDelay(soundDelay: number): void {
    writePrefs({ soundDelay });
    this.state.patch({ soundDelay });
    this.shape();
  }

  /** Other media are heard from now on. */
  restart(): void {
    this.graph.restart();
    this.shape();
  }

  /** `play` was refused: silent playing needs no permission. */
  refused(error: unknown): void {
    if (!(error instanceof DOMException) || error.name !== "NotAllowedError") return;
    this.state.patch({ needsTap: true });
    if (this.isRefusing) return;
    this.isRefusing = true;
    this.apply();
    this.begin();
  }

  /** Gives the element that is heard its volume. */
  apply(): void {
    const { volume, isMuted, needsTap } = this.state.get();
    const output = this.sounding.output();
    // Before the graph it would hide from the meter how loud the film is.
    output.volume = this.graph.leads(output) ? 1 : volume;
    this.graph.setVolume(volume);
    output.muted = isMuted || needsTap;
    if (output !== this.video) this.video.muted = true;
  }

  tick(): void {
    const now = performance.now();
    this.graph.tick((now - this.tickedAt) / 1000);
    this.tickedAt = now;
  }

  /** An element is given up. */
  drop(element: HTMLMediaElement): void {
    this.graph.drop(element);
  }

  destroy(): void {
    for (const touch of TOUCHES) document.removeEventListener(touch, this.onTouched);
    this.graph.destroy();
  }

  private readonly onTouched = (): void => {
    this.graph.resume();
    if (this.wasTouched) return;
    this.wasTouched = true;
    this.shape();
  };

  private shape(): void {
    const { levelling, soundDelay } = this.state.get();
    this.graph.set(levelling, soundDelay);
    void this.graph
      .lead(this.sounding.output())
      .catch(() => undefined)
      .then(() => this.apply());
  }

  private begin(): void {
    void this.sounding
      .output()
      .play()
      .catch(() => undefined);
  }
}
