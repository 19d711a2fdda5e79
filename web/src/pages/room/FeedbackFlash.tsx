import { FastForward, Gauge, Pause, Play, Rewind, Volume2 } from "lucide-react";
import { useStore } from "@/lib/store";
import type { Feedback } from "@/room/feedback";
import type { RoomSession } from "@/room/session";
import { cx } from "@/ui/classes";

interface Look {
  readonly icon: typeof Play;
  readonly className: string;
}

const MIDDLE = "inset-x-0 top-0 bottom-(--foot) place-items-center";
/** Under fingers the middle is the play button's, which shows by itself what became of it. */
const BUTTON = `${MIDDLE} touch:[&_[data-part=icon]]:invisible`;
const CORNER =
  "inset-0 place-items-center touch:place-items-start touch:p-3 touch:[&>div]:flex-row touch:[&_[data-part=icon]]:size-9 touch:[&_[data-part=text]]:static touch:[&_[data-part=text]]:mt-0 touch:[&_[data-part=text]]:ml-2 touch:[&_[data-part=text]]:translate-x-0";

const looks: Readonly<Record<Feedback["kind"], Look>> = {
  play: { icon: Play, className: BUTTON },
  pause: { icon: Pause, className: BUTTON },
  back: { icon: Rewind, className: "top-0 bottom-(--foot) left-0 w-2/5 place-items-center" },
  forward: { icon: FastForward, className: "top-0 bottom-(--foot) right-0 w-2/5 place-items-center" },
  seek: { icon: FastForward, className: CORNER },
  rate: { icon: Gauge, className: CORNER },
  volume: { icon: Volume2, className: CORNER },
};

/** What just happened, and who did it. */
export function FeedbackFlash({ session }: { readonly session: RoomSession }) {
  const feedback = useStore(session.feedback, (value) => value);
  if (feedback === null) return null;
  const { icon: Icon, className } = looks[feedback.kind];
  return (
    <div key={feedback.key} className={cx("pointer-events-none absolute grid", className)}>
      <div className="relative flex animate-flash flex-col items-center opacity-0">
        <span
          data-part="icon"
          className="grid size-[clamp(52px,9cqw,76px)] place-items-center rounded-full bg-black/55 backdrop-blur-sm"
        >
          <Icon className="size-[42%]" fill={Icon === Gauge ? "none" : "currentColor"} strokeWidth={1.5} aria-hidden />
        </span>
        {feedback.text && (
          <span
            data-part="text"
            className="absolute top-full left-1/2 mt-2 w-max max-w-[40cqw] -translate-x-1/2 truncate rounded-full bg-black/60 px-3 py-1 text-sm font-medium backdrop-blur-sm"
          >
            {feedback.text}
          </span>
        )}
      </div>
    </div>
  );
}
