/** The tab in front, as far as a press on the extension's button opens it. */
import { isLink, type Place, placeOf } from "../links";
import { siteOf } from "../sites";

export interface Tab {
  readonly url: string;
  readonly place: Place;
  readonly site: string | null;
  /** The code that a Watch Together page shows, and the site of the video it is shown for. */
  readonly code: string | null;
  readonly wanted: string | null;
}

/** Null where there is no page, or none that may be looked at. */
export async function readTab(): Promise<Tab | null> {
  const [tab] = await chrome.tabs.query({ active: true, currentWindow: true });
  if (tab?.id === undefined || !isLink(tab.url)) return null;
  const shown = await readPage(tab.id);
  return {
    url: tab.url,
    place: placeOf(tab.url),
    site: siteOf(new URL(tab.url).hostname),
    code: shown?.code ?? null,
    wanted: shown?.wanted ? siteOf(shown.wanted) : null,
  };
}

interface Shown {
  readonly code: string | null;
  readonly wanted: string | null;
}

async function readPage(tabId: number): Promise<Shown | null> {
  try {
    const [answer] = await chrome.scripting.executeScript({ target: { tabId }, func: shown });
    return answer?.result ?? null;
  } catch {
    // A page of the browser itself, or of its store.
    return null;
  }
}

/** Runs in the page: nothing from here is there. */
function shown(): Shown {
  const attribute = (name: string) => document.querySelector(`[${name}]`)?.getAttribute(name) ?? null;
  return { code: attribute("data-wt-code"), wanted: attribute("data-wt-wanted") };
}
