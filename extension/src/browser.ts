/** What this browser is called in the list of the page. Pure. */

/** In the order to look in: Edge and Opera say that they are Chrome, too, and Android that it is Linux. */
const BROWSERS = [
  ["Firefox", "Firefox"],
  ["Edg", "Edge"],
  ["OPR", "Opera"],
  ["Chrome", "Chrome"],
] as const;
const SYSTEMS = ["Windows", "Android", "Mac OS", "CrOS", "Linux"] as const;

/** The browser and the system of a user agent; "" for what is none of those that are known. */
export function named(agent: string): { readonly browser: string; readonly system: string } {
  return {
    browser: BROWSERS.find(([sign]) => agent.includes(sign))?.[1] ?? "",
    system: SYSTEMS.find((sign) => agent.includes(sign)) ?? "",
  };
}
