/** What this person just asked for, shown before the room has answered. Pure. */
import type { Anchor } from "@/sync/position";
import type { QueueItem } from "@/wire/wire.gen";

/** A command whose effect is shown already. `version`: applied as that one, once the room has said so. */
export interface Guess {
  readonly id: string;
  readonly version: number | null;
  readonly anchor?: Anchor;
  readonly order?: readonly string[];
  readonly removed?: string;
  readonly voted?: string;
}

export type Effect = Omit<Guess, "id" | "version">;

/** The room answered: the guess may go when the replica has that version. */
export function acknowledge(guesses: readonly Guess[], id: string, version: number): readonly Guess[] {
  return guesses.map((guess) => (guess.id === id ? { ...guess, version } : guess));
}

export function forget(guesses: readonly Guess[], id: string): readonly Guess[] {
  return guesses.filter((guess) => guess.id !== id);
}

/** Drops the guesses that the replica has caught up with. */
export function prune(guesses: readonly Guess[], version: number): readonly Guess[] {
  const left = guesses.filter((guess) => guess.version === null || guess.version > version);
  return left.length === guesses.length ? guesses : left;
}

/** Where the room will be: the newest guess about playing, else what the room said. */
export function guessedAnchor(anchor: Anchor, guesses: readonly Guess[]): Anchor {
  return guesses.findLast((guess) => guess.anchor !== undefined)?.anchor ?? anchor;
}

/** The queue as it will be. Items that a guessed order does not name keep their place at the end. */
export function guessedQueue(
  queue: readonly QueueItem[],
  guesses: readonly Guess[],
  you: string,
): readonly QueueItem[] {
  return guesses.reduce((guessed, guess) => guessQueue(guessed, guess, you), queue);
}

function guessQueue(queue: readonly QueueItem[], guess: Guess, you: string): readonly QueueItem[] {
  if (guess.voted !== undefined) return queue.map((item) => (item.id === guess.voted ? voted(item, you) : item));
  if (guess.removed !== undefined) return queue.filter((item) => item.id !== guess.removed);
  const { order } = guess;
  if (order === undefined) return queue;
  const place = (item: QueueItem) => {
    const index = order.indexOf(item.id);
    return index < 0 ? order.length : index;
  };
  return [...queue].sort((a, b) => place(a) - place(b));
}

function voted(item: QueueItem, you: string): QueueItem {
  const others = item.votes.filter((member) => member !== you);
  return { ...item, votes: others.length < item.votes.length ? others : [...others, you] };
}
