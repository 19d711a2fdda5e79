import { cx } from "./classes";

export function Spinner({ className }: { readonly className?: string }) {
  return (
    <span
      aria-hidden
      className={cx(
        "inline-block animate-spin rounded-full border-[3px] border-current/20 border-t-current",
        className,
      )}
    />
  );
}
