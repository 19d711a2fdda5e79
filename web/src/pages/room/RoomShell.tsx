import { LibraryBig, PanelRightClose, Settings, UserPlus } from "lucide-react";
import { t } from "@/text";
import { Wordmark } from "@/ui/Wordmark";
import * as frame from "./frame";
import { StageWords } from "./StageWords";

interface Props {
  readonly roomId: string;
  /** What is being waited for; '' while it is this person. */
  readonly text: string;
}

/** The room's shape before the room is there. The server sends it as markup: it needs no script, and has no effects. */
export function RoomShell({ roomId, text }: Props) {
  return (
    <div className={frame.PAGE} aria-busy>
      <header className={frame.HEADER}>
        <a href="/" aria-label={t.app.home} className={frame.HOME}>
          <Wordmark />
        </a>
        <h1 className={frame.NAME}>{roomId}</h1>
        <span
          aria-hidden
          className="flex items-center gap-2 rounded-control border border-line bg-raised px-4 text-sm font-medium text-ink h-10 touch:h-11 compact:hidden"
        >
          <UserPlus size={17} />
          <span className="max-sm:hidden">{t.invite.button}</span>
        </span>
        {[LibraryBig, Settings].map((Icon) => (
          <span
            key={Icon.displayName}
            aria-hidden
            className="grid size-10 place-items-center touch:size-11 compact:hidden"
          >
            <Icon size={19} className="text-dim" />
          </span>
        ))}
        <span aria-hidden className="grid size-10 place-items-center touch:size-11 narrow:hidden">
          <PanelRightClose size={19} className="text-dim" />
        </span>
      </header>
      <main className={frame.main(false, true)}>
        <div className={frame.column(false)}>
          <div className={`${frame.STAGE} ${frame.STAGE_BESIDE}`}>{text !== "" && <StageWords text={text} />}</div>
        </div>
        <aside aria-hidden className={`${frame.PANEL} flex compact:invisible compact:translate-x-full`}>
          <div className={frame.TABS}>
            {[t.room.queue, t.room.chat, t.room.people].map((label, index) => (
              <span key={label} className={`${frame.TAB} relative ${index === 0 ? "text-ink" : "text-dim"}`}>
                {label}
                {index === 0 && <span className="absolute inset-x-0 bottom-0 h-0.5 rounded-full bg-accent" />}
              </span>
            ))}
          </div>
          <div className="min-h-0 flex-1" />
          <div className={frame.FOOT}>
            <div className="h-10 rounded-control border border-line bg-raised touch:h-11" />
          </div>
        </aside>
      </main>
    </div>
  );
}
