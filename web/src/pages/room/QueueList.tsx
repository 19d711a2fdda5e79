import { ListVideo } from "lucide-react";
import { useEffect, useState } from "react";
import { Store, useStore } from "@/lib/store";
import type { RoomSession } from "@/room/session";
import { t } from "@/text";
import { More } from "./More";
import { QueueHead } from "./QueueHead";
import { QueueRow } from "./QueueRow";

/** So many of a long queue are shown at first, and with each step towards its end. */
const STEP = 60;
const BEHIND_CURRENT = 20;

type Sorting = typeof import("./SortableQueue");

/** What sorts the queue; loaded once there is something to sort. Null until then, and where it cannot be had. */
const sortable = new Store<Sorting | null>(null);
let isAsked = false;

function loadSorting(): void {
  if (isAsked) return;
  isAsked = true;
  import("./SortableQueue").then(
    (code) => sortable.set(code),
    () => {
      isAsked = false;
    },
  );
}

export function QueueList({ session }: { readonly session: RoomSession }) {
  const queue = useStore(session.view, (view) => view.queue);
  const currentId = useStore(session.view, ({ replica }) => replica?.itemId ?? null);
  const stages = useStore(session.view, ({ replica }) => replica?.stages ?? {});
  const hasJoined = useStore(session.view, ({ replica }) => replica !== null);
  const sorting = useStore(sortable, (code) => code);
  // Whether a sign-in may serve a link is asked wherever one is added.
  useEffect(() => session.signIns.load(), [session]);
  const isSortable = queue.length > 0;
  useEffect(() => {
    if (isSortable) loadSorting();
  }, [isSortable]);
  const ids = queue.map((item) => item.id);
  const [wanted, setWanted] = useState(STEP);
  const shown = queue.slice(0, Math.max(wanted, ids.indexOf(currentId ?? "") + BEHIND_CURRENT));
  const move = (from: number, to: number) => {
    if (from < 0 || to < 0 || to >= ids.length || from === to) return;
    const order = ids.filter((_, place) => place !== from);
    order.splice(to, 0, ids[from] ?? "");
    session.queue.reorder(order);
  };

  if (queue.length === 0) return <Empty isKnown={hasJoined} />;
  const Row = sorting?.SortableRow ?? QueueRow;
  const list = (
    <ul aria-label={t.room.queue} className="min-h-0 flex-1 overflow-x-hidden overflow-y-auto overscroll-contain p-2">
      {shown.map((item, index) => (
        <Row
          key={item.id}
          session={session}
          item={item}
          stage={stages[item.id]}
          isCurrent={item.id === currentId}
          onMove={(step) => move(index, index + step)}
        />
      ))}
      {shown.length < queue.length && <More key={shown.length} onSeen={() => setWanted(shown.length + STEP)} />}
    </ul>
  );
  const others = queue.filter((item) => item.id !== currentId);
  const titleOf = (id: string) => queue.find((item) => item.id === id)?.title ?? "";
  return (
    <>
      <QueueHead
        session={session}
        others={others.length}
        failed={others.filter(({ status }) => status === "failed").length}
      />
      {sorting === null ? (
        list
      ) : (
        <sorting.SortableQueue ids={ids.slice(0, shown.length)} all={ids.length} titleOf={titleOf} onMove={move}>
          {list}
        </sorting.SortableQueue>
      )}
    </>
  );
}

function Empty({ isKnown }: { readonly isKnown: boolean }) {
  return (
    <div className="grid min-h-0 flex-1 place-items-center p-8 text-center">
      {isKnown && (
        <div className="flex flex-col items-center text-dim">
          <ListVideo size={26} strokeWidth={1.5} aria-hidden />
          <p className="mt-3 text-balance">{t.queue.empty}</p>
        </div>
      )}
      <ul aria-label={t.room.queue} className="sr-only" />
    </div>
  );
}
