/** What was said and done, in the order of time. Pure. */
import type { ChatMessage, LogEntry } from "@/wire/wire.gen";

/** What one person said in one go. */
export interface Said {
  readonly kind: "said";
  readonly key: string;
  readonly by: string;
  readonly name: string;
  readonly at: number;
  readonly lines: readonly { readonly key: string; readonly text: string; readonly isPending: boolean }[];
}

export interface Did {
  readonly kind: "did";
  readonly key: string;
  readonly entry: LogEntry;
}

export type Moment = Said | Did;

/** Said, but not yet heard back from the room. */
export interface Pending {
  readonly id: string;
  readonly text: string;
  readonly at: number;
}

const GROUP_S = 180;
/** A hand on the scrubber is one line, not twenty. */
const REPEAT_S = 15;

export function timeline(
  chat: readonly ChatMessage[],
  log: readonly LogEntry[],
  pending: readonly Pending[],
  you: string,
): readonly Moment[] {
  const moments: Moment[] = [];
  const said = chat.map((message) => ({ at: message.at, message }));
  const did = quiet(log).map((entry) => ({ at: entry.at, entry }));
  for (const each of [...said, ...did].sort((a, b) => a.at - b.at)) {
    if ("entry" in each) moments.push({ kind: "did", key: `v${each.entry.version}`, entry: each.entry });
    else say(moments, { ...each.message, key: each.message.id, isPending: false });
  }
  for (const { id, text, at } of pending) say(moments, { key: id, by: you, name: "", text, at, isPending: true });
  return moments;
}

interface Line {
  readonly key: string;
  readonly by: string;
  readonly name: string;
  readonly text: string;
  readonly at: number;
  readonly isPending: boolean;
}

function say(moments: Moment[], { key, by, name, text, at, isPending }: Line): void {
  const last = moments.at(-1);
  const line = { key, text, isPending };
  if (last?.kind === "said" && last.by === by && at - last.at < GROUP_S) {
    moments[moments.length - 1] = { ...last, lines: [...last.lines, line] };
  } else {
    moments.push({ kind: "said", key, by, name, at, lines: [line] });
  }
}

function quiet(log: readonly LogEntry[]): readonly LogEntry[] {
  return log.filter((entry, index) => {
    if (isFirstPlay(entry, log[index - 1])) return false;
    const next = log[index + 1];
    return next === undefined || next.kind !== entry.kind || next.by !== entry.by || !isNoise(entry, next);
  });
}

/** The first link of an idle room plays by itself: adding it said so. */
function isFirstPlay(entry: LogEntry, before: LogEntry | undefined): boolean {
  return entry.kind === "queue_play" && before?.kind === "queue_add" && entry.at - before.at < 1;
}

function isNoise(entry: LogEntry, next: LogEntry): boolean {
  return (entry.kind === "seek" || entry.kind === "set_rate") && next.at - entry.at < REPEAT_S;
}
