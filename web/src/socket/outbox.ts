/** Commands that were not answered yet, and the just answered ones that a fail-over may have lost. Times in ms. */
import type { Command } from "@/wire/frames";

/** A laptop that wakes must not seek the room; a link that was pasted is still wanted a minute later. */
const PLAYBACK_MS = 10_000;
const QUEUE_MS = 90_000;
const REMEMBERED_MS = 10_000;

export type IdentifiedCommand = Command & { readonly id: string };

interface Pending {
  readonly command: IdentifiedCommand;
  readonly added: number;
  readonly expires: number;
}

interface Settled extends Pending {
  readonly version: number;
  readonly forgotten: number;
}

const playback: ReadonlySet<string> = new Set(["play", "pause", "seek", "set_rate", "ended"]);

export class Outbox {
  private pending: Pending[] = [];
  private settled: Settled[] = [];

  add(command: IdentifiedCommand, now: number): void {
    const life = playback.has(command.type) ? PLAYBACK_MS : QUEUE_MS;
    this.pending = [...this.pending, { command, added: now, expires: now + life }];
  }

  /** The answer `ack`: applied as `version`. */
  settle(id: string, version: number, now: number): void {
    const found = this.take(id);
    if (found !== undefined) this.settled.push({ ...found, version, forgotten: now + REMEMBERED_MS });
  }

  /** The answer `error`. Gives back what was refused. */
  refuse(id: string): IdentifiedCommand | undefined {
    return this.take(id)?.command;
  }

  /** A Redis history that ends before `version` lost these: they are pending again, under the same ids. */
  reopen(version: number, now: number): void {
    const lost = this.settled.filter((each) => each.version > version && each.forgotten > now && each.expires > now);
    this.settled = [];
    this.pending = [...lost, ...this.pending];
  }

  /** What to send on a fresh connection, in the order it was made. */
  due(now: number): IdentifiedCommand[] {
    return this.pending.filter((each) => each.expires > now).map((each) => each.command);
  }

  /** For how long the one has waited that has waited longest; 0 if none does. */
  oldest(now: number): number {
    return Math.max(0, ...this.pending.map((each) => now - each.added));
  }

  /** Drops what has waited too long, and names it. */
  expire(now: number): IdentifiedCommand[] {
    const late = this.pending.filter((each) => each.expires <= now);
    this.pending = this.pending.filter((each) => each.expires > now);
    this.settled = this.settled.filter((each) => each.forgotten > now);
    return late.map((each) => each.command);
  }

  /** The machine slept for so long while its steady clock stood: everything is that much older. */
  slept(ms: number): void {
    this.pending = this.pending.map((each) => ({ ...each, expires: each.expires - ms }));
    this.settled = this.settled.map((each) => ({
      ...each,
      expires: each.expires - ms,
      forgotten: each.forgotten - ms,
    }));
  }

  private take(id: string): Pending | undefined {
    const found = this.pending.find((each) => each.command.id === id);
    this.pending = this.pending.filter((each) => each !== found);
    return found;
  }
}
