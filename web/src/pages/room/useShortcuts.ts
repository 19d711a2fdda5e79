import { useEffect, useRef } from "react";
import type { RoomSession } from "@/room/session";
import type { Layout } from "./Room";

/** Places whose keys mean something of their own. */
const OWN_KEYS =
  "input:not([type=range]), textarea, select, [contenteditable], [role=menu], [role=dialog], [data-keys=own]";

export function useShortcuts(session: RoomSession, layout: Layout): void {
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
      if (press(session, current.current, event.key)) event.preventDefault();
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, [session]);
}

function press(session: RoomSession, layout: Layout, key: string): boolean {
  const { player } = session;
  const duration = session.duration();
  switch (key.toLowerCase()) {
    case " ":
    case "k":
      session.togglePlay();
      return true;
    case "arrowleft":
      session.skip(-5);
      return true;
    case "arrowright":
      session.skip(5);
      return true;
    case "j":
      session.skip(-10);
      return true;
    case "l":
      session.skip(10);
      return true;
    case "arrowup":
      player.setVolume(Math.min(1, player.state.get().volume + 0.05));
      return true;
    case "arrowdown":
      player.setVolume(Math.max(0, player.state.get().volume - 0.05));
      return true;
    case "m":
      player.setMuted(!player.state.get().isMuted);
      return true;
    case "f":
      layout.toggleFullscreen();
      return true;
    case "t":
      layout.toggleTheatre();
      return true;
  }
  if (!/^[0-9]$/.test(key) || duration === null) return false;
  session.seek((duration * Number(key)) / 10);
  return true;
}
