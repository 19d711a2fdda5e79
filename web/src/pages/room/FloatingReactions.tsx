import { useStore } from "@/lib/store";
import { showsReactions } from "@/room/reactions";
import type { RoomSession } from "@/room/session";

/** Emoji that rise over the picture and are gone. */
export function FloatingReactions({ session }: { readonly session: RoomSession }) {
  const floating = useStore(session.talk.floating, (value) => value);
  const isShown = useStore(showsReactions, (value) => value);
  if (!isShown) return null;
  return (
    <div aria-hidden data-role="reactions" className="pointer-events-none absolute inset-0 overflow-hidden">
      {floating.map(({ key, emoji, name, place }) => (
        <span
          key={key}
          style={{ left: `${6 + place * 84}%` }}
          className="absolute bottom-20 flex animate-float flex-col items-center gap-1 opacity-0"
        >
          <span className="font-emoji text-[clamp(28px,4.5cqw,48px)] leading-none drop-shadow-lg">{emoji}</span>
          <span className="max-w-28 truncate rounded-full bg-black/55 px-2 text-[11px] leading-4.5 font-medium text-white">
            {name}
          </span>
        </span>
      ))}
    </div>
  );
}
