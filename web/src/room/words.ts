/** What the page says. Short, in the person's terms, with the way out. */
import type { FailureKind } from "@/player/engines/engine";
import type { EndReason } from "@/socket/close";
import type { Attempt, QueueItem, Resolving } from "@/wire/wire.gen";

interface Notice {
  readonly title: string;
  readonly text: string;
}

export const stageWords: Readonly<Record<Resolving["stage"], string>> = {
  queued: "Waiting in line…",
  busy: "Many links are being opened. This one waits for its turn…",
  extracting: "Looking at the page…",
  reading: "Reading the streams…",
};

const failures: Readonly<Record<string, string>> = {
  sign_in_required: "The site wants a signed-in account for this one. Share your cookies, or try another link.",
  geo_blocked: "The site does not show this one in the server's country. Try another link.",
  unsupported: "No player of ours knows this link. Paste the address of the video's own page.",
  drm: "This one is copy-protected and cannot be shared. Try another link.",
  private: "This one is private. Ask its owner, or try another link.",
  live_not_started: "This stream has not started yet. Try again when it has.",
  timeout: "The site took too long to answer. Try again.",
  unavailable: "The site does not have this one any more. Try another link.",
};

export function failureWords(item: QueueItem): string {
  return item.message || failures[item.code ?? ""] || "This link could not be opened. Try again, or try another link.";
}

/** How one way to open a link failed. `name`: whose sign-in it was, in this person's view. */
export function attemptWords(attempt: Attempt, name: (id: string) => string): string {
  const who = attempt.lender === "" ? null : name(attempt.lender);
  const way = who === null ? "Without a sign-in" : who === "You" ? "With your sign-in" : `With ${who}’s sign-in`;
  return `${way}: ${attempt.message || failures[attempt.code] || "it did not open."}`;
}

/** Until when a site's cookies live. Unix seconds; null: nobody has said. */
export function livesUntil(expiresAt: number | null): string {
  if (expiresAt === null) return "until the site ends it";
  const date = new Date(expiresAt * 1000);
  return `until ${date.toLocaleDateString([], { day: "numeric", month: "long", year: "numeric" })}`;
}

export const playerFailures: Readonly<Record<FailureKind, Notice>> = {
  network: {
    title: "The stream stopped",
    text: "It could not be loaded. The room goes on without you until you try again.",
  },
  decode: {
    title: "The picture broke",
    text: "This browser could not play part of the stream. Try again, or choose another quality.",
  },
  unsupported: { title: "This browser cannot play it", text: "Try another quality or another browser." },
};

export const endings: Readonly<Record<EndReason, Notice>> = {
  bad_room: {
    title: "No such room",
    text: "Room names are letters, digits, dashes and underscores, up to 64 of them.",
  },
  kicked: {
    title: "You were sent out",
    text: "A moderator sent you out of this room. You may come back.",
  },
  banned: { title: "You are banned", text: "A moderator closed this room to you." },
  misuse: { title: "This page got out of step", text: "Reload it to come back to the room." },
  too_many: { title: "Too many tabs", text: "You have this room open too often. Close a tab, then reload." },
  sign_in: {
    title: "Sign in first",
    text: "This installation wants to know you before you join. Sign in, then reload.",
  },
  password: { title: "This room has a password", text: "Whoever invited you knows it." },
  full: { title: "The room is full", text: "Wait until somebody leaves, then try again." },
  locked: { title: "The room is locked", text: "Nobody new comes in for now. Ask somebody inside to open it." },
  ended: { title: "The room let you go", text: "Reload the page to come back." },
};

const refusals: Readonly<Record<string, string>> = {
  forbidden: "Your role in this room does not allow that.",
  too_many_requests: "That was too fast. Wait a moment, then try again.",
  too_late: "It is too late to undo that.",
};

export function refusalWords(code: string, message: string): string {
  return refusals[code] ?? (message || "The room said no to that.");
}
