import type { Request } from "../requests";
import type { View } from "../state";
import type { Tab } from "./tab";

/** What each section draws from, and what it may ask for. */
export interface Desk {
  readonly view: View;
  readonly tab: Tab | null;
  act(message: Request): void;
  complain(text: string): void;
}
