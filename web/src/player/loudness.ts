/** How loud a film should be, and by how much to turn it up or down to get there. Pure; levels in dBFS. */

export type Levelling = "off" | "normal" | "strong";

interface Aim {
  readonly target: number;
  /** The most to turn up and down, dB. */
  readonly up: number;
  readonly down: number;
}

const AIMS: Readonly<Record<Exclude<Levelling, "off">, Aim>> = {
  normal: { target: -21, up: 9, down: 12 },
  strong: { target: -17, up: 18, down: 18 },
};
/** Quieter than this is a pause, and says nothing of how loud the film is. */
const GATE_DB = -52;
/** The loudness is of the last seconds; too loud is mended sooner than too quiet. */
const MEMORY_S = 3;
const LOUDER_DB_PER_S = 1.5;
const QUIETER_DB_PER_S = 8;

export class Leveller {
  private power: number | null = null;
  private gain = 0;

  /** The gain in dB from now on, given the samples' root mean square over the last `seconds`. */
  next(mode: Levelling, rms: number, seconds: number): number {
    if (mode === "off") {
      this.reset();
      return 0;
    }
    const level = decibels(rms);
    if (level > GATE_DB) {
      const share = 1 - Math.exp(-seconds / MEMORY_S);
      this.power = this.power === null ? rms * rms : this.power + share * (rms * rms - this.power);
    }
    if (this.power === null) return this.gain;
    const { target, up, down } = AIMS[mode];
    const wanted = Math.min(up, Math.max(-down, target - decibels(Math.sqrt(this.power))));
    const most = LOUDER_DB_PER_S * seconds;
    const least = -QUIETER_DB_PER_S * seconds;
    this.gain += Math.min(most, Math.max(least, wanted - this.gain));
    return this.gain;
  }

  /** Another film is another loudness. */
  reset(): void {
    this.power = null;
    this.gain = 0;
  }
}

export function decibels(amplitude: number): number {
  return 20 * Math.log10(Math.max(amplitude, 1e-6));
}

export function amplitude(decibels: number): number {
  return 10 ** (decibels / 20);
}

/** As loud as it is up to here; from there on it nears full scale, and never passes it. */
const KNEE = 0.85;

/** A sample as it leaves the graph: what full scale would cut off is bent. */
export function softened(sample: number): number {
  const size = Math.abs(sample);
  if (size <= KNEE) return sample;
  return Math.sign(sample) * (KNEE + (1 - KNEE) * Math.tanh((size - KNEE) / (1 - KNEE)));
}

export function rootMeanSquare(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return samples.length === 0 ? 0 : Math.sqrt(sum / samples.length);
}
