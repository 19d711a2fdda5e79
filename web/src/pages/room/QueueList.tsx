import {
  closestCenter,
  DndContext,
  type DragEndEvent,
  KeyboardSensor,
  type Modifier,
  MouseSensor,
  TouchSensor,
  useSensor,
  useSensors,
} from "@dnd-kit/core";
import {
  arrayMove,
  SortableContext,
  sortableKeyboardCoordinates,
  verticalListSortingStrategy,
} from "@dnd-kit/sortable";
import { ListVideo } from "lucide-react";
import { useStore } from "@/lib/store";
import type { RoomSession } from "@/room/session";
import { t } from "@/text";
import { QueueHead } from "./QueueHead";
import { QueueRow } from "./QueueRow";

const upAndDown: Modifier = ({ transform }) => ({ ...transform, x: 0 });

export function QueueList({ session }: { readonly session: RoomSession }) {
  const queue = useStore(session.view, (view) => view.queue);
  const currentId = useStore(session.view, ({ replica }) => replica?.itemId ?? null);
  const stages = useStore(session.view, ({ replica }) => replica?.stages ?? {});
  const sensors = useSensors(
    useSensor(MouseSensor, { activationConstraint: { distance: 4 } }),
    useSensor(TouchSensor, { activationConstraint: { delay: 180, tolerance: 6 } }),
    useSensor(KeyboardSensor, { coordinateGetter: sortableKeyboardCoordinates }),
  );
  const ids = queue.map((item) => item.id);

  const move = (from: number, to: number) => {
    if (from < 0 || to < 0 || to >= ids.length || from === to) return;
    session.queue.reorder(arrayMove(ids, from, to));
  };
  const onDragEnd = ({ active, over }: DragEndEvent) => {
    if (over !== null) move(ids.indexOf(String(active.id)), ids.indexOf(String(over.id)));
  };

  if (queue.length === 0) {
    return (
      <div className="grid min-h-0 flex-1 place-items-center p-8 text-center">
        <div className="flex flex-col items-center text-dim">
          <ListVideo size={26} strokeWidth={1.5} aria-hidden />
          <p className="mt-3 text-balance">{t.queue.empty}</p>
        </div>
        <ul aria-label={t.room.queue} className="sr-only" />
      </div>
    );
  }
  return (
    <DndContext
      sensors={sensors}
      collisionDetection={closestCenter}
      modifiers={[upAndDown]}
      onDragEnd={onDragEnd}
      accessibility={{ container: document.body }}
    >
      <SortableContext items={ids} strategy={verticalListSortingStrategy}>
        <QueueHead session={session} waiting={queue.filter((item) => item.id !== currentId).length} />
        <ul
          aria-label={t.room.queue}
          className="min-h-0 flex-1 overflow-x-hidden overflow-y-auto overscroll-contain p-2"
        >
          {queue.map((item, index) => (
            <QueueRow
              key={item.id}
              session={session}
              item={item}
              stage={stages[item.id]}
              isCurrent={item.id === currentId}
              onMove={(step) => move(index, index + step)}
            />
          ))}
        </ul>
      </SortableContext>
    </DndContext>
  );
}
