import { useState } from "react";
import { bases } from "@/lib/bases";
import { hue } from "@/lib/format";
import { useStore } from "@/lib/store";
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
  // Another server's picture is another one to wait for.
  const address = useStore(bases.current, () => bases.at(url));
  const [isShown, setShown] = useState(false);
  const [failed, setFailed] = useState<string | null>(null);
  const tone = hue(seed);
  return (
    <span
      aria-hidden
      style={{ backgroundImage: `linear-gradient(135deg, oklch(0.42 0.07 ${tone}), oklch(0.27 0.05 ${tone + 40}))` }}
      className={cx("relative block overflow-hidden", className)}
    >
      {!isPlain && <Wordmark size={20} className="absolute inset-0 m-auto opacity-35 grayscale brightness-200" />}
      {url !== "" && failed !== address && (
        <img
          src={address}
          alt=""
          draggable={false}
          loading="lazy"
          decoding="async"
          onLoad={() => setShown(true)}
          onError={() => setFailed(address)}
          className={cx(
            "absolute inset-0 size-full object-cover transition-opacity duration-240",
            isShown ? "opacity-100" : "opacity-0",
          )}
        />
      )}
    </span>
  );
}
