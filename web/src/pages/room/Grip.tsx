import { GripVertical } from "lucide-react";
import type { ComponentProps } from "react";
import { t } from "@/text";

interface Props extends ComponentProps<"button"> {
  /** Of the item that it moves. */
  readonly title: string;
}

/** Where an item of the queue is taken: over its picture for a mouse, beside it for a finger. Before it can be, it keeps its place. */
export function Grip({ title, ...rest }: Props) {
  return (
    <button
      type="button"
      {...rest}
      aria-label={t.queue.move(title)}
      aria-roledescription={t.queue.sortable}
      data-keys="own"
      className="grid shrink-0 cursor-grab touch-none place-items-center transition-opacity duration-120 active:cursor-grabbing disabled:invisible not-touch:absolute not-touch:left-2 not-touch:z-10 not-touch:h-11 not-touch:w-6 not-touch:rounded-[6px] not-touch:bg-black/60 not-touch:text-white not-touch:opacity-0 not-touch:group-hover:opacity-100 not-touch:focus-visible:opacity-100 touch:-mr-3 touch:-ml-2 touch:h-11 touch:w-8 touch:rounded touch:text-dim touch:opacity-70"
    >
      <GripVertical size={16} />
    </button>
  );
}
