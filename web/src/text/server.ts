import { language } from "./index";

/** What to say of a refusal. The server writes English, and knows more about one case than its code tells; other
 * languages go by the code, and fall back to the server's words. */
export function serverWords(own: Readonly<Record<string, string>>, code: string, message: string): string | null {
  const words = Object.hasOwn(own, code) ? (own[code] ?? null) : null;
  const theirs = message === "" ? null : message;
  return language.get() === "en" ? (theirs ?? words) : (words ?? theirs);
}
