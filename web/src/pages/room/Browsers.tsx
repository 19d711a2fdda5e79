import { Puzzle, Unplug } from "lucide-react";
import { useEffect } from "react";
import { dayTime, siteOf } from "@/lib/format";
import { useStore } from "@/lib/store";
import type { Pairing } from "@/room/pairing";
import type { RoomSession } from "@/room/session";
import { siteFor } from "@/room/signIns";
import { t } from "@/text";
import { Button } from "@/ui/Button";
import { IconButton } from "@/ui/IconButton";
import type { QueueItem } from "@/wire/wire.gen";

/** The extension: connect a browser by a code, see which are connected, disconnect them. */
export function Browsers({ session }: { readonly session: RoomSession }) {
  const { pairing } = session.signIns;
  const { browsers, code, problem, isBusy } = useStore(pairing.view, (view) => view);
  const { item, sites } = useStore(session.signIns.view, (view) => view);
  const wanted = item !== null && siteFor(item.url, sites ?? []) === null ? item : null;
  useCodeFor(wanted, pairing);
  return (
    // The extension's button reads both, when it is pressed while this page is in front.
    <section data-wt-wanted={wanted === null ? undefined : hostOf(wanted.url)} data-wt-code={code ?? undefined}>
      <h3 className="mb-1 text-xs font-medium text-dim">{t.pairing.title}</h3>
      <p className="mb-2 text-sm text-pretty">
        {wanted !== null && browsers !== null && browsers.length > 0
          ? t.pairing.withConnected(siteOf(wanted.url))
          : t.pairing.text}
      </p>
      {browsers !== null && browsers.length > 0 && <BrowserList pairing={pairing} />}
      {code === null ? (
        <Button disabled={isBusy} onClick={() => void pairing.show()}>
          <Puzzle size={17} aria-hidden /> {t.pairing.connect}
        </Button>
      ) : (
        <div className="flex flex-col gap-1 rounded-control bg-raised p-3">
          <output
            aria-label={t.pairing.code}
            className="text-lg font-semibold tracking-[0.12em] tabular-nums select-all"
          >
            {code}
          </output>
          <p className="text-xs text-pretty text-dim">{t.pairing.how}</p>
        </div>
      )}
      {problem !== null && (
        <p role="alert" className="mt-2 text-sm text-bad">
          {problem}
        </p>
      )}
    </section>
  );
}

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}

/** Whoever came for a video is shown a code at once, unless a browser of theirs is connected already. */
function useCodeFor(wanted: QueueItem | null, pairing: Pairing): void {
  const isAlone = useStore(pairing.view, ({ browsers }) => browsers?.length === 0);
  const isWanted = wanted !== null && isAlone;
  useEffect(() => {
    if (isWanted) void pairing.show();
  }, [isWanted, pairing]);
}

function BrowserList({ pairing }: { readonly pairing: Pairing }) {
  const { browsers, isBusy } = useStore(pairing.view, (view) => view);
  return (
    <ul aria-label={t.pairing.connected} className="mb-2 flex max-h-40 flex-col overflow-y-auto">
      {(browsers ?? []).map(({ id, name, used_at }) => (
        <li key={id} className="flex items-center gap-2 border-b border-line py-1 last:border-0">
          <span className="min-w-0 flex-1">
            <span className="block text-sm font-medium break-all">{name}</span>
            <span className="block text-xs text-dim">{t.pairing.lastSeen(dayTime(used_at))}</span>
          </span>
          <IconButton
            label={t.pairing.disconnect(name)}
            size="small"
            disabled={isBusy}
            onClick={() => void pairing.revoke(id)}
          >
            <Unplug size={16} />
          </IconButton>
        </li>
      ))}
    </ul>
  );
}
