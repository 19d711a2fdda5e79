import { type PointerEvent, useMemo } from "react";
import { canSetVolume } from "@/player/loudspeaker";
import { Gestures } from "@/room/gestures";
import type { RoomSession } from "@/room/session";

/** What fingers do on the picture; a mouse has keys and buttons. */
export function useTouch(session: RoomSession) {
  return useMemo(() => {
    const gestures = new Gestures();
    const at = (event: PointerEvent): readonly [number, number] => {
      const box = event.currentTarget.getBoundingClientRect();
      return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    };
    return {
      onPointerDown(event: PointerEvent) {
        if (event.pointerType === "touch") gestures.down(...at(event));
      },
      onPointerMove(event: PointerEvent) {
        const found = event.pointerType === "touch" ? gestures.move(...at(event)) : null;
        if (found?.kind !== "volume" || !canSetVolume()) return;
        const { player } = session;
        const volume = Math.min(1, Math.max(0, player.state.get().volume + found.by));
        player.speaker.setVolume(volume);
        session.flash({ kind: "volume", text: `${Math.round(volume * 100)} %` });
      },
      onPointerUp(event: PointerEvent) {
        const found = event.pointerType === "touch" ? gestures.up(at(event)[0], event.timeStamp) : null;
        if (found?.kind === "skip") session.skip(found.seconds);
      },
      onPointerCancel: () => gestures.cancel(),
    };
  }, [session]);
}
