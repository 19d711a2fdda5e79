/** Which engine plays a video, decided from what the video offers and what the browser can. */
import type { VideoState } from "@/wire/wire.gen";
import { type Abilities, waysOf } from "./abilities";

export type Source =
  | { readonly engine: "hls"; readonly url: string }
  | { readonly engine: "direct"; readonly url: string }
  | { readonly engine: "dash"; readonly url: string }
  | {
      readonly engine: "pair";
      readonly videoUrl: string;
      readonly audioUrl: string;
      /** One element can play both. */
      readonly canJoin: boolean;
    }
  | { readonly engine: "none" };

const NONE: Source = { engine: "none" };

export function chooseSource(video: VideoState, can: Abilities): Source {
  const ways = waysOf(can);
  switch (video.stream_type) {
    case "direct":
      return video.stream_url ? { engine: "direct", url: video.stream_url } : NONE;
    case "hls":
      if (!video.stream_url || ways.hls === null) return NONE;
      return { engine: ways.hls === "library" ? "hls" : "direct", url: video.stream_url };
    case "dash":
      if (video.manifest_url && ways.manifest !== null) return { engine: "dash", url: video.manifest_url };
      if (video.video_url && video.audio_url) {
        const canJoin = ways.pair === "joined";
        return { engine: "pair", videoUrl: video.video_url, audioUrl: video.audio_url, canJoin };
      }
      // Video without sound, or sound without video, is a plain file.
      return video.video_url || video.audio_url
        ? { engine: "direct", url: video.video_url ?? video.audio_url ?? "" }
        : NONE;
  }
}

/** Whether both are the same streams, so that nothing need be loaded again. */
export function isSameStream(a: VideoState | null, b: VideoState | null): boolean {
  if (a === null || b === null) return a === b;
  const streams = (video: VideoState) =>
    [
      video.item_id,
      video.stream_type,
      ...[video.stream_url, video.manifest_url, video.video_url, video.audio_url].map(streamOf),
    ].join("\n");
  return streams(a) === streams(b);
}

/** A video that was resolved again has other signatures; object and context are what the address names. */
function streamOf(address: string | null | undefined): string {
  const query = new URLSearchParams(address?.split("?", 2)[1] ?? "");
  const [object, context] = [query.get("o"), query.get("c")];
  return object !== null && context !== null ? `${object} ${context}` : (address ?? "");
}
