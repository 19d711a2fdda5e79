import { ChevronDown } from "lucide-react";
import { useId } from "react";

interface Props {
  readonly label: string;
  readonly options: readonly { readonly value: string; readonly label: string }[];
  readonly value: string;
  readonly isReadOnly: boolean;
  readonly onChange: (value: string) => void;
}

/** Options out of their labels, by value. */
export function optionsOf(labels: Readonly<Record<string, string>>): Props["options"] {
  return Object.entries(labels).map(([value, label]) => ({ value, label }));
}

/** One of a few, in the browser's own list: good on every phone. */
export function Select({ label, options, value, isReadOnly, onChange }: Props) {
  const id = useId();
  return (
    <div className="flex items-center gap-4">
      <label htmlFor={id} className="min-w-0 flex-1 text-sm font-medium">
        {label}
      </label>
      <span className="relative">
        <select
          id={id}
          value={value}
          disabled={isReadOnly}
          onChange={(event) => onChange(event.target.value)}
          className="h-9 w-36 cursor-pointer appearance-none rounded-control border border-line bg-raised pr-8 pl-3 text-sm outline-none focus-visible:border-accent/70 disabled:cursor-default disabled:text-dim touch:h-11 touch:text-base"
        >
          {options.map((option) => (
            <option key={option.value} value={option.value} className="bg-raised text-ink">
              {option.label}
            </option>
          ))}
        </select>
        <ChevronDown
          size={15}
          aria-hidden
          className="pointer-events-none absolute top-1/2 right-2.5 -translate-y-1/2 text-dim"
        />
      </span>
    </div>
  );
}
