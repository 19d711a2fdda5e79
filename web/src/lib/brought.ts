/** A link that the page's own address brings along (`?add=`): the extension, or a bookmark, opens it so. */
import { readLink } from "./links";

/** Null where there is none, or where it is no link. */
export function broughtLink(search: string = location.search): string | null {
  const text = new URLSearchParams(search).get("add");
  return text === null || text.length > 2048 ? null : readLink(text);
}

/** A room's path that goes on bringing it. */
export function bringing(path: string, link: string | null): string {
  return link === null ? path : `${path}?add=${encodeURIComponent(link)}`;
}

/** Takes a parameter out of the address: whoever copies or reloads it must not do the same again. */
export function dropParameter(name: string): void {
  const address = new URL(location.href);
  address.searchParams.delete(name);
  history.replaceState(null, "", `${address.pathname}${address.search}${address.hash}`);
}
