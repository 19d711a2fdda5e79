/** What the page says about what the server answered. Short, in the person's terms, with the way out. */
import { locale, t } from "@/text";
import { serverWords } from "@/text/server";
import type { Attempt, QueueItem } from "@/wire/wire.gen";

export function failureWords(item: QueueItem): string {
  return serverWords(t.failures, item.code ?? "", item.message ?? "") ?? t.failures.other;
}

/** How one way to open a link failed. `you`: this person; `name`: whose sign-in it was, in this person's view. */
export function attemptWords(attempt: Attempt, you: string, name: (id: string) => string): string {
  const { withoutSignIn, withYours, withTheirs, line, didNotOpen } = t.attempts;
  const { lender } = attempt;
  const way = lender === "" ? withoutSignIn : lender === you ? withYours : withTheirs(name(lender));
  return line(way, serverWords(t.failures, attempt.code, attempt.message) ?? didNotOpen);
}

/** Until when a site's cookies live. Unix seconds; null: nobody has said. */
export function livesUntil(expiresAt: number | null): string {
  if (expiresAt === null) return t.signIns.untilSiteEnds;
  const date = new Date(expiresAt * 1000);
  return t.signIns.until(date.toLocaleDateString(locale(), { day: "numeric", month: "long", year: "numeric" }));
}

/** Why the room refused a command. */
export function refusalWords(code: string, message: string): string {
  const { forbidden, too_many_requests, too_late, unavailable } = t.refusals;
  const own: Readonly<Record<string, string>> = { forbidden, too_many_requests, too_late, unavailable };
  return own[code] ?? serverWords(t.refusals.byCode, code, message) ?? t.refusals.other;
}
