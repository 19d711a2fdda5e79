/** Who comes into a room. Asked while the page's scripts are still on their way: it needs none of them. */
import { openEarly } from "@/socket/early";
import { place } from "./routing";

export type Entry =
  | { readonly kind: "unnamed"; readonly suggestion: string }
  | { readonly kind: "named"; readonly name: string };

const NAME_KEY = "wt:name";
const SESSION = "/api/session";
/** A server that does not answer who somebody is may let them in nevertheless. */
const PATIENCE_MS = 5000;
/** The page's first drawing waits so long for the answer: what the server sent to be seen stands meanwhile. */
const WORTH_WAITING_MS = 400;
let early: Promise<Entry> | null = null;
let known: Entry | null = null;

/** Begins to ask, once for the address that the page was opened with. */
export function askEarly(): void {
  const here = place.get();
  if (here.kind !== "room") return;
  early = ask();
  void early.then((entry) => {
    // Whoever was not waited for opens the socket with the page.
    if (early === null) return;
    known = entry;
    if (entry.kind === "named") openEarly(here.id, entry.name);
  });
}

/** Resolves when the early question is answered, or takes too long. */
export async function answeredEarly(): Promise<void> {
  await Promise.race([early, new Promise((done) => setTimeout(done, WORTH_WAITING_MS))]);
}

/** The answer to the early question, where it is there and nobody has taken it. */
export function knownEntry(): Entry | null {
  return known;
}

export function entering(): Promise<Entry> {
  const asked = early ?? ask();
  early = known = null;
  return asked;
}

/** `?name=Ana` answers the question; else a signed-in account or a guest who was here before is known already. */
async function ask(): Promise<Entry> {
  const address = new URL(location.href);
  const asked = address.searchParams.get("name")?.trim().slice(0, 40);
  if (asked) {
    // Whoever copies the address must not hand on their name.
    address.searchParams.delete("name");
    history.replaceState(null, "", address);
    rememberName(asked);
    // The socket carries the name as well: an unanswered request must not keep anybody out.
    const request = { method: "POST", headers: { "content-type": "application/json" }, signal: patience() };
    await fetch(SESSION, { ...request, body: JSON.stringify({ name: asked }) }).catch(() => undefined);
    return { kind: "named", name: asked };
  }
  const held = rememberedName();
  try {
    const { name, is_guest } = (await (await fetch(SESSION, { signal: patience() })).json()) as {
      name?: unknown;
      is_guest?: unknown;
    };
    if (typeof name !== "string") throw new Error("That is no session.");
    if (is_guest === false) return { kind: "named", name };
    return held === null ? { kind: "unnamed", suggestion: name } : { kind: "named", name: name || held };
  } catch {
    return held === null ? { kind: "unnamed", suggestion: "" } : { kind: "named", name: held };
  }
}

function patience(): AbortSignal {
  return AbortSignal.timeout(PATIENCE_MS);
}

function rememberedName(): string | null {
  try {
    return localStorage.getItem(NAME_KEY);
  } catch {
    return null;
  }
}

export function rememberName(name: string): void {
  try {
    localStorage.setItem(NAME_KEY, name);
  } catch {
    // Asked again next time.
  }
}
