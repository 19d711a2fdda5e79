/** Sites as the server keeps cookies by: the registrable domain; an address, and a name without dots, are sites. */
import { parse } from "tldts";

/** Those that are offered before anybody has said one. */
export const OFFERED: readonly string[] = ["youtube.com", "twitch.tv", "vimeo.com"];

/** The site that a host belongs to; null for a public suffix (`co.uk`), which is nobody's. */
export function siteOf(host: string): string | null {
  const found = parse(host, { allowPrivateDomains: true, validateHostname: false });
  if (found.hostname === null || found.hostname === "") return null;
  if (found.isIp) return found.hostname;
  if (found.isIcann || found.isPrivate) return found.domain;
  // A name of one's own network, whose last label nobody has registered.
  return found.hostname.split(".").slice(-2).join(".");
}

/** The site of what somebody typed: an address, with or without its beginning. */
export function readSite(text: string): string | null {
  const typed = text.trim();
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(typed) ? typed : `https://${typed}`;
  if (typed === "" || !URL.canParse(address)) return null;
  const { protocol, hostname } = new URL(address);
  return /^https?:$/.test(protocol) && /^[\w.-]+$|^\[/.test(hostname) ? siteOf(hostname.replace(/^\[|\]$/g, "")) : null;
}

/** What the browser is asked to open of a site, and nothing else. */
export function patternOf(site: string): string {
  if (site.includes(":")) return `*://[${site}]/*`;
  return hasSubdomains(site) ? `*://*.${site}/*` : `*://${site}/*`;
}

/** The site of a pattern that `patternOf` made; null for any other. */
export function siteOfPattern(pattern: string): string | null {
  const site = /^\*:\/\/(?:\*\.|\[)?([^/*\]]+)\]?\/\*$/.exec(pattern)?.[1];
  return site !== undefined && patternOf(site) === pattern ? site : null;
}

/** Whether a cookie's domain (with or without its dot) is of a site. */
export function isOf(domain: string, site: string): boolean {
  const host = domain.replace(/^\./, "");
  return host === site || host.endsWith(`.${site}`);
}

function hasSubdomains(site: string): boolean {
  return site.includes(".") && parse(site).isIp !== true;
}
