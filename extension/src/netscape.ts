/** A browser's cookies as the text that yt-dlp reads: Netscape's cookies.txt. Pure. */
import { isOf } from "./sites";

/** What is read of `chrome.cookies.Cookie`. */
export interface BrowserCookie {
  readonly domain: string;
  readonly hostOnly: boolean;
  readonly path: string;
  readonly name: string;
  readonly value: string;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  readonly expirationDate?: number;
  readonly partitionKey?: { readonly topLevelSite?: string; readonly hasCrossSiteAncestor?: boolean };
}

export interface Jar {
  readonly text: string;
  /** For people: names, never values. */
  readonly names: readonly string[];
  /** How many the format cannot say. */
  readonly leftOut: number;
}

const HEADER = "# Netscape HTTP Cookie File\n";
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is them that end a field or a line
const CONTROL = /[\x00-\x1f\x7f]/;

/** The cookies that the site itself would be sent: `now` is Unix seconds. */
export function jarOf(cookies: readonly BrowserCookie[], site: string, now: number): Jar {
  const mine = cookies.filter((cookie) => isFirstParty(cookie, site) && (cookie.expirationDate ?? now + 1) > now);
  const sayable = mine.filter(({ name, value, path }) => !CONTROL.test(name + value + path) && name + value !== "");
  const one = new Map<string, BrowserCookie>();
  // A site that moves on to partitioned cookies leaves the old one behind under the same name.
  for (const cookie of sayable.toSorted((a, b) => Number(isPartitioned(a)) - Number(isPartitioned(b)))) {
    one.set([bareDomain(cookie), cookie.path, cookie.name].join("\t"), cookie);
  }
  const kept = [...one.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, cookie]) => cookie);
  return {
    text: HEADER + kept.map((cookie) => `${lineOf(cookie)}\n`).join(""),
    names: [...new Set(kept.map(({ name }) => name || "–"))].sort(),
    leftOut: mine.length - sayable.length,
  };
}

/** A digest of what a jar means. Later expiries alone are no change. */
export async function fingerprintOf({ text }: Jar): Promise<string> {
  const lines = text.split("\n").map((line) => line.split("\t").toSpliced(4, 1).join("\t"));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(lines.join("\n")));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function lineOf(cookie: BrowserCookie): string {
  const fields = [
    (cookie.httpOnly ? "#HttpOnly_" : "") + bareDomain(cookie),
    cookie.hostOnly ? "FALSE" : "TRUE",
    cookie.path,
    cookie.secure ? "TRUE" : "FALSE",
    // Nothing, where it ends with the session: of a 0 Python's own jar would say that it has expired.
    cookie.expirationDate === undefined ? "" : String(Math.floor(cookie.expirationDate)),
    asBytes(cookie.name),
    asBytes(cookie.value),
  ];
  return fields.join("\t");
}

/** With a dot where subdomains are meant too. */
function bareDomain({ domain, hostOnly }: BrowserCookie): string {
  const host = domain.replace(/^\./, "");
  return hostOnly ? host : `.${host}`;
}

function isPartitioned({ partitionKey }: BrowserCookie): boolean {
  return partitionKey?.topLevelSite !== undefined && partitionKey.topLevelSite !== "";
}

/** Cookies that were set while another site was in the address bar (CHIPS) are never sent to a visitor of this one. */
function isFirstParty(cookie: BrowserCookie, site: string): boolean {
  if (!isOf(cookie.domain, site)) return false;
  const top = cookie.partitionKey?.topLevelSite;
  if (top === undefined || top === "") return true;
  return cookie.partitionKey?.hasCrossSiteAncestor !== true && URL.canParse(top) && isOf(new URL(top).hostname, site);
}

/** Each byte of the UTF-8 that a browser sends as one character: Python writes headers in Latin-1. */
function asBytes(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");
}
