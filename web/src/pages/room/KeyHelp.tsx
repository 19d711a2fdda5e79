import { keyName } from "@/lib/keyNames";
import { KEYS } from "@/room/keys";
import { t } from "@/text";
import { Dialog } from "@/ui/Dialog";

export function KeyHelp({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) {
  return (
    <Dialog title={t.settings.keys} isOpen={isOpen} onClose={onClose}>
      <KeyList />
      <p className="mt-5 text-sm text-dim">{t.keys.touch}</p>
    </Dialog>
  );
}

export function KeyList() {
  return (
    <dl className="grid grid-cols-[auto_1fr] gap-x-5 gap-y-1.5 text-sm">
      {[...KEYS.map(({ name }) => t.keys.table[name]), ...Object.values(t.keys.places)].map(({ shown, text }) => (
        <div key={shown} className="contents">
          <dt>
            <kbd className="rounded-[5px] border border-line bg-raised px-1.5 py-0.5 font-sans text-xs whitespace-nowrap">
              {keyName(shown)}
            </kbd>
          </dt>
          <dd className="text-dim">{text}</dd>
        </div>
      ))}
    </dl>
  );
}
