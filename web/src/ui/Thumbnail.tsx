import { useState } from "react";
import { hue } from "@/lib/format";
import { cx } from "./classes";

/** A picture that has a colour before it has arrived, and when it never does. */
export function Thumbnail({
  url,
  seed,
  className,
}: {
  readonly url: string;
  readonly seed: string;
  readonly className?: string;
}) {
  const [state, setState] = useState<"waiting" | "shown" | "failed">("waiting");
  const tone = hue(seed);
  return (
    <span
      aria-hidden
      style={{ backgroundImage: `linear-gradient(135deg, oklch(0.42 0.07 ${tone}), oklch(0.27 0.05 ${tone + 40}))` }}
      className={cx("relative block overflow-hidden", className)}
    >
      {url !== "" && state !== "failed" && (
        <img
          src={url}
          alt=""
          loading="lazy"
          decoding="async"
          onLoad={() => setState("shown")}
          onError={() => setState("failed")}
          className={cx(
            "absolute inset-0 size-full object-cover transition-opacity duration-240",
            state === "shown" ? "opacity-100" : "opacity-0",
          )}
        />
      )}
    </span>
  );
}
