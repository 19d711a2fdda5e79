import { useState } from "react";
import type { RoomSession } from "@/room/session";
import { t } from "@/text";
import { ConfirmDialogLater } from "@/ui/ConfirmDialogLater";
import { useObjection } from "./useObjection";

interface Props {
  readonly session: RoomSession;
  /** How many items are still to come. */
  readonly waiting: number;
}

export function QueueHead({ session, waiting }: Props) {
  const [isAsking, setAsking] = useState(false);
  const objection = useObjection(session, "queue");
  if (waiting < 2) return null;
  return (
    <div className="flex shrink-0 items-center justify-between px-4 pt-2.5 text-xs text-dim">
      <span>{t.queue.toCome(waiting)}</span>
      {objection === null && (
        <button
          type="button"
          className="relative rounded font-medium after:absolute after:-inset-x-3 after:-inset-y-3 hover:text-ink"
          onClick={() => setAsking(true)}
        >
          {t.queue.clear}
        </button>
      )}
      <ConfirmDialogLater
        title={t.queue.clearTitle}
        text={t.queue.clearText(waiting)}
        action={t.queue.clearAction}
        isOpen={isAsking}
        onConfirm={() => session.queue.clear()}
        onClose={() => setAsking(false)}
      />
    </div>
  );
}
