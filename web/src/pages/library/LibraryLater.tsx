import { DialogLater } from "@/lib/later";
import { useStore } from "@/lib/store";
import type { LibraryProps } from "./LibraryDialog";

const load = async () => (await import("./LibraryDialog")).LibraryDialog;

/** The library, loaded when it is first opened. */
export function LibraryLater(props: Omit<LibraryProps, "isOpen" | "onClose">) {
  const isOpen = useStore(props.library.view, (view) => view.isOpen);
  return <DialogLater load={load} {...props} isOpen={isOpen} onClose={() => props.library.close()} />;
}
