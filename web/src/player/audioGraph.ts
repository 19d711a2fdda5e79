/** What a person's own ears ask for: an even loudness, and sound that comes later. An element that was once led through
 * it stays led through it, so it is made only when something is asked for and the browser lets it run. */
import { amplitude, Leveller, type Levelling, rootMeanSquare, softened } from "./loudness";

const MOST_DELAY_S = 1;
const GLIDE_S = 0.05;
const WINDOW = 8192;
/** The loudest that a turned up film may be before it is softened, in times full scale. */
const MOST_LEVEL = 16;
const CURVE = 8193;
const RESUME_EVERY_MS = 1000;

interface Chain {
  readonly source: MediaElementAudioSourceNode;
  readonly level: GainNode;
}

interface Nodes {
  readonly context: AudioContext;
  readonly meter: AnalyserNode;
  readonly compressor: DynamicsCompressorNode;
  readonly delay: DelayNode;
  readonly volume: GainNode;
}

/** iOS gives a graph only silence where it plays HLS itself. */
export function canShapeSound(): boolean {
  return "AudioContext" in window && !/iP(hone|ad|od)/.test(navigator.userAgent);
}

export class AudioGraph {
  private readonly chains = new Map<HTMLMediaElement, Chain>();
  private readonly leveller = new Leveller();
  private readonly samples = new Float32Array(WINDOW);
  private nodes: Nodes | null = null;
  private levelling: Levelling = "off";
  private delayS = 0;
  private volume = 1;
  private resumedAt = Number.NEGATIVE_INFINITY;

  /** Whether the element is heard through the graph; then the graph sets the volume. */
  leads(element: HTMLMediaElement): boolean {
    return this.chains.has(element);
  }

  set(levelling: Levelling, delayS: number): void {
    this.levelling = levelling;
    this.delayS = Math.min(MOST_DELAY_S, Math.max(0, delayS));
    this.apply();
  }

  setVolume(volume: number): void {
    this.volume = volume;
    this.apply();
  }

  /** Leads the element through the graph where that is wanted; false where it goes on as it is. */
  async lead(element: HTMLMediaElement): Promise<boolean> {
    if (this.leads(element)) return true;
    const isWanted = this.levelling !== "off" || this.delayS > 0;
    // A context that does not run would swallow the sound.
    if (!isWanted || !canShapeSound() || navigator.userActivation?.hasBeenActive === false) return false;
    // Nothing is heard through it yet: it begins as it is to be, without a glide from full volume.
    this.nodes ??= build(this.volume, this.delayS);
    const { context, meter } = this.nodes;
    await context.resume();
    if (context.state !== "running" || this.leads(element)) return this.leads(element);
    const chain = { source: context.createMediaElementSource(element), level: context.createGain() };
    chain.source.connect(meter);
    chain.source.connect(chain.level).connect(this.nodes.compressor);
    this.chains.set(element, chain);
    this.apply();
    return true;
  }

  /** Called four times a second while it plays. */
  tick(seconds: number): void {
    if (this.nodes === null || this.chains.size === 0) return;
    this.resume();
    this.nodes.meter.getFloatTimeDomainData(this.samples);
    const gain = this.leveller.next(this.levelling, rootMeanSquare(this.samples), seconds);
    for (const { level } of this.chains.values()) this.glide(level.gain, amplitude(gain));
  }

  /** A call, or another device, may have stopped the graph; everything that is led through it is silent then. */
  resume(): void {
    const now = performance.now();
    if (this.nodes === null || this.nodes.context.state === "running" || now - this.resumedAt < RESUME_EVERY_MS) return;
    this.resumedAt = now;
    this.nodes.context.resume().catch(() => undefined);
  }

  /** Another film begins. */
  restart(): void {
    this.leveller.reset();
  }

  /** An element is given up. */
  drop(element: HTMLMediaElement): void {
    const chain = this.chains.get(element);
    chain?.source.disconnect();
    chain?.level.disconnect();
    this.chains.delete(element);
  }

  destroy(): void {
    void this.nodes?.context.close().catch(() => undefined);
    this.nodes = null;
    this.chains.clear();
  }

  private apply(): void {
    if (this.nodes === null) return;
    const { compressor, delay, volume } = this.nodes;
    const isStrong = this.levelling === "strong";
    this.glide(compressor.threshold, this.levelling === "off" ? 0 : isStrong ? -30 : -20);
    this.glide(compressor.ratio, this.levelling === "off" ? 1 : isStrong ? 8 : 3);
    this.glide(delay.delayTime, this.delayS);
    this.glide(volume.gain, this.volume);
  }

  private glide(value: AudioParam, target: number): void {
    value.setTargetAtTime(target, this.nodes?.context.currentTime ?? 0, GLIDE_S);
  }
}

function build(loudness: number, delayS: number): Nodes {
  const context = new AudioContext({ latencyHint: "playback" });
  const meter = context.createAnalyser();
  meter.fftSize = WINDOW;
  const compressor = context.createDynamicsCompressor();
  // Off, until it is asked for.
  compressor.threshold.value = 0;
  compressor.ratio.value = 1;
  compressor.knee.value = 12;
  compressor.attack.value = 0.01;
  compressor.release.value = 0.3;
  const delay = context.createDelay(MOST_DELAY_S);
  delay.delayTime.value = delayS;
  const volume = context.createGain();
  volume.gain.value = loudness;
  compressor
    .connect(scaled(context, 1 / MOST_LEVEL))
    .connect(softener(context))
    .connect(delay);
  delay.connect(volume).connect(context.destination);
  return { context, meter, compressor, delay, volume };
}

function scaled(context: AudioContext, by: number): GainNode {
  const gain = context.createGain();
  gain.gain.value = by;
  return gain;
}

/** The compressor takes a moment to turn a sudden noise down: what would be cut off by then is bent instead. */
function softener(context: AudioContext): WaveShaperNode {
  const shaper = context.createWaveShaper();
  const middle = (CURVE - 1) / 2;
  shaper.curve = Float32Array.from({ length: CURVE }, (_, place) => softened(((place - middle) / middle) * MOST_LEVEL));
  return shaper;
}
