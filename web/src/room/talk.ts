import { Store } from "@/lib/store";
import type { ChatMessage } from "@/wire/wire.gen";
import type { Pending } from "./timeline";

export interface Floating {
  readonly key: number;
  readonly emoji: string;
  readonly name: string;
  /** Where it rises, in parts of the stage's width. */
  readonly place: number;
}

const FLOATS_MS = 2800;
const MOST_FLOATING = 24;

/** The chat's side of one visit: what is on its way, what was not read, and the emoji in the air. */
export class Talk {
  readonly pending = new Store<readonly Pending[]>([]);
  readonly unread = new Store(0);
  readonly draft = new Store("");
  readonly floating = new Store<readonly Floating[]>([]);
  private readonly timers = new Set<number>();
  private readonly versions = new Map<string, number>();
  private isRead = false;
  private next = 1;

  said(pending: Pending): void {
    this.pending.set([...this.pending.get(), pending]);
  }

  /** The room has it as `version`. */
  settled(id: string, version: number): void {
    if (this.pending.get().some((each) => each.id === id)) this.versions.set(id, version);
  }

  heard(message: ChatMessage, isOwn: boolean): void {
    const echo = isOwn ? this.pending.get().find((each) => each.text.trim() === message.text) : undefined;
    if (echo !== undefined) this.drop(echo.id);
    if (!isOwn && !this.isRead) this.unread.set(this.unread.get() + 1);
  }

  /** The copy of the room is at `version`: what it contains is on its way no more. */
  caughtUp(version: number): void {
    for (const [id, at] of this.versions) if (at <= version) this.drop(id);
  }

  /** It did not reach the room: the words go back to where they can be sent again. */
  failed(id: string): void {
    const text = this.pending.get().find((each) => each.id === id)?.text;
    this.drop(id);
    if (text !== undefined && this.draft.get() === "") this.draft.set(text);
  }

  /** Whether the messages are on the screen. */
  look(isRead: boolean): void {
    this.isRead = isRead;
    if (isRead) this.unread.set(0);
  }

  float(emoji: string, name: string): void {
    const key = this.next++;
    const floating = { key, emoji, name, place: Math.random() };
    this.floating.set([...this.floating.get(), floating].slice(-MOST_FLOATING));
    const timer = window.setTimeout(() => {
      this.timers.delete(timer);
      this.floating.set(this.floating.get().filter((each) => each.key !== key));
    }, FLOATS_MS);
    this.timers.add(timer);
  }

  destroy(): void {
    for (const timer of this.timers) window.clearTimeout(timer);
  }

  private drop(id: string): void {
    this.versions.delete(id);
    this.pending.set(this.pending.get().filter((each) => each.id !== id));
  }
}
