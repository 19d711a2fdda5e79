/** What a close code asks of us: the range says whether to come back, the code says why. */
export type EndReason =
  | "bad_room"
  | "kicked"
  | "banned"
  | "misuse"
  | "too_many"
  | "crowded"
  | "sign_in"
  | "password"
  | "full"
  | "locked"
  | "ended";

export type Closing =
  | { readonly kind: "retry"; readonly restarting: boolean }
  | { readonly kind: "end"; readonly reason: EndReason };

const RESTARTING = 4001;
const reasons: ReadonlyMap<number, EndReason> = new Map([
  [4500, "bad_room"],
  [4501, "kicked"],
  [4502, "banned"],
  [4503, "misuse"],
  [4504, "too_many"],
  [4505, "crowded"],
  [4506, "sign_in"],
  [4507, "password"],
  [4508, "full"],
  [4509, "locked"],
]);

export function closing(code: number): Closing {
  if (code < 4500 || code > 4999) return { kind: "retry", restarting: code === RESTARTING };
  return { kind: "end", reason: reasons.get(code) ?? "ended" };
}
