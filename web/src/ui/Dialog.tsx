import { Dialog as Base } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import { type ReactNode, useRef } from "react";
import { t } from "@/text";
import { cx } from "./classes";
import { IconButton } from "./IconButton";

interface Props {
  readonly title: string;
  readonly description?: string;
  readonly isOpen: boolean;
  /** For lists. */
  readonly isWide?: boolean;
  /** Without it there is no way out but an answer. */
  readonly onClose?: () => void;
  readonly children: ReactNode;
}

/** Named by its heading. */
export function Dialog({ title, description, isOpen, isWide = false, onClose, children }: Props) {
  const popup = useRef<HTMLDivElement>(null);
  return (
    <Base.Root
      open={isOpen}
      onOpenChange={(open) => !open && onClose?.()}
      disablePointerDismissal={onClose === undefined}
    >
      <Base.Portal>
        <Base.Backdrop className="fixed inset-0 z-40 bg-black/60 backdrop-blur-[2px] transition-opacity duration-180 data-ending-style:opacity-0 data-starting-style:opacity-0" />
        <Base.Viewport className="fixed inset-0 z-40 grid grid-cols-[minmax(0,1fr)] grid-rows-[minmax(0,1fr)] place-items-center p-4 max-[480px]:p-2">
          <Base.Popup
            ref={popup}
            // On the button that closes, its tip would take the first Escape.
            initialFocus={onClose === undefined ? undefined : popup}
            className={cx(
              "relative flex max-h-full w-full flex-col rounded-[14px] border border-line bg-panel shadow-float outline-none transition-[opacity,transform] duration-180 ease-out data-ending-style:scale-97 data-ending-style:opacity-0 data-starting-style:scale-97 data-starting-style:opacity-0",
              isWide ? "max-w-[560px]" : "max-w-[420px]",
            )}
          >
            <Base.Title className="shrink-0 pt-6 pr-14 pl-6 text-lg max-[480px]:pt-4 max-[480px]:pl-4 font-semibold tracking-[-0.01em]">
              {title}
            </Base.Title>
            {description && (
              <Base.Description className="mt-1 shrink-0 px-6 text-dim max-[480px]:px-4">
                {description}
              </Base.Description>
            )}
            {onClose && (
              <Base.Close
                render={
                  <IconButton
                    label={t.common.close}
                    size="small"
                    className="absolute top-4 right-4 max-[480px]:top-2 max-[480px]:right-2"
                  >
                    <X size={18} />
                  </IconButton>
                }
              />
            )}
            {/* Room for what reaches over its lines: rings of focus, rows that fill the width. */}
            <div className="mt-3 min-h-0 flex-1 overflow-x-hidden overflow-y-auto overscroll-contain px-6 pt-2 pb-6 max-[480px]:px-4 max-[480px]:pb-4">
              {children}
            </div>
          </Base.Popup>
        </Base.Viewport>
      </Base.Portal>
    </Base.Root>
  );
}
