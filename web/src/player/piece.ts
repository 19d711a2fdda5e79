/** Whether the bytes of a piece may be media at all. Pure. */

/** How pieces of ISO media files begin: boxes with these names (ISO/IEC 14496-12, 23009-1), behind their length. */
const BOXES = /^(styp|moof|sidx|ssix|emsg|prft|mdat|ftyp|moov|free|skip|uuid|pssh|meta)$/;
/** How those of WebM begin: EBML, Segment, Cluster, Cues, Void. */
const ELEMENTS: ReadonlySet<number> = new Set([0x1a45dfa3, 0x18538067, 0x1f43b675, 0x1c53bb6b]);
const VOID = 0xec;
const TRANSPORT_STREAM = 0x47;

/** False for what no player can take: another file's bytes, a page of words, nothing but zeros. */
export function mayBeMedia(piece: ArrayBuffer): boolean {
  if (piece.byteLength < 8) return piece.byteLength === 0;
  const bytes = new DataView(piece);
  const first = bytes.getUint8(0);
  const name = String.fromCharCode(...new Uint8Array(piece, 4, 4));
  return BOXES.test(name) || ELEMENTS.has(bytes.getUint32(0)) || first === VOID || first === TRANSPORT_STREAM;
}
