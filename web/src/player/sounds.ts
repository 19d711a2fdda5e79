/** Which of a video's audio tracks to play. Pure. */
import { locale } from "@/text";
import type { AudioTrack } from "@/wire/wire.gen";
import { fullName } from "./codecs";

export type Hearing = (track: AudioTrack) => boolean;

/** The best that can be heard of each language, the video's own language first. */
export function distinctSounds(tracks: readonly AudioTrack[], canHear: Hearing): readonly AudioTrack[] {
  const best = new Map<string | null, AudioTrack>();
  for (const track of tracks) {
    if (track.url === "" || !canHear(track)) continue;
    const held = best.get(track.language);
    if (held === undefined || (track.bitrate ?? 0) > (held.bitrate ?? 0)) best.set(track.language, track);
  }
  return [...best.values()];
}

/** The MIME type of a separate audio file. */
export function soundType(codecs: string): string {
  return `audio/${/opus|vorbis/.test(codecs) ? "webm" : "mp4"}; codecs="${fullName(codecs)}"`;
}

/** The track of a language, or of its first part (`en` for `en-GB`), else the first. */
export function soundOf<T extends { readonly language: string | null }>(
  tracks: readonly T[],
  wanted: string | null,
): T | null {
  return (wanted === null ? null : kin(tracks, wanted)) ?? tracks[0] ?? null;
}

/** The track of a language, or of its first part; null where there is none. */
export function kin<T extends { readonly language: string | null }>(tracks: readonly T[], wanted: string): T | null {
  const base = (language: string | null) => language?.split("-")[0]?.toLowerCase() ?? null;
  return (
    tracks.find(({ language }) => language === wanted) ??
    tracks.find(({ language }) => base(language) === base(wanted)) ??
    null
  );
}

/** A language in the reader's own: "en" is English. */
export function languageName(language: string | null): string | null {
  if (language === null || language === "und") return null;
  try {
    return new Intl.DisplayNames([locale()], { type: "language" }).of(language) ?? language;
  } catch {
    return language;
  }
}
