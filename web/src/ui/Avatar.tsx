import { hue, initials } from "@/lib/format";
import { cx } from "./classes";

const sizes = { small: "size-7 text-[11px]", normal: "size-9 text-xs" } as const;

interface Props {
  readonly id: string;
  readonly name: string;
  readonly size?: keyof typeof sizes;
  readonly className?: string;
}

/** A member's colour and letters; the name stands beside it or in its title. */
export function Avatar({ id, name, size = "normal", className }: Props) {
  return (
    <span
      aria-hidden
      title={name}
      style={{ backgroundColor: `oklch(0.78 0.11 ${hue(id)})` }}
      className={cx(
        "inline-flex shrink-0 items-center justify-center overflow-hidden rounded-full font-semibold whitespace-nowrap text-black/80 select-none",
        sizes[size],
        className,
      )}
    >
      {initials(name)}
    </span>
  );
}
