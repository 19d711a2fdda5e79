import { useStore } from "@/lib/store";
import { canShapeSound } from "@/player/audioGraph";
import type { CueSize } from "@/player/captions";
import type { Levelling } from "@/player/loudness";
import type { RoomSession } from "@/room/session";
import { Select } from "@/ui/Select";
import { Stepper } from "@/ui/Stepper";
import { Switch } from "@/ui/Switch";

const LEVELLING = [
  { value: "off", label: "Off" },
  { value: "normal", label: "Normal" },
  { value: "strong", label: "Strong" },
];
const SIZES = [
  { value: "small", label: "Small" },
  { value: "normal", label: "Normal" },
  { value: "large", label: "Large" },
];

/** How this person's own player works; nobody else notices. */
export function PlaybackSettings({ session }: { readonly session: RoomSession }) {
  const { player } = session;
  const state = useStore(player.state, (value) => value);
  return (
    <div className="flex flex-col gap-3.5">
      {canShapeSound() && (
        <>
          <Select
            label="Even out loudness"
            options={LEVELLING}
            value={state.levelling}
            isReadOnly={false}
            onChange={(value) => player.setLevelling(value as Levelling)}
          />
          <Stepper
            label="Delay the sound"
            text="Where the picture comes late, as on some televisions."
            value={Math.round(state.soundDelay * 1000)}
            step={20}
            least={0}
            most={1000}
            unit="ms"
            onChange={(value) => player.setSoundDelay(value / 1000)}
          />
        </>
      )}
      <Select
        label="Size of subtitles"
        options={SIZES}
        value={state.cueSize}
        isReadOnly={false}
        onChange={(value) => player.resizeSubtitles(value as CueSize)}
      />
      <Stepper
        label="Move subtitles"
        text="Of this video, if the words come too early or too late."
        value={Math.round(state.cueShift * 10) / 10}
        step={0.1}
        least={-60}
        most={60}
        unit="s"
        onChange={(value) => player.shiftSubtitles(value)}
      />
      <Switch
        label="Play picture and sound as one stream"
        text="Where a site serves them apart. Turn it off if playback stutters in your browser."
        isOn={state.joinsPairs}
        isReadOnly={false}
        onChange={(value) => player.setJoinsPairs(value, session.position())}
      />
    </div>
  );
}
