/** The REST side: small, and every answer is checked. */

import { t } from "@/text";
import { serverWords } from "@/text/server";
import { conform } from "@/wire/schema";
import type {
  BanList,
  BrowserList,
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

async function call(path: string, request: RequestInit): Promise<unknown> {
  let response: Response;
  try {
    // A question bare of headers is the same as the one that the page was sent with a preload of.
    response = await fetch(
      path,
      request.body ? { ...request, headers: { "content-type": "application/json" } } : request,
    );
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
