import { useEffect } from "react";
import { readLink } from "@/lib/links";
import type { RoomSession } from "@/room/session";

/** A link that is pasted anywhere but into a field goes into the queue. */
export function usePastedLinks(session: RoomSession): void {
  useEffect(() => {
    const paste = (event: ClipboardEvent) => {
      if (event.defaultPrevented || isField(event.target)) return;
      const url = readLink(event.clipboardData?.getData("text") ?? "");
      if (url === null) return;
      event.preventDefault();
      session.queue.addPasted(url);
    };
    document.addEventListener("paste", paste);
    return () => document.removeEventListener("paste", paste);
  }, [session]);
}

function isField(target: EventTarget | null): boolean {
  return (
    target instanceof Element && target.closest("input, textarea, select, [contenteditable], [role=dialog]") !== null
  );
}
