/** Where what somebody picks from their library is played: in the room they are in, or in a new one. */
export interface Target {
  readonly kind: "room" | "new";
  /** Why nothing can be played from here; null where it can. */
  readonly objection: string | null;
  /** `lend`: with this person's sign-ins, if need be. */
  playLink(url: string, title: string, lend: boolean): void;
  playList(id: string, name: string, lend: boolean): void;
}
