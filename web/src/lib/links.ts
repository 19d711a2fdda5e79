/** What somebody typed into the one field: a link, or a name for a room. */
export type Wish = { readonly kind: "link"; readonly url: string } | { readonly kind: "room"; readonly id: string };

const LINK = /^https?:\/\/\S+$/i;
/** `example.org/path`, `www.example.org`: a link without its beginning. */
const BARE = /^([a-z0-9-]+\.)+[a-z]{2,}(:\d+)?([/?#]\S*)?$/i;
const MOST_ID = 64;

export function readWish(text: string): Wish | null {
  const url = readLink(text);
  if (url !== null) return { kind: "link", url };
  const id = slug(text);
  return id === "" ? null : { kind: "room", id };
}

export function readLink(text: string): string | null {
  const trimmed = text.trim();
  if (LINK.test(trimmed)) return URL.canParse(trimmed) ? trimmed : null;
  return BARE.test(trimmed) && URL.canParse(`https://${trimmed}`) ? `https://${trimmed}` : null;
}

/** A room id out of free words: letters, digits, `-` and `_`. */
export function slug(text: string): string {
  return text
    .trim()
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replace(/['’]/g, "")
    .replace(/[^A-Za-z0-9_-]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, MOST_ID);
}

export interface Part {
  readonly text: string;
  readonly url: string | null;
}

const LINKS = /https?:\/\/[^\s<>"]+/gi;
/** What ends a sentence does not belong to the link before it. */
const TAIL = /[.,;:!?'’)\]}]+$/;

/** A text, cut where its http links begin and end. */
export function linked(text: string): readonly Part[] {
  const parts: Part[] = [];
  let from = 0;
  for (const { 0: found, index } of text.matchAll(LINKS)) {
    const url = found.includes("(") ? found : found.replace(TAIL, "");
    if (!URL.canParse(url)) continue;
    if (index > from) parts.push({ text: text.slice(from, index), url: null });
    parts.push({ text: url, url: new URL(url).href });
    from = index + url.length;
  }
  if (from < text.length) parts.push({ text: text.slice(from), url: null });
  return parts;
}
