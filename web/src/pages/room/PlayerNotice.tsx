import { Music, VolumeX } from "lucide-react";
import { useStore } from "@/lib/store";
import type { RoomSession } from "@/room/session";
import { t } from "@/text";
import { Button } from "@/ui/Button";
import { Spinner } from "@/ui/Spinner";
import type { VideoState } from "@/wire/wire.gen";

/** What the player has to say while something is loaded: that it waits, that it may not be heard, that there is no picture. */
export function PlayerNotice({ session }: { readonly session: RoomSession }) {
  const player = useStore(
    session.player.state,
    ({ phase, isBuffering, isStuck, hasPicture, needsTap, missingText }) => ({
      isWaiting: isBuffering || phase === "loading",
      missingText,
      isStuck,
      hasPicture,
      needsTap,
    }),
  );
  const video = useStore(session.view, ({ replica }) => replica?.video ?? null);
  return (
    <>
      {!player.hasPicture && video !== null && (
        <SoundOnly title={video.title} hasCover={video.thumbnail !== ""} isFilm={isFilm(video)} />
      )}
      {player.isWaiting && (
        <div className="pointer-events-none absolute inset-x-0 top-0 bottom-(--foot) grid place-items-center">
          <div className="grid justify-items-center gap-4">
            <div role="img" aria-label={t.player.buffering}>
              {/* Around the button that fingers have there. */}
              <Spinner className="size-[clamp(40px,7cqw,60px)] touch:size-19" />
            </div>
            {player.isStuck && (
              <div className="pointer-events-auto z-10 grid animate-enter justify-items-center gap-3 rounded-panel bg-black/70 px-4 py-3 text-sm">
                <p>{t.stage.stuck}</p>
                <Button onClick={() => session.reloadMedia()}>{t.common.tryAgain}</Button>
              </div>
            )}
          </div>
        </div>
      )}
      {player.missingText !== null && (
        <p
          role="status"
          className="pointer-events-none absolute bottom-22 left-1/2 z-10 -translate-x-1/2 animate-enter rounded-control bg-black/80 px-3 py-1.5 text-sm"
        >
          {t.player.missingText(player.missingText)}
        </p>
      )}
      {player.needsTap && (
        <button
          type="button"
          onClick={() => session.player.speaker.unlock()}
          className="absolute top-4 left-1/2 z-10 flex h-11 -translate-x-1/2 animate-enter items-center gap-2.5 rounded-full bg-white px-5 text-sm font-semibold text-black shadow-float transition-transform duration-120 hover:scale-[1.03] active:scale-97"
        >
          <VolumeX size={18} aria-hidden /> {t.player.tapForSound}
        </button>
      )}
    </>
  );
}

interface SoundOnlyProps {
  readonly title: string;
  /** A picture of the video stands there already. */
  readonly hasCover: boolean;
  /** That there is no picture may be this browser's fault. */
  readonly isFilm: boolean;
}

function SoundOnly({ title, hasCover, isFilm }: SoundOnlyProps) {
  return (
    <div
      data-role="sound-only"
      className="pointer-events-none absolute inset-0 grid place-items-center bg-linear-to-b from-transparent to-black/60 p-6 text-center touch:items-start touch:pt-4"
    >
      {(!hasCover || isFilm) && (
        <div className="flex max-w-md flex-col items-center">
          <span className="mb-4 grid touch:hidden size-[clamp(56px,12cqw,104px)] place-items-center rounded-full bg-white/10 text-white/90">
            <Music className="size-[42%]" aria-hidden />
          </span>
          <p className="line-clamp-2 text-base font-semibold text-balance">{title}</p>
          <p className="mt-1 text-sm text-pretty text-dim">{isFilm ? t.stage.noPicture : t.stage.soundOnly}</p>
        </div>
      )}
    </div>
  );
}

function isFilm({ url, qualities }: VideoState): boolean {
  return qualities.some(({ height }) => height !== null) || /\.(mp4|m4v|mov|mkv|webm|avi|ts)($|[?#])/i.test(url);
}
