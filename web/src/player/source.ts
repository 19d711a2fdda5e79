/** Which engine plays a video, decided from what the video offers and what the browser can. */
import type { VideoState } from "@/wire/wire.gen";

export interface Abilities {
  /** Media Source Extensions, or Managed Media Source. */
  readonly mse: boolean;
  readonly nativeHls: boolean;
}

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
  switch (video.stream_type) {
    case "direct":
      return video.stream_url ? { engine: "direct", url: video.stream_url } : NONE;
    case "hls":
      if (!video.stream_url) return NONE;
      if (can.mse) return { engine: "hls", url: video.stream_url };
      return can.nativeHls ? { engine: "direct", url: video.stream_url } : NONE;
    case "dash":
      if (video.manifest_url && can.mse) return { engine: "dash", url: video.manifest_url };
      if (video.video_url && video.audio_url) {
        return { engine: "pair", videoUrl: video.video_url, audioUrl: video.audio_url, canJoin: can.mse };
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
