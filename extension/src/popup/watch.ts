/** What plays in the tab in front, for everybody in a room. */
import { addPath } from "../links";
import { words } from "../words";
import type { Desk } from "./desk";
import { button, element } from "./elements";

/** Null on a page of the server itself, and where there is no page. */
export function watchSection({ tab, view }: Desk): HTMLElement | null {
  const { server, room } = view;
  if (tab === null || server === null || tab.place.server === server) return null;
  const go = (chosen: string | null) => () => {
    void chrome.tabs.create({ url: addPath({ server, room: chosen }, tab.url) });
    close();
  };
  return element(
    "section",
    {},
    element("h2", {}, words("watch_title")),
    room !== null && button(words("watch_in", room), go(room), { id: "watch-room", class: "primary" }),
    room === null
      ? button(words("watch_new"), go(null), { id: "watch", class: "primary" })
      : button(words("watch_other"), go(null), { id: "watch" }),
  );
}
