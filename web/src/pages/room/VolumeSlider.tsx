import { t } from "@/text";
import { cx } from "@/ui/classes";

interface Props {
  readonly volume: number;
  readonly onChange: (volume: number) => void;
  readonly className?: string;
}

export function VolumeSlider({ volume, onChange, className }: Props) {
  return (
    <div className={cx("range mr-1", className)}>
      <div className="range-track">
        <div className="range-fill bg-white" style={{ transform: `scaleX(${volume})` }} />
      </div>
      <input
        type="range"
        aria-label={t.player.volume}
        aria-valuetext={`${Math.round(volume * 100)} %`}
        min={0}
        max={1}
        step={0.05}
        value={volume}
        onChange={(event) => onChange(Number(event.target.value))}
        onKeyDown={(event) => event.key.startsWith("Arrow") && event.stopPropagation()}
      />
    </div>
  );
}
