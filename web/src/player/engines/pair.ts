import type { AudioTrack } from "@/wire/wire.gen";
import { DuoTransport } from "../duo";
import { measureFitness } from "../fitness";
import { begin, choices } from "../quality";
import { distinctSounds, languageName, soundOf, soundType } from "../sounds";
import { type Engine, type EngineContext, screenHeight } from "./engine";

const RETRIES = 3;
const RETRY_MS = 1500;

/** Separate picture and sound, in two elements. */
export async function openPair(context: EngineContext, videoUrl: string, audioUrl: string): Promise<Engine> {
  const { video, state } = context;
  const withAddress = state.qualities.filter((option) => option.video_url !== null);
  const offered = choices(withAddress, await measureFitness(withAddress));
  let chosen = begin(offered, screenHeight(), context.wantedHeight);
  const audio = context.audio();
  const transport = new DuoTransport(video, audio, context.refused);
  const canHear = (track: AudioTrack) => audio.canPlayType(soundType(track.codecs)) !== "";
  // The address the video names stands for itself where nothing is known.
  const heard = distinctSounds(state.audio_tracks, canHear);
  let sound = soundOf(heard, context.soundLanguage);

  const picture = watch(video, () => chosen?.url ?? videoUrl, context);
  const partner = watch(audio, () => sound?.url ?? audioUrl, context);
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
    destroy() {
      transport.destroy();
      picture.end();
      partner.end();
    },
  };
}

/** Loads an element, and again when it fails for a reason that may pass. */
function watch(media: HTMLMediaElement, url: () => string, context: EngineContext) {
  let failures = 0;
  let retry = 0;
  const load = () => {
    media.src = url();
    media.load();
  };
  const onError = () => {
    const isUnsupported = media.error?.code === 4 && failures > 0;
    if (failures < RETRIES && !isUnsupported) {
      failures += 1;
      retry = window.setTimeout(load, RETRY_MS * failures);
      return;
    }
    context.failed(isUnsupported ? "unsupported" : "network", media.error?.message ?? "");
  };
  const onPlaying = () => {
    failures = 0;
  };
  media.addEventListener("error", onError);
  media.addEventListener("playing", onPlaying);
  return {
    load,
    end() {
      window.clearTimeout(retry);
      media.removeEventListener("error", onError);
      media.removeEventListener("playing", onPlaying);
      media.removeAttribute("src");
      media.load();
    },
  };
}
