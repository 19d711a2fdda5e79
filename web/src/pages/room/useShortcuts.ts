import { useEffect, useRef } from "react";
import { type KeyLayout, keyOf } from "@/room/keys";
import type { RoomSession } from "@/room/session";

/** Places whose keys mean something of their own. */
const OWN_KEYS =
  "input:not([type=range]), textarea, select, [contenteditable], [role=menu], [role=dialog], [data-keys=own]";

export function useShortcuts(session: RoomSession, layout: KeyLayout): void {
  const current = useRef(layout);
  current.current = layout;
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target instanceof Element ? event.target : null;
      if (target?.closest(OWN_KEYS)) return;
      // A control that was reached by keys is pressed by Space; one that was clicked is done with.
      if (event.key === " " && target?.matches("button:focus-visible, a:focus-visible, [role=tab]:focus-visible"))
        return;
      if (target?.matches("[role=tab]") && event.key.startsWith("Arrow")) return;
      const found = keyOf(event.key);
      if (found === null) return;
      found.press(session, current.current, event.key.length === 1 ? event.key.toLowerCase() : event.key);
      event.preventDefault();
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, [session]);
}
