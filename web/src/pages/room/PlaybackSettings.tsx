import { useStore } from "@/lib/store";
import { canShapeSound } from "@/player/audioGraph";
import type { CueSize } from "@/player/captions";
import type { Levelling } from "@/player/loudness";
import type { RoomSession } from "@/room/session";
import { t } from "@/text";
import { optionsOf, Select } from "@/ui/Select";
import { Stepper } from "@/ui/Stepper";
import { Switch } from "@/ui/Switch";

/** How this person's own player works; nobody else notices. */
export function PlaybackSettings({ session }: { readonly session: RoomSession }) {
  const { player } = session;
  const state = useStore(player.state, (value) => value);
  const { off, normal } = t.common;
  const levellings = { off, normal, strong: t.settings.strong } satisfies Record<Levelling, string>;
  const sizes = { small: t.settings.small, normal, large: t.settings.large } satisfies Record<CueSize, string>;
  return (
    <div className="flex flex-col gap-3.5">
      {state.sounds.length > 1 && (
        <Select
          label={t.player.language}
          options={state.sounds.map(({ id, label }) => ({ value: id, label }))}
          value={state.sound ?? ""}
          isReadOnly={false}
          onChange={(id) => player.tracks.selectSound(id)}
        />
      )}
      {canShapeSound() && (
        <>
          <Select
            label={t.settings.loudness}
            options={optionsOf(levellings)}
            value={state.levelling}
            isReadOnly={false}
            onChange={(value) => player.speaker.setLevelling(value as Levelling)}
          />
          <Stepper
            label={t.settings.soundDelay}
            text={t.settings.soundDelayText}
            value={Math.round(state.soundDelay * 1000)}
            step={20}
            least={0}
            most={1000}
            unit="ms"
            onChange={(value) => player.speaker.setDelay(value / 1000)}
          />
        </>
      )}
      <Select
        label={t.settings.cueSize}
        options={optionsOf(sizes)}
        value={state.cueSize}
        isReadOnly={false}
        onChange={(value) => player.tracks.resizeSubtitles(value as CueSize)}
      />
      <Stepper
        label={t.settings.cueShift}
        text={t.settings.cueShiftText}
        value={Math.round(state.cueShift * 10) / 10}
        step={0.1}
        least={-60}
        most={60}
        unit="s"
        onChange={(value) => player.tracks.shiftSubtitles(value)}
      />
      <Switch
        label={t.settings.joined}
        text={t.settings.joinedText}
        isOn={state.joinsPairs}
        isReadOnly={false}
        onChange={(value) => player.setJoinsPairs(value, session.position())}
      />
    </div>
  );
}
