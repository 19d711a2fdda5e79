import { cx } from "./classes";

/** Two triangles that play as one. */
export function Wordmark({ size = 26, className }: { readonly size?: number; readonly className?: string }) {
  return (
    <svg viewBox="0 0 32 32" width={size} height={size} aria-hidden className={cx("shrink-0", className)}>
      <path
        className="fill-accent"
        d="M4 8.2c0-1.8 2-2.9 3.5-2L19 13c1.6.9 1.6 3.1 0 4L7.500 25.800c-1.500.9-3.500-.2-3.500-2z"
      />
      <path
        className="fill-accent opacity-45"
        d="M13 8.2c0-1.8 2-2.9 3.5-2L28 13c1.6.9 1.6 3.1 0 4l-11.500 8.800c-1.500.9-3.500-.2-3.500-2z"
      />
    </svg>
  );
}
