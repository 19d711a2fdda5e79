import { siteOf } from "@/lib/format";
import { useStore } from "@/lib/store";
import type { RoomSession } from "@/room/session";
import { upNext } from "@/room/view";
import { t } from "@/text";
import { cx } from "@/ui/classes";

/** What plays, who brought it, and what comes after. */
export function NowPlaying({ session, isTheatre }: { readonly session: RoomSession; readonly isTheatre: boolean }) {
  const replica = useStore(session.view, (view) => view.replica);
  const queue = useStore(session.view, (view) => view.queue);
  const next = useStore(session.view, upNext);
  const quality = useStore(
    session.player.state,
    ({ choices, choice }) => choices.find((each) => each.id === choice)?.label,
  );
  const index = queue.findIndex((item) => item.id === replica?.itemId);
  const item = queue[index];
  if (item === undefined) return null;
  const facts = [
    item.added_by ? t.room.addedBy(session.nameAmong(item.added_by)) : null,
    siteOf(item.url),
    // "Original" and its like say nothing to anybody.
    quality && /\d/.test(quality) ? quality : null,
  ].filter((fact) => fact !== null);
  return (
    <section
      aria-label={t.room.nowPlaying}
      className={cx(
        "flex shrink-0 items-start gap-6 px-4 py-3 wide:px-1 wide:pt-4 wide:pb-0 short:hidden compact:hidden",
        isTheatre && "wide:px-6",
      )}
    >
      <div className="min-w-0 flex-1">
        <h2 dir="auto" className="text-left line-clamp-1 text-base font-semibold tracking-[-0.01em] wide:text-lg">
          {replica?.video?.title ?? item.title}
        </h2>
        <p className="mt-0.5 truncate text-sm text-dim">{facts.join(" · ")}</p>
      </div>
      {next && (
        <p className="hidden max-w-[40%] min-w-0 text-right text-sm text-dim wide:block">
          <span className="block text-xs">{t.room.upNext}</span>
          <span dir="auto" className="block truncate text-right text-ink">
            {next.title}
          </span>
        </p>
      )}
    </section>
  );
}
