/** Commands that this person may want to take back: `undo` needs the version that the room's answer names. */
export class Regrets {
  private readonly versions = new Map<string, number>();
  private readonly wanted = new Set<string>();

  constructor(private readonly undo: (version: number) => void) {}

  /** Takes a command back, now or as soon as it is known what it became. */
  regret(id: string): void {
    const version = this.versions.get(id);
    if (version === undefined) this.wanted.add(id);
    else this.undo(version);
  }

  answered(id: string, version: number): void {
    if (this.wanted.delete(id)) this.undo(version);
    else this.versions.set(id, version);
    const [oldest] = this.versions.keys();
    if (this.versions.size > KEPT && oldest !== undefined) this.versions.delete(oldest);
  }
}

const KEPT = 32;
