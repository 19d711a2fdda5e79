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
        <Base.Viewport className="fixed inset-0 z-40 grid grid-cols-[minmax(0,1fr)] place-items-center overflow-y-auto p-4">
          <Base.Popup
            ref={popup}
            // On the button that closes, its tip would take the first Escape.
            initialFocus={onClose === undefined ? undefined : popup}
            className={cx(
              "relative w-full rounded-[14px] border border-line bg-panel shadow-float outline-none transition-[opacity,transform] duration-180 ease-out data-ending-style:scale-97 data-ending-style:opacity-0 data-starting-style:scale-97 data-starting-style:opacity-0",
              isWide ? "max-w-[560px] p-6 max-[480px]:p-4" : "max-w-[420px] p-6",
            )}
          >
            <Base.Title className="pr-8 text-lg font-semibold tracking-[-0.01em]">{title}</Base.Title>
            {description && <Base.Description className="mt-1 text-dim">{description}</Base.Description>}
            {onClose && (
              <Base.Close
                render={
                  <IconButton label={t.common.close} size="small" className="absolute top-4 right-4">
                    <X size={18} />
                  </IconButton>
                }
              />
            )}
            <div className="mt-5">{children}</div>
          </Base.Popup>
        </Base.Viewport>
      </Base.Portal>
    </Base.Root>
  );
}
