/** The last figures of something that is measured again and again, for a chart. Pure. */
export class Trail {
  private readonly values: (number | null)[] = [];

  constructor(private readonly most: number) {}

  add(value: number | null): void {
    this.values.push(value);
    if (this.values.length > this.most) this.values.shift();
  }

  /** Points of a line in a box, newest at the right; a gap where nothing was known. `limit` is at the box's edge. */
  lines(width: number, height: number, limit: number): readonly (readonly (readonly [number, number])[])[] {
    const lines: (readonly [number, number])[][] = [];
    let line: (readonly [number, number])[] = [];
    const step = width / (this.most - 1);
    const first = this.most - this.values.length;
    this.values.forEach((value, place) => {
      if (value === null) {
        if (line.length > 0) lines.push(line);
        line = [];
        return;
      }
      const share = Math.min(1, Math.max(-1, value / limit));
      line.push([(first + place) * step, (height / 2) * (1 - share)]);
    });
    if (line.length > 0) lines.push(line);
    return lines;
  }

  /** The largest distance from zero. */
  get worst(): number {
    return Math.max(0, ...this.values.map((value) => Math.abs(value ?? 0)));
  }
}
