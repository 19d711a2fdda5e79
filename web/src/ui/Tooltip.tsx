import { Tooltip } from "@base-ui/react/tooltip";
import type { ReactElement, ReactNode } from "react";
import { floor } from "./floor";

export function TooltipProvider({ children }: { readonly children: ReactNode }) {
  return <Tooltip.Provider delay={450}>{children}</Tooltip.Provider>;
}

/** Says what a picture means, to those who rest on it. */
export function Tip({ text, children }: { readonly text: string; readonly children: ReactElement }) {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger render={children} />
      <Tooltip.Portal container={floor()}>
        <Tooltip.Positioner sideOffset={8} className="z-50">
          <Tooltip.Popup className="animate-enter rounded-control bg-black/85 px-2.5 py-1 text-xs text-white shadow-float backdrop-blur">
            {text}
          </Tooltip.Popup>
        </Tooltip.Positioner>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}
