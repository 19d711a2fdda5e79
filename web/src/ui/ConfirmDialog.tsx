import { t } from "@/text";
import { Button } from "./Button";
import { Dialog } from "./Dialog";

export interface ConfirmProps {
  readonly title: string;
  readonly text: string;
  /** The word on the button that does it. */
  readonly action: string;
  readonly isOpen: boolean;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}

/** Asks once before what cannot be taken back. */
export function ConfirmDialog({ title, text, action, isOpen, onConfirm, onClose }: ConfirmProps) {
  return (
    <Dialog title={title} description={text} isOpen={isOpen} onClose={onClose}>
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>{t.common.cancel}</Button>
        <Button
          look="primary"
          onClick={() => {
            onConfirm();
            onClose();
          }}
        >
          {action}
        </Button>
      </div>
    </Dialog>
  );
}
