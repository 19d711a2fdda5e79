/** The room's clock, kept against this page's monotonic one. All values in seconds. */

const KEPT = 16;
/** How fast two clocks may part: quartz is right to 20 ppm or so, and a little more when it is warm. */
const PARTING = 50e-6;

/** No stamp is from the future, and none that waited longer than this is still written: the clock was stepped. */
const STEPPED_S = 1;
const LATE_S = 12;

interface Sample {
  readonly offset: number;
  readonly roundTrip: number;
  readonly received: number;
}

export class RoomClock {
  private samples: Sample[] = [];
  private guess: number | null = null;

  constructor(private readonly local: () => number) {}

  /** A reply to `clock`: sent and received on the local clock, `server` on the room's. */
  sample(sent: number, received: number, server: number): void {
    const roundTrip = received - sent;
    if (!(roundTrip >= 0)) return;
    const sample = { offset: server - (sent + received) / 2, roundTrip, received };
    // Two that exclude each other are of two clocks, and the later one is of today's.
    const kept = this.samples.filter((each) => {
      return Math.abs(each.offset - sample.offset) <= doubt(each, received) + doubt(sample, received);
    });
    this.samples = [...kept, sample].slice(-KEPT);
  }

  /**
   * A server's stamp that came without a question: good enough until the first sample. True if it can't be of the clock
   * that we know: the room's was stepped, and a sample of the new one is wanted.
   */
  hint(server: number, received: number): boolean {
    const known = this.best();
    if (known !== null) {
      const ahead = server - received - known.offset;
      if (ahead < STEPPED_S && ahead > -LATE_S) return false;
      this.flush();
      this.guess = server - received;
      return true;
    }
    // The least delayed stamp is the one furthest ahead.
    this.guess = Math.max(this.guess ?? Number.NEGATIVE_INFINITY, server - received);
    return false;
  }

  /** Forget: after sleep the monotonic clock may have stood still, and another Redis has another clock. */
  flush(): void {
    this.samples = [];
    this.guess = null;
  }

  /** Room time of now, Unix seconds; null before anything was heard. */
  now(): number | null {
    const offset = this.offset();
    return offset === null ? null : this.local() + offset;
  }

  offset(): number | null {
    return this.best()?.offset ?? this.guess;
  }

  /** The round trip of the sample that is believed: how far the offset can be wrong, doubled. */
  roundTrip(): number | null {
    return this.best()?.roundTrip ?? null;
  }

  /** The least doubtful one: a quick answer is believed until it is so old that a slower one knows better. */
  private best(): Sample | null {
    const now = this.local();
    return this.samples.reduce<Sample | null>((a, b) => (a !== null && doubt(a, now) <= doubt(b, now) ? a : b), null);
  }
}

/** How far a sample's offset can be wrong at `now`. */
function doubt({ roundTrip, received }: Sample, now: number): number {
  return roundTrip / 2 + PARTING * Math.max(0, now - received);
}
