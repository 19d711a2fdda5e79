import type { Light } from "@/room/lights";
import { cx } from "./classes";
import { Spinner } from "./Spinner";

const tones: Readonly<Record<Light["tone"], string>> = {
  good: "bg-good",
  warn: "bg-warn",
  bad: "bg-bad",
  away: "bg-dim/60",
  busy: "",
};

/** A dot, or a small wheel while something loads. What it means is said beside it. */
export function SyncLight({ tone, className }: { readonly tone: Light["tone"]; readonly className?: string }) {
  if (tone === "busy") return <Spinner className={cx("size-3", className)} />;
  return <span aria-hidden className={cx("block size-2 rounded-full", tones[tone], className)} />;
}
