/** What tests begin with. */
import type { BrowserCookie } from "./netscape";

export function cookie(change: Partial<BrowserCookie> = {}): BrowserCookie {
  return {
    domain: ".video.example",
    hostOnly: false,
    path: "/",
    name: "sid",
    value: "secret",
    secure: true,
    httpOnly: false,
    ...change,
  };
}
