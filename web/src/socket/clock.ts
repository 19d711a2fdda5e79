/** The room's clock, kept against this page's monotonic one. All values in seconds. */

const KEPT = 8;

interface Sample {
  readonly offset: number;
  readonly roundTrip: number;
}

export class RoomClock {
  private samples: Sample[] = [];
  private guess: number | null = null;

  constructor(private readonly local: () => number) {}

  /** A reply to `clock`: sent and received on the local clock, `server` on the room's. */
  sample(sent: number, received: number, server: number): void {
    const roundTrip = received - sent;
    if (!(roundTrip >= 0)) return;
    this.samples = [...this.samples, { offset: server - (sent + received) / 2, roundTrip }].slice(-KEPT);
  }

  /** A server's stamp that came without a question: good enough until the first sample. */
  hint(server: number, received: number): void {
    if (this.samples.length > 0) return;
    // The least delayed stamp is the one furthest ahead.
    this.guess = Math.max(this.guess ?? Number.NEGATIVE_INFINITY, server - received);
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

  /** The shortest round trip among the kept samples: how far the offset can be wrong, doubled. */
  roundTrip(): number | null {
    return this.best()?.roundTrip ?? null;
  }

  private best(): Sample | null {
    return this.samples.reduce<Sample | null>((a, b) => (a !== null && a.roundTrip <= b.roundTrip ? a : b), null);
  }
}
