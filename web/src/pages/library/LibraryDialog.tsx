import { Tabs } from "@base-ui/react/tabs";
import { useState } from "react";
import { useStore } from "@/lib/store";
import type { Library, Shelf } from "@/library/library";
import type { SignIns } from "@/room/signIns";
import { t } from "@/text";
import { Dialog } from "@/ui/Dialog";
import { Switch } from "@/ui/Switch";
import { HistoryShelf } from "./HistoryShelf";
import { PlaylistSheet } from "./PlaylistSheet";
import { PlaylistShelf } from "./PlaylistShelf";
import type { Target } from "./target";

export interface LibraryProps {
  readonly library: Library;
  readonly signIns: SignIns;
  readonly target: Target;
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

/** Playlists and history, wherever they are opened. */
export function LibraryDialog({ library, signIns, target, isOpen, onClose }: LibraryProps) {
  const view = useStore(library.view, (value) => value);
  const sites = useStore(signIns.view, (value) => value.sites);
  const [isLent, setLent] = useState(false);
  const lend = isLent && sites !== null && sites.length > 0;
  return (
    <Dialog title={t.library.title} description={t.library.text} isOpen={isOpen} isWide onClose={onClose}>
      <Tabs.Root value={view.shelf} onValueChange={(shelf: Shelf) => library.show(shelf)}>
        <Tabs.List className="relative mb-4 flex h-11 items-stretch gap-1 border-b border-line">
          <Tab value="playlists" label={t.library.playlists} />
          <Tab value="history" label={t.library.history} />
          <Tabs.Indicator className="absolute bottom-0 left-(--active-tab-left) h-0.5 w-(--active-tab-width) rounded-full bg-accent transition-[left,width] duration-180 ease-out" />
        </Tabs.List>
        <div aria-live="polite" className="empty:hidden">
          {view.done !== null && <p className="mb-3 text-sm text-good">{view.done}</p>}
        </div>
        {view.problem !== null && (
          <p role="alert" className="mb-3 text-sm text-bad">
            {view.problem}
          </p>
        )}
        <Tabs.Panel value="playlists" className="outline-none">
          {view.chosen === null ? (
            <PlaylistShelf library={library} view={view} />
          ) : (
            <PlaylistSheet library={library} playlist={view.chosen} target={target} lend={lend} isBusy={view.isBusy} />
          )}
        </Tabs.Panel>
        <Tabs.Panel value="history" className="outline-none">
          <HistoryShelf library={library} view={view} target={target} lend={lend} />
        </Tabs.Panel>
        {sites !== null && sites.length > 0 && view.bringing.length === 0 && (
          <div className="mt-4 border-t border-line pt-4">
            <Switch
              label={t.library.lend}
              text={t.library.lendText}
              isOn={isLent}
              isReadOnly={false}
              onChange={setLent}
            />
          </div>
        )}
      </Tabs.Root>
    </Dialog>
  );
}

function Tab({ value, label }: { readonly value: Shelf; readonly label: string }) {
  return (
    <Tabs.Tab
      value={value}
      className="px-3 text-sm font-medium text-dim transition-colors duration-120 outline-none hover:text-ink focus-visible:bg-hover data-active:text-ink"
    >
      {label}
    </Tabs.Tab>
  );
}
