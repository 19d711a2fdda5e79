import { Menu } from "@base-ui/react/menu";
import { Check } from "lucide-react";
import type { ReactElement } from "react";
import { floor } from "./floor";

interface Props {
  readonly heading: string;
  readonly trigger: ReactElement;
  readonly options: readonly { readonly value: string; readonly label: string }[];
  readonly value: string;
  readonly onChoose: (value: string) => void;
  readonly empty?: string;
}

/** One of several, behind a button. */
export function ChoiceMenu({ heading, trigger, options, value, onChoose, empty }: Props) {
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger render={trigger} />
      <Menu.Portal container={floor()}>
        <Menu.Positioner side="top" align="end" sideOffset={10} collisionPadding={12} className="z-50">
          <Menu.Popup className="max-h-[min(60dvh,var(--available-height))] min-w-44 overflow-y-auto rounded-panel border border-line bg-raised p-1.5 text-ink shadow-float outline-none transition-[opacity,transform] duration-180 ease-out data-ending-style:translate-y-1 data-ending-style:opacity-0 data-starting-style:translate-y-1 data-starting-style:opacity-0">
            <Menu.RadioGroup value={value} onValueChange={(next: string) => onChoose(next)}>
              <Menu.GroupLabel className="px-2.5 pt-1 pb-1.5 text-xs font-medium text-dim">{heading}</Menu.GroupLabel>
              {options.length === 0 && <p className="max-w-52 px-2.5 pb-2 text-sm text-dim">{empty}</p>}
              {options.map((option) => (
                <Menu.RadioItem
                  key={option.value}
                  value={option.value}
                  closeOnClick
                  className="flex h-9 cursor-pointer items-center gap-3 rounded-[6px] px-2.5 text-sm outline-none select-none data-highlighted:bg-hover touch:h-11"
                >
                  <span className="flex-1 tabular-nums">{option.label}</span>
                  <Menu.RadioItemIndicator>
                    <Check size={16} className="text-accent" />
                  </Menu.RadioItemIndicator>
                </Menu.RadioItem>
              ))}
            </Menu.RadioGroup>
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}
