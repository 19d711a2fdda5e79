import type { ComponentProps, ReactNode } from "react";
import { cx } from "./classes";
import { Tip } from "./Tooltip";

interface Props extends ComponentProps<"button"> {
  /** The accessible name, and the tip. */
  readonly label: string;
  readonly hint?: string;
  readonly size?: "normal" | "small";
  /** Why it cannot be pressed; it can still be rested on, to read that. */
  readonly objection?: string | null;
  readonly children: ReactNode;
}

/** A picture of an action: 40 px, 44 where fingers are used. */
export function IconButton({ label, hint, size = "normal", objection = null, className, children, ...rest }: Props) {
  return (
    <Tip text={objection ?? hint ?? label}>
      <button
        type="button"
        aria-label={label}
        className={cx(
          "inline-flex shrink-0 items-center justify-center rounded-control text-ink",
          size === "normal" ? "size-10 touch:size-11" : "size-8 touch:size-11",
          "transition-[background-color,transform,opacity] duration-120 ease-out hover:bg-hover active:scale-92",
          "disabled:pointer-events-none disabled:opacity-40",
          objection !== null && "opacity-40",
          className,
        )}
        {...rest}
        {...(objection === null ? {} : { "aria-disabled": true, onClick: undefined })}
      >
        {children}
      </button>
    </Tip>
  );
}
