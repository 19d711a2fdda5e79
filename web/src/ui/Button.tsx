import type { ComponentProps } from "react";
import { cx } from "./classes";

type Look = "primary" | "quiet" | "plain";

const looks: Readonly<Record<Look, string>> = {
  primary: "bg-accent text-on-accent font-semibold hover:bg-accent-strong",
  quiet: "bg-raised text-ink font-medium hover:bg-hover border border-line",
  plain: "text-ink font-medium hover:bg-hover",
};

interface Props extends ComponentProps<"button"> {
  readonly look?: Look;
}

export function Button({ look = "quiet", className, ...rest }: Props) {
  return (
    <button
      type="button"
      className={cx(
        "inline-flex h-10 shrink-0 items-center justify-center gap-2 rounded-control px-4 text-sm whitespace-nowrap touch:h-11",
        "transition-[background-color,transform] duration-120 ease-out select-none active:scale-[0.98]",
        "disabled:pointer-events-none disabled:opacity-45",
        looks[look],
        className,
      )}
      {...rest}
    />
  );
}
