import { CircleAlert, Clapperboard, PartyPopper } from "lucide-react";
import type { ReactNode } from "react";
import { useStore } from "@/lib/store";
import type { RoomSession } from "@/room/session";
import { mayMend } from "@/room/signIns";
import { attemptWords, failureWords } from "@/room/words";
import { t } from "@/text";
import { Button } from "@/ui/Button";
import { cx } from "@/ui/classes";
import type { Layout } from "./layout";
import { PlayerNotice } from "./PlayerNotice";
import { StageWords } from "./StageWords";

interface Props {
  readonly session: RoomSession;
  readonly layout: Pick<Layout, "isPanelOpen" | "togglePanel">;
}

/** What stands on the stage when there is more to say than the picture does. */
export function StageNotice({ session, layout: { isPanelOpen, togglePanel: onPanel } }: Props) {
  const replica = useStore(session.view, (view) => view.replica);
  const queueLength = useStore(session.view, ({ queue }) => queue.length);
  const player = useStore(session.player.state, ({ phase, failure }) => ({ phase, failure }));
  if (replica === null) return <StageWords text={t.entering.joining} />;
  const item = replica.queue.find((each) => each.id === replica.itemId);
  if (replica.video === null) {
    if (item?.status === "failed") {
      return (
        <Notice
          icon={<CircleAlert />}
          title={t.stage.notOpened}
          text={failureWords(item)}
          tried={item.attempts.map((attempt) => attemptWords(attempt, replica.you.id, (id) => session.nameOf(id)))}
        >
          <div className="flex flex-wrap justify-center gap-2">
            {mayMend(item) && (
              <Button look="primary" onClick={() => session.signIns.open(item)}>
                {t.queue.shareCookies}
              </Button>
            )}
            <Button look={mayMend(item) ? "quiet" : "primary"} onClick={() => session.queue.retry(item)}>
              {t.common.tryAgain}
            </Button>
          </div>
        </Notice>
      );
    }
    if (item !== undefined) {
      const stage = replica.stages[item.id];
      return <StageWords text={stage ? t.stage.stages[stage] : t.stage.opening} detail={item.title} />;
    }
    if (replica.hasEnded && queueLength === 0) {
      return (
        <Notice icon={<PartyPopper />} {...t.stage.over}>
          {!isPanelOpen && <Button onClick={onPanel}>{t.stage.addLink}</Button>}
        </Notice>
      );
    }
    return (
      <Notice icon={<Clapperboard />} {...t.stage.empty}>
        {!isPanelOpen && <Button onClick={onPanel}>{t.stage.addLink}</Button>}
      </Notice>
    );
  }
  if (player.phase === "failed" && player.failure !== null) {
    const { title, text } = t.stage.failures[player.failure.kind];
    return (
      <Notice icon={<CircleAlert />} title={title} text={text} detail={player.failure.detail} hasBar>
        <Button look="primary" onClick={() => session.reloadMedia()}>
          {t.common.tryAgain}
        </Button>
      </Notice>
    );
  }
  return <PlayerNotice session={session} />;
}

interface NoticeProps {
  readonly icon: ReactNode;
  readonly title: string;
  readonly text: string;
  readonly detail?: string;
  /** How each way failed, where there were several. */
  readonly tried?: readonly string[];
  /** The player has something, and so its bar is below. */
  readonly hasBar?: boolean;
  readonly children?: ReactNode;
}

function Notice({ icon, title, text, detail, tried = [], hasBar = false, children }: NoticeProps) {
  return (
    // Above the player's bar, which covers half of a small stage; the bar stays usable beside what can be pressed here.
    <div
      className={cx(
        "pointer-events-none absolute inset-0 z-10 grid place-items-center overflow-y-auto p-5 text-center max-[520px]:p-3 max-[380px]:p-2 [&_button]:pointer-events-auto [&_summary]:pointer-events-auto",
        hasBar && "max-[520px]:pb-16",
        hasBar && Boolean(children) && "max-[380px]:pb-2",
      )}
    >
      <div className="flex max-w-sm flex-col items-center">
        <span className="mb-4 grid size-14 place-items-center rounded-full bg-white/10 text-white/90 max-[520px]:hidden [&>svg]:size-6">
          {icon}
        </span>
        <p className="text-base font-semibold">{title}</p>
        <p className="mt-1 text-sm text-pretty text-dim">{text}</p>
        {children && <div className="mt-4 max-[380px]:mt-2">{children}</div>}
        {tried.length > 0 && (
          <details className="mt-3 text-xs text-dim">
            <summary className="cursor-pointer">{t.stage.whatWasTried}</summary>
            <ul>
              {tried.map((words) => (
                <li key={words} className="mt-1 text-pretty">
                  {words}
                </li>
              ))}
            </ul>
          </details>
        )}
        {detail && (
          <details className="mt-3 text-xs text-dim">
            <summary className="cursor-pointer">{t.stage.details}</summary>
            <code className="break-all">{detail}</code>
          </details>
        )}
      </div>
    </div>
  );
}
