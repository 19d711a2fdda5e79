/** The queue's order by mouse, finger and keys; loaded after the first picture of the room. */
import {
  type Announcements,
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
  SortableContext,
  sortableKeyboardCoordinates,
  useSortable,
  verticalListSortingStrategy,
} from "@dnd-kit/sortable";
import { CSS } from "@dnd-kit/utilities";
import { type MouseEventHandler, type ReactNode, useRef } from "react";
import { t } from "@/text";
import { Grip } from "./Grip";
import { QueueRow, type QueueRowProps } from "./QueueRow";
import { useObjection } from "./useObjection";

const upAndDown: Modifier = ({ transform }) => ({ ...transform, x: 0 });

interface Props {
  /** The items that are shown, of `all`. */
  readonly ids: readonly string[];
  readonly all: number;
  /** What an item is called. */
  readonly titleOf: (id: string) => string;
  readonly onMove: (from: number, to: number) => void;
  readonly children: ReactNode;
}

export function SortableQueue({ ids, all, titleOf, onMove, children }: Props) {
  const sensors = useSensors(
    useSensor(MouseSensor, { activationConstraint: { distance: 4 } }),
    useSensor(TouchSensor, { activationConstraint: { delay: 180, tolerance: 6 } }),
    useSensor(KeyboardSensor, { coordinateGetter: sortableKeyboardCoordinates }),
  );
  const isTaken = useRef(false);
  const placeOf = (id: string | number) => ids.indexOf(String(id));
  const onDragEnd = ({ active, over }: DragEndEvent) => {
    if (over !== null) onMove(placeOf(active.id), placeOf(over.id));
  };
  const { moving } = t.queue;
  const announcements: Announcements = {
    onDragStart({ active }) {
      isTaken.current = true;
      return moving.taken(titleOf(String(active.id)));
    },
    onDragOver({ active, over }) {
      // Every drag begins over its own place: that would be read in place of what was taken.
      const isBeginning = isTaken.current && over?.id === active.id;
      isTaken.current = false;
      if (over === null || isBeginning) return undefined;
      return moving.over(titleOf(String(active.id)), placeOf(over.id) + 1, all);
    },
    onDragEnd: ({ active, over }) =>
      over === null ? undefined : moving.dropped(titleOf(String(active.id)), placeOf(over.id) + 1, all),
    onDragCancel: ({ active }) => moving.cancelled(titleOf(String(active.id))),
  };
  return (
    <DndContext
      sensors={sensors}
      collisionDetection={closestCenter}
      modifiers={[upAndDown]}
      onDragEnd={onDragEnd}
      accessibility={{
        container: document.body,
        announcements,
        screenReaderInstructions: { draggable: moving.how },
      }}
    >
      <SortableContext items={[...ids]} strategy={verticalListSortingStrategy}>
        {children}
      </SortableContext>
    </DndContext>
  );
}

export function SortableRow(props: QueueRowProps) {
  const { setNodeRef, setActivatorNodeRef, listeners, attributes, transform, transition, isDragging } = useSortable({
    id: props.item.id,
  });
  const objection = useObjection(props.session, "queue");
  const grip = (
    <Grip
      ref={setActivatorNodeRef}
      {...attributes}
      {...listeners}
      title={props.item.title}
      disabled={objection !== null}
    />
  );
  const style = { transform: CSS.Translate.toString(transform), transition };
  // A mouse takes an item by its picture, too; a finger there scrolls.
  const take = objection === null ? (listeners?.onMouseDown as MouseEventHandler | undefined) : undefined;
  return <QueueRow {...props} sorting={{ ref: setNodeRef, style, isDragging, grip, take }} />;
}
