import { readPrefs, writePrefs } from "@/lib/prefs";
import { Store } from "@/lib/store";

/** Whether emoji float over this person's picture. */
export const showsReactions = new Store(readPrefs().showsReactions);

export function setShowsReactions(shows: boolean): void {
  showsReactions.set(shows);
  writePrefs({ showsReactions: shows });
}
