/** The page's one policy of Trusted Types: no string becomes markup of this page or somebody else's script. */

interface Policies {
  createPolicy(
    name: "default",
    rules: {
      createHTML(input: string, type: string, sink: string): string | null;
      createScriptURL(input: string): string | null;
    },
  ): unknown;
}

/** A document that a parser makes is inert; hls.js reads subtitles (TTML) so. */
const INERT = "DOMParser parseFromString";

/** What a library may still do with strings. Null refuses, and the browser reports it. */
export const rules = {
  createHTML: (input: string, _type: string, sink: string): string | null => (sink === INERT ? input : null),
  /** Workers that were built with the page. */
  createScriptURL(input: string): string | null {
    const { origin, pathname } = new URL(input, location.href);
    return origin === location.origin && pathname.startsWith("/assets/") ? input : null;
  },
};

/** Browsers without Trusted Types go by the rest of the content security policy. */
export function allowOwnScripts(): void {
  (window as { readonly trustedTypes?: Policies }).trustedTypes?.createPolicy("default", rules);
}
