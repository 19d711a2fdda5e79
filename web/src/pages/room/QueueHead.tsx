import { useState } from "react";
import { linkOf } from "@/library/library";
import type { RoomSession } from "@/room/session";
import { t } from "@/text";
import { ConfirmDialogLater } from "@/ui/ConfirmDialogLater";
import { useObjection } from "./useObjection";

interface Props {
  readonly session: RoomSession;
  /** How many items there are beside the one that plays. */
  readonly others: number;
  /** How many of them could not be opened: nobody waits for these. */
  readonly failed: number;
}

const ACT = "relative rounded font-medium after:absolute after:-inset-x-2 after:-inset-y-3.5 hover:text-ink";

export function QueueHead({ session, others, failed }: Props) {
  const [isAsking, setAsking] = useState(false);
  const objection = useObjection(session, "queue");
  const save = () => {
    const links = session.view.get().queue.map((item) => linkOf(item, item.opened_with !== ""));
    session.library.open("playlists", links);
  };
  return (
    <div className="flex shrink-0 items-center justify-between gap-4 px-4 pt-2.5 text-xs text-dim">
      <span className="min-w-0 flex-1 truncate">
        {[others > failed && t.queue.toCome(others - failed), failed > 0 && t.queue.failed(failed)]
          .filter(Boolean)
          .join(" · ")}
      </span>
      <button type="button" className={ACT} onClick={save}>
        {t.library.saveQueue}
      </button>
      {objection === null && others > 1 && (
        <button type="button" className={ACT} onClick={() => setAsking(true)}>
          {t.queue.clear}
        </button>
      )}
      <ConfirmDialogLater
        title={t.queue.clearTitle}
        text={t.queue.clearText(others)}
        action={t.queue.clearAction}
        isOpen={isAsking}
        onConfirm={() => session.queue.clear()}
        onClose={() => setAsking(false)}
      />
    </div>
  );
}
