import { X } from "lucide-react";
import { createPortal } from "react-dom";
import { useStore } from "@/lib/store";
import type { Toasts } from "@/room/toasts";
import { t } from "@/text";
import { cx } from "./classes";
import { floor } from "./floor";
import { IconButton } from "./IconButton";

export function ToastList({ toasts }: { readonly toasts: Toasts }) {
  const shown = useStore(toasts.store, (value) => value);
  return createPortal(
    <div
      role="log"
      aria-live="polite"
      onPointerEnter={() => toasts.hold(true)}
      onPointerLeave={() => toasts.hold(false)}
      onFocus={() => toasts.hold(true)}
      onBlur={() => toasts.hold(false)}
      className="pointer-events-none fixed inset-x-0 bottom-[max(1rem,env(safe-area-inset-bottom))] compact:top-3 compact:right-auto compact:bottom-auto compact:items-start narrow:bottom-[calc(5rem+env(safe-area-inset-bottom))] z-50 flex flex-col items-center gap-2 px-4"
    >
      {shown.map((toast) => (
        <div
          key={toast.key}
          className={cx(
            "pointer-events-auto flex max-w-md animate-enter items-center gap-1 rounded-panel border border-line bg-raised py-1 pr-1 pl-4 shadow-float",
            toast.tone === "problem" && "border-l-2 border-l-bad",
          )}
        >
          <p className="py-1.5 pr-2">{toast.text}</p>
          {toast.action && (
            <button
              type="button"
              className="h-8 rounded-control px-3 font-semibold text-accent-text hover:bg-hover touch:h-11"
              onClick={() => {
                toast.action?.run();
                toasts.dismiss(toast.key);
              }}
            >
              {toast.action.label}
            </button>
          )}
          <IconButton label={t.common.dismiss} size="small" onClick={() => toasts.dismiss(toast.key)}>
            <X size={16} className="text-dim" />
          </IconButton>
        </div>
      ))}
    </div>,
    floor(),
  );
}
