/** Names of codecs. Pure. */

/**
 * What short names stand for. YouTube says `vp9`, others `avc1` or `h264`: of such a name browsers answer that they
 * can't tell, which is no.
 */
const MEANT: readonly (readonly [RegExp, string])[] = [
  [/^vp0?9(\.0)?$/, "vp09.00.41.08"],
  [/^vp0?8(\.0)?$/, "vp8"],
  [/^(avc[13]?|h\.?264)$/, "avc1.640028"],
  [/^(hev1|hvc1|hevc|h\.?265)$/, "hvc1.1.6.L120.90"],
  [/^av0?1$/, "av01.0.08M.08"],
  [/^(mp4a|aac)$/, "mp4a.40.2"],
];

/** The codec as RFC 6381 names it, with a profile that most files of a short name have. */
export function fullName(codec: string): string {
  const name = codec.trim();
  return MEANT.find(([short]) => short.test(name.toLowerCase()))?.[1] ?? name;
}
