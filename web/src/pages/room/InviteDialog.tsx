import { Check, Copy, Share2 } from "lucide-react";
import { useRef, useState } from "react";
import { bases } from "@/lib/bases";
import { copyText } from "@/lib/copy";
import { roomPath } from "@/lib/routing";
import { t } from "@/text";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { InviteCode } from "./InviteCode";

interface Props {
  readonly roomId: string;
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

export function InviteDialog({ roomId, isOpen, onClose }: Props) {
  const field = useRef<HTMLInputElement>(null);
  const [isCopied, setCopied] = useState(false);
  const address = `${bases.current.get()}${roomPath(roomId)}`;

  const copy = async () => {
    const isDone = await copyText(address);
    setCopied(isDone);
    // What the browser does not let us copy is selected, so that one press of the keys does.
    if (!isDone) field.current?.select();
    window.setTimeout(() => setCopied(false), 2000);
  };

  return (
    <Dialog title={t.invite.title} description={t.invite.text} isOpen={isOpen} onClose={onClose}>
      <div className="flex gap-2">
        <input
          ref={field}
          aria-label={t.invite.address}
          readOnly
          value={address}
          onFocus={(event) => event.target.select()}
          className="h-10 min-w-0 flex-1 truncate rounded-control border border-line bg-raised px-3 text-sm outline-none touch:h-11"
        />
        <Button look="primary" onClick={copy}>
          {isCopied ? <Check size={17} aria-hidden /> : <Copy size={17} aria-hidden />}
          {isCopied ? t.common.copied : t.common.copy}
        </Button>
      </div>
      <InviteCode address={address} />
      {"share" in navigator && (
        <Button
          className="mt-3 w-full"
          onClick={() =>
            navigator.share({ title: t.app.name, text: t.invite.message, url: address }).catch(() => undefined)
          }
        >
          <Share2 size={17} aria-hidden /> {t.invite.share}
        </Button>
      )}
    </Dialog>
  );
}
