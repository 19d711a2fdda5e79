import { Tooltip } from "@base-ui/react/tooltip";
import { floor } from "./floor";
import { tips } from "./tips";

/** The one popup of all tips. */
export function TipPopup() {
  return (
    <Tooltip.Root handle={tips}>
      {({ payload }) => (
        <Tooltip.Portal container={floor()}>
          <Tooltip.Positioner sideOffset={8} className="z-50">
            <Tooltip.Popup className="animate-enter rounded-control bg-black/85 px-2.5 py-1 text-xs text-white shadow-float backdrop-blur">
              {payload}
            </Tooltip.Popup>
          </Tooltip.Positioner>
        </Tooltip.Portal>
      )}
    </Tooltip.Root>
  );
}
