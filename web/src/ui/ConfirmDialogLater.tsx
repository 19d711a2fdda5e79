import { DialogLater } from "@/lib/later";
import type { ConfirmProps } from "./ConfirmDialog";

const load = async () => (await import("./ConfirmDialog")).ConfirmDialog;

/** Loaded with the first question. */
export function ConfirmDialogLater(props: ConfirmProps) {
  return <DialogLater load={load} {...props} />;
}
