import { Eye, EyeOff } from "lucide-react";
import { useStore } from "@/lib/store";
import { setShowsReactions, showsReactions } from "@/room/reactions";
import type { RoomSession } from "@/room/session";
import { t } from "@/text";
import { IconButton } from "@/ui/IconButton";
import { useObjection } from "../useObjection";

const emoji = [
  ["👍", "thumbsUp"],
  ["❤️", "heart"],
  ["😂", "laughing"],
  ["😮", "surprised"],
  ["😢", "crying"],
  ["👏", "applause"],
  ["🔥", "fire"],
  ["🎉", "party"],
] as const;

/** One press, and it floats over everybody's picture. */
export function EmojiRow({ session }: { readonly session: RoomSession }) {
  const isShown = useStore(showsReactions, (value) => value);
  if (useObjection(session, "chat") !== null) return null;
  return (
    <fieldset className="-mx-1 mb-1.5 flex items-center">
      <legend className="sr-only">{t.chat.reactions}</legend>
      {emoji.map(([each, name]) => (
        <button
          key={each}
          type="button"
          aria-label={t.chat.emoji[name]}
          onClick={() => session.react(each)}
          className="grid h-9 min-w-0 flex-1 place-items-center rounded-control font-emoji text-lg leading-none transition-[background-color,transform] duration-120 ease-out hover:bg-hover active:scale-90 touch:h-11"
        >
          {each}
        </button>
      ))}
      <IconButton
        label={isShown ? t.chat.hideReactions : t.chat.showReactions}
        size="small"
        onClick={() => setShowsReactions(!isShown)}
      >
        {isShown ? <Eye size={16} className="text-dim" /> : <EyeOff size={16} className="text-dim" />}
      </IconButton>
    </fieldset>
  );
}
