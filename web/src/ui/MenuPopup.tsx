import { Menu } from "@base-ui/react/menu";
import { Check } from "lucide-react";
import { cx } from "./classes";
import { floor } from "./floor";
import { type Actions, type Choice, menus } from "./menus";

const POPUP =
  "max-h-[min(60dvh,var(--available-height))] overflow-y-auto rounded-panel border border-line bg-raised p-1.5 text-ink shadow-float outline-none transition-[opacity,transform] duration-180 ease-out data-ending-style:opacity-0 data-starting-style:translate-y-1 data-starting-style:opacity-0";
const ITEM =
  "flex h-9 cursor-pointer items-center gap-3 rounded-[6px] px-2.5 text-sm outline-none select-none data-highlighted:bg-hover touch:h-11";

/** The one popup of all menus. */
export function MenuPopup() {
  return (
    <Menu.Root handle={menus} modal={false}>
      {({ payload }) => (
        <Menu.Portal container={floor()}>
          <Menu.Positioner
            side={payload?.kind === "actions" ? payload.side : "top"}
            align="end"
            sideOffset={payload?.kind === "actions" ? 6 : 10}
            collisionPadding={12}
            className="z-50"
          >
            <Menu.Popup className={cx(POPUP, payload?.kind === "actions" ? "min-w-48" : "min-w-44")}>
              {payload?.kind === "actions" && <ActionItems {...payload} />}
              {payload?.kind === "choice" && <Options {...payload} />}
            </Menu.Popup>
          </Menu.Positioner>
        </Menu.Portal>
      )}
    </Menu.Root>
  );
}

function ActionItems({ actions }: Actions) {
  return actions.map((action) => (
    <Menu.Item
      key={action.label}
      onClick={() => action.run()}
      className={cx(ITEM, "[&>svg]:size-4 [&>svg]:shrink-0", action.isGrave ? "text-bad" : "[&>svg]:text-dim")}
    >
      {action.icon}
      {action.label}
    </Menu.Item>
  ));
}

function Options({ heading, options, value, onChoose, empty }: Choice) {
  return (
    <Menu.RadioGroup value={value} onValueChange={(next: string) => onChoose(next)}>
      <Menu.GroupLabel className="px-2.5 pt-1 pb-1.5 text-xs font-medium text-dim">{heading}</Menu.GroupLabel>
      {options.length === 0 && <p className="max-w-52 px-2.5 pb-2 text-sm text-dim">{empty}</p>}
      {options.map((option) => (
        <Menu.RadioItem key={option.value} value={option.value} closeOnClick className={ITEM}>
          <span className="flex-1 tabular-nums">{option.label}</span>
          <Menu.RadioItemIndicator>
            <Check size={16} className="text-accent" />
          </Menu.RadioItemIndicator>
        </Menu.RadioItem>
      ))}
    </Menu.RadioGroup>
  );
}
