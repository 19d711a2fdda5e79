import { FastForward, Gauge, Pause, Play, Rewind, Volume2 } from "lucide-react";
import { useStore } from "@/lib/store";
import type { Feedback } from "@/room/feedback";
import type { RoomSession } from "@/room/session";

const icons: Readonly<Record<Feedback["kind"], typeof Play>> = {
  play: Play,
  pause: Pause,
  back: Rewind,
  forward: FastForward,
  seek: FastForward,
  rate: Gauge,
  volume: Volume2,
};

/** What just happened, and who did it. */
export function FeedbackFlash({ session }: { readonly session: RoomSession }) {
  const feedback = useStore(session.feedback, (value) => value);
  if (feedback === null) return null;
  const Icon = icons[feedback.kind];
  return (
    <div key={feedback.key} className="pointer-events-none absolute inset-0 grid place-items-center">
      <div className="flex animate-flash flex-col items-center gap-3 opacity-0">
        <span className="grid size-[clamp(52px,9cqw,76px)] place-items-center rounded-full bg-black/55 backdrop-blur-sm">
          <Icon className="size-[42%]" fill="currentColor" strokeWidth={1.5} aria-hidden />
        </span>
        {feedback.text && (
          <span className="rounded-full bg-black/60 px-3 py-1 text-sm font-medium backdrop-blur-sm">
            {feedback.text}
          </span>
        )}
      </div>
    </div>
  );
}
