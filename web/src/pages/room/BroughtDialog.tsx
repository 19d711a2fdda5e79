import { ListPlus, Plus } from "lucide-react";
import { useState } from "react";
import { siteOf } from "@/lib/format";
import { useStore } from "@/lib/store";
import type { RoomSession } from "@/room/session";
import { siteFor } from "@/room/signIns";
import { t } from "@/text";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Switch } from "@/ui/Switch";
import { useObjection } from "./useObjection";

interface Props {
  readonly session: RoomSession;
  readonly link: string;
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

/** Asks before a link that the page's address brought is added: an address is not a wish of whoever opened it. */
export function BroughtDialog({ session, link, isOpen, onClose }: Props) {
  const [isLent, setLent] = useState(false);
  const sites = useStore(session.signIns.view, (view) => view.sites);
  const site = siteFor(link, sites ?? []);
  const objection = useObjection(session, "queue");
  const add = (next: boolean) => {
    session.queue.add(link, next, site !== null && isLent);
    onClose();
  };
  return (
    <Dialog title={t.brought.title} description={t.brought.text(siteOf(link))} isOpen={isOpen} onClose={onClose}>
      <p className="mb-4 max-h-24 overflow-y-auto text-sm break-all">{link}</p>
      {site !== null && (
        <div className="mb-4">
          <Switch
            label={t.queue.lendSignIn(site)}
            text={t.queue.lendSignInText}
            isOn={isLent}
            isReadOnly={false}
            onChange={setLent}
          />
        </div>
      )}
      {objection === null ? (
        <div className="flex flex-wrap justify-end gap-2">
          <Button onClick={() => add(true)}>
            <ListPlus size={17} aria-hidden /> {t.queue.playNext}
          </Button>
          <Button look="primary" onClick={() => add(false)}>
            <Plus size={18} aria-hidden /> {t.queue.add}
          </Button>
        </div>
      ) : (
        <p className="text-sm text-bad">{t.rights.sentence(objection)}</p>
      )}
    </Dialog>
  );
}
