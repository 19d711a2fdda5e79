/** The REST side: small, and every answer is checked. */

import { bases } from "@/lib/bases";
import { t } from "@/text";
import { serverWords } from "@/text/server";
import { conform } from "@/wire/schema";
import type {
  BanList,
  BrowserList,
  ClientConfig,
  CookieList,
  CookieProblem,
  CreatedRoom,
  ErrorBody,
  PairingCode,
  RoomList,
  Session,
} from "@/wire/wire.gen";

export class ApiError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly problems: readonly CookieProblem[] = [],
  ) {
    super(message);
  }
}

/** A room that begins with a link, or with one of this person's playlists. `lend`: with their sign-ins, if need be. */
export async function createRoom(
  begins: { readonly url: string } | { readonly playlist: string },
  lend = false,
): Promise<CreatedRoom> {
  return (await ask("CreatedRoom", "/api/rooms", { ...begins, lend })) as CreatedRoom;
}

export async function listRooms(): Promise<RoomList> {
  return (await ask("RoomList", "/api/rooms")) as RoomList;
}

export async function nameSession(name: string): Promise<Session> {
  return (await ask("Session", "/api/session", { name })) as Session;
}

/** Opens a room that has a password to this browser. */
export async function joinRoom(roomId: string, password: string): Promise<void> {
  await call(`/api/rooms/${encodeURIComponent(roomId)}/join`, posting({ password }));
}

/** Who is banned from a room, for those who may lift that. */
export async function listBans(roomId: string): Promise<BanList> {
  return (await ask("BanList", `/api/rooms/${encodeURIComponent(roomId)}/bans`)) as BanList;
}

/** Of which sites this browser's person keeps cookies here. */
export async function readCookies(): Promise<CookieList> {
  return (await ask("CookieList", "/api/cookies")) as CookieList;
}

/** Keeps a cookies.txt, or the JSON list of a browser's extension. */
export async function saveCookies(text: string): Promise<CookieList> {
  return conform("CookieList", await call("/api/cookies", { method: "POST", body: text })) as CookieList;
}

export async function forgetCookies(domain: string): Promise<void> {
  await remove(`/api/cookies?domain=${encodeURIComponent(domain)}`);
}

export async function listBrowsers(): Promise<BrowserList> {
  return (await ask("BrowserList", "/api/browsers")) as BrowserList;
}

/** A code that connects the extension of a browser, once. */
export async function makePairingCode(): Promise<PairingCode> {
  return (await ask("PairingCode", "/api/browsers/code", {})) as PairingCode;
}

export async function revokeBrowser(id: string): Promise<void> {
  await remove(`/api/browsers/${encodeURIComponent(id)}`);
}

/** Sends a body, if there is one, and checks what comes back. */
export async function ask(shape: string, path: string, body?: unknown, method?: string): Promise<unknown> {
  const request = body === undefined ? {} : posting(body);
  return conform(shape, await call(path, method === undefined ? request : { ...request, method }));
}

function posting(body: unknown): RequestInit {
  return { method: "POST", body: JSON.stringify(body) };
}

/** Deletes what is at an address. */
export async function remove(path: string): Promise<void> {
  await call(path, { method: "DELETE" });
}

const LEARN_AGAIN_MS = [2000, 10_000, 60_000];

/** Learns where else this page may go when the replica dies that it came from. */
export async function learnPeers(): Promise<void> {
  for (const wait of [...LEARN_AGAIN_MS, null]) {
    try {
      bases.learn(((await ask("ClientConfig", "/api/config")) as ClientConfig).peers);
      return;
    } catch {
      if (wait !== null) await new Promise((done) => setTimeout(done, wait));
    }
  }
}

/** What may be asked twice. */
const REPEATABLE: ReadonlySet<string> = new Set(["GET", "PUT", "DELETE"]);
const PROBE_MS = 3000;

/** Asks where the server is; if nobody answers, looks for it, and asks again what does no harm twice. */
async function reach(path: string, request: RequestInit): Promise<Response> {
  const address = bases.at(path);
  try {
    return await fetch(address, from(address, request));
  } catch (error) {
    await bases.look(answers);
    const elsewhere = bases.at(path);
    // Anything else may have been done before the line broke: a person sees, and asks again.
    if (elsewhere === address || !REPEATABLE.has(request.method ?? "GET")) throw error;
    return fetch(elsewhere, from(elsewhere, request));
  }
}

/** Another origin is told who asks only where that is said. */
function from(address: string, request: RequestInit): RequestInit {
  return address.startsWith("/") ? request : { ...request, credentials: "include" };
}

async function answers(base: string): Promise<boolean> {
  try {
    await fetch(`${base}/api/config`, { cache: "no-store", signal: AbortSignal.timeout(PROBE_MS) });
    return true;
  } catch {
    return false;
  }
}

async function call(path: string, request: RequestInit): Promise<unknown> {
  let response: Response;
  try {
    // A question bare of headers is the same as the one that the page was sent with a preload of.
    const dressed = request.body ? { ...request, headers: { "content-type": "application/json" } } : request;
    response = await reach(path, dressed);
  } catch {
    throw new ApiError("offline", t.refusals.offline);
  }
  const answer: unknown = await response.json().catch(() => null);
  if (response.ok) return answer;
  throw refusal(response.status, answer);
}

function refusal(status: number, answer: unknown): ApiError {
  try {
    const { error } = conform("ErrorBody", answer) as ErrorBody;
    const words = serverWords({ ...t.failures, ...t.refusals.byCode }, error.code, error.message);
    return new ApiError(error.code, words ?? t.refusals.noAnswer, error.problems);
  } catch {
    return new ApiError(`http_${status}`, t.refusals.noAnswer);
  }
}
