import { GripVertical } from "lucide-react";
import type { ComponentProps } from "react";
import { t } from "@/text";

interface Props extends ComponentProps<"button"> {
  /** Of the item that it moves. */
  readonly title: string;
}

/** Where an item of the queue is taken; before it can be, it keeps its place. */
export function Grip({ title, ...rest }: Props) {
  return (
    <button
      type="button"
      {...rest}
      aria-label={t.queue.move(title)}
      aria-roledescription={t.queue.sortable}
      data-keys="own"
      className="-mr-2 -ml-1 grid h-11 w-5 shrink-0 cursor-grab touch-none place-items-center rounded text-dim opacity-0 transition-opacity duration-120 group-hover:opacity-100 focus-visible:opacity-100 active:cursor-grabbing disabled:invisible touch:w-7 touch:opacity-70"
    >
      <GripVertical size={16} />
    </button>
  );
}
