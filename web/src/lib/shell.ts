/** What the server sent to be seen before any script: it is still there while the page is drawn for the first time. */

/** Marks it in the document. */
export const SHELL = "data-shell";

/** What was typed before the page could listen. */
export function typedBefore(): string {
  return document.querySelector<HTMLInputElement>(`[${SHELL}] input`)?.value ?? "";
}
