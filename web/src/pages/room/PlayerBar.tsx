import {
  Captions,
  Gauge,
  Languages,
  Maximize,
  Minimize,
  Pause,
  PictureInPicture2,
  Play,
  RectangleHorizontal,
  SkipForward,
  SlidersHorizontal,
  Volume1,
  Volume2,
  VolumeX,
} from "lucide-react";
import { useEffect, useMemo, useState } from "react";
import { keyName } from "@/lib/keyNames";
import { useStore } from "@/lib/store";
import { canSetVolume } from "@/player/loudspeaker";
import { filmAxis, liveAxis } from "@/room/axis";
import { RATES } from "@/room/keys";
import type { RoomSession } from "@/room/session";
import { type RoomView, upNext } from "@/room/view";
import { t } from "@/text";
import { ChoiceMenu } from "@/ui/ChoiceMenu";
import { cx } from "@/ui/classes";
import { IconButton } from "@/ui/IconButton";
import { LiveBadge } from "./LiveBadge";
import type { Layout } from "./layout";
import { Scrubber } from "./Scrubber";
import { TimeText } from "./TimeText";
import { useObjection } from "./useObjection";
import { VolumeSlider } from "./VolumeSlider";

interface Props {
  readonly session: RoomSession;
  readonly layout: Layout;
}

export function PlayerBar({ session, layout }: Props) {
  const hasVideo = useStore(session.view, ({ replica }) => replica !== null && replica.video !== null);
  const isOpening = useStore(session.view, opensNext);
  const objection = useObjection(session, "playback");
  const isLive = useStore(session.view, ({ replica }) => replica?.video?.is_live ?? false);
  // Between two films the bar stands still, and can't be used.
  const isThere = hasVideo || isOpening;
  return (
    <div
      className={cx(
        "chrome absolute inset-x-0 bottom-0 px-[max(0.5rem,env(safe-area-inset-left))] pb-[max(0.25rem,env(safe-area-inset-bottom))] @2xl:px-3",
        isThere && "bg-linear-to-t from-black/80 via-black/45 to-transparent pt-12",
        // Next to nothing can be done, and a small stage has words to show.
        !hasVideo && !layout.isFullscreen && "max-[520px]:hidden",
      )}
    >
      {isThere && (
        <div className="px-1.5">
          <SeekBar session={session} isLive={isLive} isEnabled={hasVideo && objection === null} objection={objection} />
        </div>
      )}
      <div className="flex items-center">
        {/* Fingers have it in the middle of the picture. */}
        {isThere && <PlayButton session={session} isEnabled={hasVideo} className="touch:hidden" />}
        <Next session={session} />
        <Volume session={session} />
        {isThere && (isLive ? <LiveBadge session={session} /> : <TimeText session={session} />)}
        <span className="flex-1" />
        <Subtitles session={session} />
        <Sound session={session} />
        {isThere && !isLive && <Speed session={session} />}
        {isThere && <Quality session={session} />}
        {isThere && "pictureInPictureEnabled" in document && document.pictureInPictureEnabled && (
          <IconButton
            label={t.player.pictureInPicture}
            className="@max-2xl:hidden"
            disabled={!hasVideo}
            onClick={() => void session.player.togglePictureInPicture().catch(() => undefined)}
          >
            <PictureInPicture2 size={20} />
          </IconButton>
        )}
        {!layout.isFullscreen && (
          <IconButton
            label={t.player.theatre}
            aria-pressed={layout.isTheatre}
            className="narrow:hidden"
            onClick={layout.toggleTheatre}
          >
            <RectangleHorizontal size={20} />
          </IconButton>
        )}
        <IconButton label={t.player.fullScreen} aria-pressed={layout.isFullscreen} onClick={layout.toggleFullscreen}>
          {layout.isFullscreen ? <Minimize size={20} /> : <Maximize size={20} />}
        </IconButton>
      </div>
    </div>
  );
}

/** What plays next is there, and not opened yet. */
function opensNext({ replica, queue }: RoomView): boolean {
  return replica?.video === null && queue.find(({ id }) => id === replica.itemId)?.status === "resolving";
}

interface SeekProps {
  readonly session: RoomSession;
  readonly isLive: boolean;
  readonly isEnabled: boolean;
  readonly objection: string | null;
}

/** A live stream has one where there is something to go back in. */
function SeekBar({ session, isLive, isEnabled, objection }: SeekProps) {
  const axis = useMemo(() => (isLive ? liveAxis(session) : filmAxis(session)), [session, isLive]);
  const [isThere, setThere] = useState(false);
  useEffect(() => {
    const look = () => setThere(axis.span() !== null);
    look();
    return session.onTick(look);
  }, [session, axis]);
  return isThere ? <Scrubber session={session} axis={axis} isEnabled={isEnabled} objection={objection} /> : null;
}

interface PlayProps {
  readonly session: RoomSession;
  readonly isEnabled?: boolean;
  /** Of its icon. */
  readonly size?: number;
  readonly className?: string;
}

export function PlayButton({ session, isEnabled = true, size = 22, className }: PlayProps) {
  const isPlaying = useStore(session.view, ({ anchor, waiting }) => anchor.isPlaying || waiting !== null);
  const objection = useObjection(session, "playback");
  const label = isPlaying ? t.player.pause : t.player.play;
  return (
    <IconButton
      label={label}
      hint={t.player.withKey(label, "K")}
      disabled={!isEnabled}
      objection={objection}
      className={className}
      onClick={() => session.togglePlay()}
    >
      {isPlaying ? (
        <Pause size={size} fill="currentColor" strokeWidth={0} />
      ) : (
        <Play size={size} fill="currentColor" strokeWidth={1.5} />
      )}
    </IconButton>
  );
}

function Next({ session }: { readonly session: RoomSession }) {
  const next = useStore(session.view, upNext);
  const isPlaying = useStore(session.view, ({ replica }) => replica?.itemId != null);
  const objection = useObjection(session, "queue");
  if (next === null || !isPlaying) return null;
  return (
    <IconButton
      label={t.player.next}
      hint={t.player.withKey(`${t.player.next}: ${next.title}`, keyName(t.keys.table.next.shown))}
      objection={objection}
      onClick={() => session.queue.playNow(next)}
    >
      <SkipForward size={20} fill="currentColor" />
    </IconButton>
  );
}

function Volume({ session }: { readonly session: RoomSession }) {
  const { volume, isMuted } = useStore(session.player.state, (state) => ({
    volume: state.volume,
    isMuted: state.isMuted || state.needsTap,
  }));
  const label = isMuted ? t.player.unmute : t.player.mute;
  const Icon = isMuted ? VolumeX : volume < 0.5 ? Volume1 : Volume2;
  return (
    <>
      <IconButton
        label={label}
        hint={t.player.withKey(label, "M")}
        onClick={() => session.player.speaker.setMuted(!isMuted)}
      >
        <Icon size={21} />
      </IconButton>
      {canSetVolume() && (
        <span className="@max-xl:hidden">
          <VolumeSlider
            volume={isMuted ? 0 : volume}
            onChange={(value) => session.player.speaker.setVolume(value)}
            className="w-18"
          />
        </span>
      )}
    </>
  );
}

function Subtitles({ session }: { readonly session: RoomSession }) {
  const { texts, subtitle } = useStore(session.player.state, (state) => ({
    texts: state.texts,
    subtitle: state.subtitle,
  }));
  if (texts.length === 0) return null;
  return (
    <ChoiceMenu
      heading={t.player.subtitles}
      trigger={
        <IconButton
          label={t.player.subtitles}
          hint={t.player.withKey(t.player.subtitles, "C")}
          aria-pressed={subtitle !== null}
        >
          <Captions size={21} className={subtitle === null ? "" : "text-accent"} />
        </IconButton>
      }
      options={[{ value: "", label: t.common.off }, ...texts.map(({ id, label }) => ({ value: id, label }))]}
      value={subtitle ?? ""}
      onChoose={(id) => session.player.tracks.selectSubtitle(id === "" ? null : id)}
    />
  );
}

function Sound({ session }: { readonly session: RoomSession }) {
  const { sounds, sound } = useStore(session.player.state, (state) => ({ sounds: state.sounds, sound: state.sound }));
  if (sounds.length < 2) return null;
  return (
    <ChoiceMenu
      heading={t.player.languageForYou}
      trigger={
        <IconButton label={t.player.language} className="@max-[30rem]:hidden">
          <Languages size={20} />
        </IconButton>
      }
      options={sounds.map(({ id, label }) => ({ value: id, label }))}
      value={sound ?? ""}
      onChoose={(id) => session.player.tracks.selectSound(id)}
    />
  );
}

function Speed({ session }: { readonly session: RoomSession }) {
  const rate = useStore(session.view, ({ anchor }) => anchor.rate);
  if (useObjection(session, "playback") !== null) return null;
  return (
    <ChoiceMenu
      heading={t.player.speedForEveryone}
      trigger={
        <IconButton label={rate === 1 ? t.player.speed : `${t.player.speed}, ${rate}×`} className="@max-[26rem]:hidden">
          {rate === 1 ? <Gauge size={20} /> : <span className="text-sm font-semibold tabular-nums">{rate}×</span>}
        </IconButton>
      }
      options={RATES.map((each) => ({ value: String(each), label: each === 1 ? t.common.normal : `${each}×` }))}
      value={String(rate)}
      onChoose={(value) => session.setRate(Number(value))}
    />
  );
}

function Quality({ session }: { readonly session: RoomSession }) {
  const { choices, choice } = useStore(session.player.state, (state) => ({
    choices: state.choices,
    choice: state.choice,
  }));
  return (
    <ChoiceMenu
      heading={t.player.qualityForYou}
      trigger={
        <IconButton label={t.player.quality}>
          <SlidersHorizontal size={20} />
        </IconButton>
      }
      options={choices.map((each) => ({ value: each.id, label: each.label }))}
      value={choice ?? ""}
      onChoose={(id) => session.player.tracks.selectQuality(id)}
      empty={t.player.oneQuality}
    />
  );
}
