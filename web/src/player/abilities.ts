/** What this browser can do with streams, and which way that leaves for each kind of them. */

export interface Abilities {
  /** Media Source Extensions as everywhere; Safari's managed ones, the only ones that iPhones have; or none of them. */
  readonly mediaSource: "full" | "managed" | "none";
  readonly nativeHls: boolean;
}

/** What plays: hls.js, dash.js or the browser by itself; of two files one element or two; null: nothing does. */
export interface Ways {
  readonly hls: "library" | "native" | null;
  readonly manifest: "library" | null;
  readonly pair: "joined" | "two";
}

const WITH_SOURCE: Ways = { hls: "library", manifest: "library", pair: "joined" };

/**
 * The engine table. The library comes before the browser's own HLS, also in Safari: only with it can qualities be
 * chosen, dates of a live picture be read and errors be mended; without any media source (iPhones before iOS 17.1)
 * the browser's own is what there is, and two files need two elements.
 */
export function waysOf(can: Abilities): Ways {
  if (can.mediaSource !== "none") return WITH_SOURCE;
  return { hls: can.nativeHls ? "native" : null, manifest: null, pair: "two" };
}

interface Sources {
  readonly MediaSource?: unknown;
  readonly ManagedMediaSource?: unknown;
}

export function readAbilities(): Abilities {
  const { MediaSource: full, ManagedMediaSource: managed } = window as unknown as Sources;
  return {
    mediaSource: full !== undefined ? "full" : managed !== undefined ? "managed" : "none",
    nativeHls: document.createElement("video").canPlayType("application/vnd.apple.mpegurl") !== "",
  };
}
