import { Store } from "./store";

/** Where the page is: four kinds of place need no library. */
export type Place =
  | { readonly kind: "landing" }
  | { readonly kind: "doctor" }
  | { readonly kind: "nowhere" }
  | { readonly kind: "room"; readonly id: string };

const ROOM = /^\/room\/([A-Za-z0-9_-]{1,64})\/?$/;

export const place = new Store<Place>(read());

window.addEventListener("popstate", () => place.set(read()));

export function go(path: string): void {
  history.pushState(null, "", path);
  place.set(read());
  scrollTo(0, 0);
}

export function roomPath(id: string): string {
  return `/room/${id}`;
}

function read(): Place {
  const { pathname } = location;
  if (pathname === "/") return { kind: "landing" };
  if (pathname === "/doctor") return { kind: "doctor" };
  const id = ROOM.exec(pathname)?.[1];
  return id === undefined ? { kind: "nowhere" } : { kind: "room", id };
}
