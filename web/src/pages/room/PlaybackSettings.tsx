import { useStore } from "@/lib/store";
import type { RoomSession } from "@/room/session";
import { Switch } from "@/ui/Switch";

/** How this person's own player works; nobody else notices. */
export function PlaybackSettings({ session }: { readonly session: RoomSession }) {
  const { player } = session;
  const { joinsPairs } = useStore(player.state, (state) => ({ joinsPairs: state.joinsPairs }));
  return (
    <div className="flex flex-col gap-3">
      <Switch
        label="Play picture and sound as one stream"
        text="Where a site serves them apart. Turn it off if playback stutters in your browser."
        isOn={joinsPairs}
        isReadOnly={false}
        onChange={(value) => player.setJoinsPairs(value, session.position())}
      />
    </div>
  );
}
