import type { AudioTrack } from "@/wire/wire.gen";
import { DuoTransport } from "../duo";
import { measureFitness } from "../fitness";
import { begin, choices } from "../quality";
import { distinctSounds, languageName, soundOf, soundType } from "../sounds";
import { type Engine, type EngineContext, screenHeight } from "./engine";
import { Loading } from "./loading";

/** Separate picture and sound, in two elements. */
export async function openPair(context: EngineContext, videoUrl: string, audioUrl: string): Promise<Engine> {
  const { video, state } = context;
  const withAddress = state.qualities.filter((option) => option.video_url !== null);
  const offered = choices(withAddress, await measureFitness(withAddress));
  context.signal.throwIfAborted();
  let chosen = begin(offered, screenHeight(), context.wantedHeight);
  const audio = context.audio();
  const transport = new DuoTransport(video, audio, context.refused);
  const canHear = (track: AudioTrack) => audio.canPlayType(soundType(track.codecs)) !== "";
  // The address the video names stands for itself where nothing is known.
  const heard = distinctSounds(state.audio_tracks, canHear);
  let sound = soundOf(heard, context.soundLanguage);

  const picture = new Loading(video, () => chosen?.url ?? videoUrl, context);
  const partner = new Loading(audio, () => sound?.url ?? audioUrl, context);
  video.muted = true;
  partner.load();
  picture.load();

  return {
    transport,
    choices: offered,
    get choice() {
      return chosen?.id ?? null;
    },
    select(id) {
      const next = offered.find((choice) => choice.id === id);
      if (next === undefined || next === chosen) return;
      chosen = next;
      transport.pause();
      picture.load();
      context.changed();
    },
    sounds: heard.map(({ id, language }) => ({ id, language, label: languageName(language) ?? id })),
    get sound() {
      return sound?.id ?? null;
    },
    selectSound(id) {
      const next = heard.find((each) => each.id === id);
      if (next === undefined || next === sound) return;
      sound = next;
      transport.pause();
      partner.load();
      context.changed();
    },
    moved() {
      const stranded = [picture, partner].filter((each) => each.isStranded);
      if (stranded.length > 0) transport.pause();
      for (const each of stranded) each.load();
    },
    destroy() {
      transport.destroy();
      picture.end();
      partner.end();
    },
  };
}
