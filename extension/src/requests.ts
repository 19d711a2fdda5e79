/** What the popup asks of the background. The answer is always the state as it is then, for showing. */
import type { View } from "./state";

export type Request =
  | { readonly type: "look" }
  /** What failed is tried again now. */
  | { readonly type: "retry" }
  | { readonly type: "pair"; readonly server: string; readonly code: string }
  | { readonly type: "unpair" }
  | { readonly type: "turn_on"; readonly site: string }
  | { readonly type: "turn_off"; readonly site: string }
  | { readonly type: "sync"; readonly site: string | null }
  | { readonly type: "seen"; readonly room: string };

export async function request(message: Request): Promise<View> {
  return (await chrome.runtime.sendMessage(message)) as View;
}
