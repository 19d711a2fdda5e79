import { useState } from "react";
import { hue } from "@/lib/format";
import { cx } from "./classes";
import { Wordmark } from "./Wordmark";

interface Props {
  readonly url: string;
  readonly seed: string;
  /** Something else will stand on it. */
  readonly isPlain?: boolean;
  readonly className?: string;
}

/** A picture that has a colour before it has arrived, and when it never does. */
export function Thumbnail({ url, seed, isPlain = false, className }: Props) {
  const [state, setState] = useState<"waiting" | "shown" | "failed">("waiting");
  const tone = hue(seed);
  return (
    <span
      aria-hidden
      style={{ backgroundImage: `linear-gradient(135deg, oklch(0.42 0.07 ${tone}), oklch(0.27 0.05 ${tone + 40}))` }}
      className={cx("relative block overflow-hidden", className)}
    >
      {!isPlain && <Wordmark size={20} className="absolute inset-0 m-auto opacity-35 grayscale brightness-200" />}
      {url !== "" && state !== "failed" && (
        <img
          src={url}
          alt=""
          draggable={false}
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
