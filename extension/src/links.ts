/** Addresses of a Watch Together server's page. */

export interface Place {
  readonly server: string;
  /** Null on any other of its pages than a room's. */
  readonly room: string | null;
}

/** Names and addresses as they are written. Chromium would take spaces for a part of a name. */
const HOST = /^[\w.-]+$|^\[[\da-f:.]+\]$/i;
const ROOM = /^\/room\/([A-Za-z0-9_-]{1,64})\/?$/;

/** Where the page asks whether a link should be added: in a room, or where rooms are chosen. */
export function addPath({ server, room }: Place, link: string): string {
  return `${server}${room === null ? "/" : `/room/${room}`}?add=${encodeURIComponent(link)}`;
}

/** Whether a link is one that a server could open. */
export function isLink(url: string | undefined): url is string {
  return url !== undefined && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}

export function placeOf(url: string): Place {
  const { origin, pathname } = new URL(url);
  return { server: origin, room: ROOM.exec(pathname)?.[1] ?? null };
}

/** The origin of an address as somebody typed it; null if it is none. Without a scheme it is https. */
export function readServer(text: string): string | null {
  const typed = text.trim();
  const address = /^https?:\/\//i.test(typed) ? typed : `https://${typed}`;
  if (typed === "" || !isLink(address)) return null;
  const { origin, hostname } = new URL(address);
  return HOST.test(hostname) ? origin : null;
}

/** Whether cookies on their way to a server could be read by others. */
export function isOpenToAll(server: string): boolean {
  const { protocol, hostname } = new URL(server);
  return protocol === "http:" && !/^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}
