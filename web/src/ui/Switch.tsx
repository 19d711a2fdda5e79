import { Switch as Base } from "@base-ui/react/switch";

interface Props {
  readonly label: string;
  readonly text?: string;
  readonly isOn: boolean;
  readonly isReadOnly: boolean;
  readonly onChange: (isOn: boolean) => void;
}

/** One thing that is on or off, with what that means. */
export function Switch({ label, text, isOn, isReadOnly, onChange }: Props) {
  return (
    <div className="flex items-center gap-4">
      <span className="min-w-0 flex-1">
        <span className="block text-sm font-medium">{label}</span>
        {text && <span className="block text-xs text-pretty text-dim">{text}</span>}
      </span>
      <Base.Root
        aria-label={label}
        checked={isOn}
        disabled={isReadOnly}
        onCheckedChange={onChange}
        className="relative flex h-6 w-10 shrink-0 cursor-pointer rounded-full bg-dim/45 p-0.5 transition-colors duration-120 after:absolute after:-inset-2.5 data-checked:bg-accent data-disabled:cursor-default data-disabled:opacity-55"
      >
        <Base.Thumb className="size-5 rounded-full bg-white shadow-sm transition-transform duration-120 ease-out data-checked:translate-x-4" />
      </Base.Root>
    </div>
  );
}
