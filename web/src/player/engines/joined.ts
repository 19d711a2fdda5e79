import { bases } from "@/lib/bases";
import { fullName } from "../codecs";
import { bestFamily } from "../family";
import { measureFitness } from "../fitness";
import { type FileIndex, type Rendition, writeMpd } from "../mpd";
import { choices } from "../quality";
import { distinctSounds, soundType } from "../sounds";
import { openDash } from "./dash";
import { type Engine, type EngineContext, screenHeight } from "./engine";

/** Separate picture and sound in one MediaSource: they can't drift apart. Rejects where that can't be done. */
export async function openJoined(context: EngineContext): Promise<Engine> {
  const { state } = context;
  const withAddress = state.qualities.filter((option) => option.video_url !== null);
  const family = bestFamily(withAddress, await measureFitness(withAddress), screenHeight());
  const tracks = distinctSounds(state.audio_tracks, (track) => canAppend(soundType(track.codecs)));
  const [pictures, sounds] = await Promise.all([
    indexed(family.map((option) => ({ ...option, url: option.video_url ?? "", language: null }))),
    indexed(tracks.map((track) => ({ ...track, width: null, height: null }))),
  ]);
  const container = pictures[0]?.index.container;
  const alike = pictures.filter((each) => each.index.container === container);
  if (alike.length === 0 || sounds.length === 0) throw new Error("The files have no lists of their pieces.");

  const manifest = URL.createObjectURL(new Blob([writeMpd(alike, sounds)], { type: "application/dash+xml" }));
  const chosen = new Set(alike.map(({ id }) => id));
  const offered = choices(
    family.filter(({ id }) => chosen.has(id)),
    () => 1,
  ).map((choice) => ({ ...choice, url: null }));
  try {
    return await openDash(context, manifest, { kind: "joined", offered, ended: () => URL.revokeObjectURL(manifest) });
  } catch (error) {
    URL.revokeObjectURL(manifest);
    throw error;
  }
}

type File = Omit<Rendition, "bandwidth" | "index"> & { readonly bitrate: number | null };

/** The files that can be played piece by piece. */
async function indexed(files: readonly File[]): Promise<readonly Rendition[]> {
  const found = await Promise.allSettled(
    files.map(async ({ id, url, codecs, bitrate, width, height, language }) => {
      const address = new URL(url, location.href).href;
      const index = await readIndex(address);
      return {
        id,
        url: address,
        codecs: fullName(codecs),
        width,
        height,
        language,
        index,
        bandwidth: bitrate ?? guess(height),
      };
    }),
  );
  return found.filter((each) => each.status === "fulfilled").map((each) => each.value);
}

const READ_TIMEOUT_MS = 8000;

async function readIndex(address: string): Promise<FileIndex> {
  const answer = await fetch(`${bases.at(address)}&view=index`, { signal: AbortSignal.timeout(READ_TIMEOUT_MS) });
  if (!answer.ok) throw new Error(`The proxy answers ${answer.status}.`);
  return (await answer.json()) as FileIndex;
}

function canAppend(type: string): boolean {
  const sources = window as unknown as { readonly ManagedMediaSource?: typeof MediaSource };
  return (window.MediaSource ?? sources.ManagedMediaSource)?.isTypeSupported(type) ?? false;
}

/** Bit/s where the site tells none: only their order matters. */
function guess(height: number | null): number {
  return height === null ? 128_000 : height * height * 2;
}
