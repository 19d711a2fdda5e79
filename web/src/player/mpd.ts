/** Writes the manifest of a video whose picture and sound are separate files, so that one element plays both. Pure. */

/** What the proxy tells of a file: bytes are inclusive, `duration` is in seconds. */
export interface FileIndex {
  readonly container: "mp4" | "webm";
  readonly duration: number;
  readonly init: readonly [number, number];
  readonly pieces: readonly [number, number];
}

export interface Rendition {
  readonly id: string;
  readonly url: string;
  readonly codecs: string;
  /** In bit/s. */
  readonly bandwidth: number;
  readonly width: number | null;
  readonly height: number | null;
  readonly language: string | null;
  readonly index: FileIndex;
}

/** An on-demand MPD (ISO/IEC 23009-1 §8.3). All of `pictures` must be of one container; each sound is a track. */
export function writeMpd(pictures: readonly Rendition[], sounds: readonly Rendition[]): string {
  const duration = Math.min(...[...pictures, ...sounds].map(({ index }) => index.duration));
  const longest = Math.max(...[...pictures, ...sounds].map(({ index }) => index.duration));
  const sets = [
    adaptation("video", pictures, null),
    ...sounds.map((sound, place) => adaptation("audio", [sound], place === 0 ? "main" : "alternate")),
  ];
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" minBufferTime="PT1.5S"',
    // Rounding makes the files differ by a frame; a film that lacks a second of sound is still as long as its picture.
    ` mediaPresentationDuration="PT${longest - duration < 0.5 ? duration : longest}S"`,
    ' profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period>',
    ...sets,
    "</Period></MPD>",
  ].join("");
}

function adaptation(kind: "video" | "audio", renditions: readonly Rendition[], role: string | null): string {
  const first = renditions[0];
  if (first === undefined) return "";
  const attributes = [
    `contentType="${kind}"`,
    `mimeType="${kind}/${first.index.container}"`,
    'subsegmentAlignment="true" subsegmentStartsWithSAP="1"',
    first.language === null ? "" : `lang="${escaped(first.language)}"`,
  ];
  const inner = role === null ? "" : `<Role schemeIdUri="urn:mpeg:dash:role:2011" value="${role}"/>`;
  return `<AdaptationSet ${attributes.join(" ")}>${inner}${renditions.map(representation).join("")}</AdaptationSet>`;
}

function representation(rendition: Rendition): string {
  const { index } = rendition;
  const size =
    rendition.width === null || rendition.height === null
      ? ""
      : ` width="${rendition.width}" height="${rendition.height}"`;
  return [
    `<Representation id="${escaped(rendition.id)}" codecs="${escaped(rendition.codecs)}"`,
    ` bandwidth="${Math.max(1, Math.round(rendition.bandwidth))}"${size}>`,
    `<BaseURL>${escaped(rendition.url)}</BaseURL>`,
    `<SegmentBase indexRange="${index.pieces.join("-")}"><Initialization range="${index.init.join("-")}"/></SegmentBase>`,
    "</Representation>",
  ].join("");
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
