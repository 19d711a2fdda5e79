import type { ComponentProps } from "react";
import { cx } from "./classes";

interface Props extends ComponentProps<"input"> {
  /** The accessible name, and the hint inside. */
  readonly label: string;
}

export function TextField({ label, className, ...rest }: Props) {
  return (
    <input
      aria-label={label}
      placeholder={label}
      // 16 px where fingers are used: below that, iOS zooms the page.
      className={cx(
        "h-10 min-w-0 flex-1 rounded-control border border-line bg-raised px-3 text-sm transition-colors duration-120 outline-none",
        "placeholder:text-dim focus:border-accent/70 touch:h-11 touch:text-base",
        className,
      )}
      {...rest}
    />
  );
}
