import { useStore } from "@/lib/store";
import { objection, type Permission } from "@/room/rights";
import type { RoomSession } from "@/room/session";

/** Why this person may not, in this room; null when they may. */
export function useObjection(session: RoomSession, permission: Permission): string | null {
  return useStore(session.view, ({ replica }) => objection(replica, permission));
}
