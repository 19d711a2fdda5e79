/** A string that nobody else makes. `crypto.randomUUID` is missing on plain http; this is not. */
export function uniqueId(): string {
  const words = crypto.getRandomValues(new Uint32Array(4));
  return Array.from(words, (word) => word.toString(36).padStart(7, "0")).join("");
}
