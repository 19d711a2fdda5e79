import { Menu } from "@base-ui/react/menu";
import type { ReactElement, ReactNode } from "react";
import { cx } from "./classes";
import { floor } from "./floor";

export interface Action {
  readonly label: string;
  readonly icon?: ReactNode;
  readonly isGrave?: boolean;
  run(): void;
}

interface Props {
  readonly trigger: ReactElement;
  readonly actions: readonly Action[];
  readonly side?: "top" | "bottom";
}

/** What can be done with one thing, behind a button. */
export function ActionMenu({ trigger, actions, side = "bottom" }: Props) {
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger render={trigger} />
      <Menu.Portal container={floor()}>
        <Menu.Positioner side={side} align="end" sideOffset={6} collisionPadding={12} className="z-50">
          <Menu.Popup className="min-w-48 rounded-panel border border-line bg-raised p-1.5 text-ink shadow-float outline-none transition-[opacity,transform] duration-180 ease-out data-ending-style:opacity-0 data-starting-style:translate-y-1 data-starting-style:opacity-0">
            {actions.map((action) => (
              <Menu.Item
                key={action.label}
                onClick={() => action.run()}
                className={cx(
                  "flex h-9 cursor-pointer items-center gap-3 rounded-[6px] px-2.5 text-sm outline-none select-none data-highlighted:bg-hover touch:h-11 [&>svg]:size-4 [&>svg]:shrink-0",
                  action.isGrave ? "text-bad" : "[&>svg]:text-dim",
                )}
              >
                {action.icon}
                {action.label}
              </Menu.Item>
            ))}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}
