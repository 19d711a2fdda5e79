import type { QualityOption } from "@/wire/wire.gen";
import { fullName } from "./codecs";
import type { Fitness } from "./quality";

const SOUND = /^(mp4a|aac|opus|vorbis|ac-?3|ec-?3|eac3|flac|mp3)/;

/** Asks the browser once per rendition how it would play it (Media Capabilities, else `canPlayType`). */
export async function measureFitness(options: readonly QualityOption[]): Promise<Fitness> {
  // A wide range on a screen without one is a washed out picture, where there is another.
  const isDull = !matchMedia("(dynamic-range: high)").matches && options.some(({ hdr }) => !hdr);
  const measured = await Promise.all(
    options.map(async (option) => [option.id, option.hdr && isDull ? 0 : await fitness(option)] as const),
  );
  const byId = new Map(measured);
  return (option) => byId.get(option.id) ?? 0;
}

async function fitness(option: QualityOption): Promise<number> {
  const codec = pictureCodec(option.codecs);
  if (codec === null) return 1;
  const contentType = `video/${/^vp|^vp0?[89]/.test(codec) ? "webm" : "mp4"}; codecs="${codec}"`;
  if (document.createElement("video").canPlayType(contentType) === "") return 0;
  if (!("mediaCapabilities" in navigator) || option.width === null || option.height === null) return 1;
  try {
    const info = await navigator.mediaCapabilities.decodingInfo({
      type: "file",
      video: {
        contentType,
        width: option.width,
        height: option.height,
        bitrate: option.bitrate ?? 4_000_000,
        framerate: option.fps ?? 30,
      },
    });
    if (!info.supported) return 0;
    return info.smooth ? (info.powerEfficient ? 3 : 2) : 1;
  } catch {
    return 1;
  }
}

function pictureCodec(codecs: string): string | null {
  const names = codecs.split(",").map((name) => name.trim());
  const picture = names.find((name) => name !== "" && name !== "none" && !SOUND.test(name));
  return picture === undefined ? null : fullName(picture);
}
