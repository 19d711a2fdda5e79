import { Minus, Plus } from "lucide-react";
import { t } from "@/text";
import { IconButton } from "./IconButton";

interface Props {
  readonly label: string;
  readonly text?: string;
  readonly value: number;
  readonly step: number;
  readonly least: number;
  readonly most: number;
  readonly unit: string;
  readonly onChange: (value: number) => void;
}

/** A figure, and two buttons that change it by a little. */
export function Stepper({ label, text, value, step, least, most, unit, onChange }: Props) {
  const move = (by: number) => onChange(Math.min(most, Math.max(least, Math.round((value + by) * 1000) / 1000)));
  return (
    <fieldset className="flex min-w-0 items-center gap-4 max-[360px]:flex-col max-[360px]:items-stretch max-[360px]:gap-2">
      <legend className="sr-only">{label}</legend>
      <span className="min-w-0 flex-1" aria-hidden>
        <span className="block text-sm font-medium">{label}</span>
        {text && <span className="block text-xs text-pretty text-dim">{text}</span>}
      </span>
      <span className="flex w-36 shrink-0 items-center max-[360px]:w-full justify-between rounded-control border border-line bg-raised">
        <IconButton label={t.common.less(label)} size="small" disabled={value <= least} onClick={() => move(-step)}>
          <Minus size={15} />
        </IconButton>
        <output className="text-sm tabular-nums">
          {value} {unit}
        </output>
        <IconButton label={t.common.moreOf(label)} size="small" disabled={value >= most} onClick={() => move(step)}>
          <Plus size={15} />
        </IconButton>
      </span>
    </fieldset>
  );
}
