import { useMemo } from "react";
import { encode } from "uqr";
import { t } from "@/text";

/** Modules of white that readers need around a code (ISO/IEC 18004). */
const QUIET = 4;

/** The address as a QR code: dark on white in both themes, as cameras want it. */
export function InviteCode({ address }: { readonly address: string }) {
  const { size, path } = useMemo(() => draw(address), [address]);
  return (
    <figure className="mt-4 flex items-center gap-4">
      <svg
        role="img"
        aria-label={t.invite.code}
        viewBox={`0 0 ${size} ${size}`}
        shapeRendering="crispEdges"
        className="size-36 shrink-0 rounded-control bg-white"
      >
        <path d={path} fill="#000" />
      </svg>
      <figcaption className="text-sm text-pretty text-dim">{t.invite.scan}</figcaption>
    </figure>
  );
}

/** One path of all the dark squares. */
function draw(text: string): { readonly size: number; readonly path: string } {
  const { size, data } = encode(text, { ecc: "M", border: QUIET });
  const squares = data.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : "")));
  return { size, path: squares.join("") };
}
