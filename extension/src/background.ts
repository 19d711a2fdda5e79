/** The extension's background: wires the browser's events to the keeper. It is started anew for each event that comes
 * after half a minute of rest, so nothing is kept in variables that must not be forgotten. */
import { named } from "./browser";
import { Keeper } from "./keeper";
import { addPath, isLink } from "./links";
import type { BrowserCookie } from "./netscape";
import type { Request } from "./requests";
import { patternOf, siteOfPattern } from "./sites";
import { FRESH, Memory, type State, type View, viewOf } from "./state";
import { words } from "./words";

const ALARM = "due";
/** Browsers let an alarm wait for half a minute at least. */
const SOON_MS = 30_000;

const memory = new Memory({
  read: async () => ({ ...FRESH, ...(await chrome.storage.local.get<{ state?: State }>("state")).state }),
  write: async (state) => {
    await chrome.storage.local.set({ state });
    // What is written is written, mark or no mark: on telephones there may be none.
    void paintBadge(state).catch(() => undefined);
  },
});

let timer: ReturnType<typeof setTimeout> | undefined;

const keeper = new Keeper({
  memory,
  cookiesOf: async (site): Promise<readonly BrowserCookie[]> =>
    // An empty key means: whatever they are partitioned by. Each browser leaves out other keys than its own.
    await chrome.cookies.getAll({ domain: site, partitionKey: {} }),
  isGranted: (site) => chrome.permissions.contains({ origins: [patternOf(site)] }),
  giveUp: async (site) => {
    // What an administrator granted can't be given back.
    await chrome.permissions.remove({ origins: [patternOf(site)] }).catch(() => false);
  },
  wakeAt: (time) => {
    const wait = Math.max(0, time - Date.now());
    clearTimeout(timer);
    if (wait < SOON_MS) timer = setTimeout(() => void keeper.run(), wait);
    // The timer dies with this process, the alarm does not.
    void chrome.alarms.create(ALARM, { when: Date.now() + Math.max(wait, SOON_MS) });
  },
  now: Date.now,
  browserName,
});

chrome.alarms.onAlarm.addListener(() => void keeper.run());
chrome.runtime.onStartup.addListener(() => void keeper.run());
// Alarms may be gone after an update of the browser, or when the extension was switched off and on.
void chrome.alarms.get(ALARM).then((alarm) => (alarm === undefined ? keeper.run() : undefined));
chrome.cookies.onChanged.addListener(({ cookie }) => void keeper.changed(cookie.domain));

// Granted: the popup that asked may be closed by then. Taken back: perhaps in the browser's own settings.
chrome.permissions.onAdded.addListener(({ origins }) => void eachSite(origins, (site) => keeper.turnOn(site)));
chrome.permissions.onRemoved.addListener(
  ({ origins }) =>
    void eachSite(origins, async (site) => {
      const { sites } = await memory.read();
      if (sites[site]?.isLeaving === false) await keeper.turnOff(site);
    }),
);

// Firefox for Android has no such menus.
const menus: typeof chrome.contextMenus | undefined = chrome.contextMenus;

chrome.runtime.onInstalled.addListener(() => {
  menus?.removeAll(() => {
    menus.create({ id: "link", contexts: ["link"], title: words("menu_link") });
    menus.create({ id: "page", contexts: ["page", "video"], title: words("menu_page") });
  });
  void keeper.run();
});

menus?.onClicked.addListener(({ linkUrl, pageUrl }) => void watch(linkUrl ?? pageUrl));

chrome.runtime.onMessage.addListener((message: Request, sender, answer: (view: View) => void) => {
  if (sender.id !== chrome.runtime.id) return false;
  void handle(message)
    .catch(() => undefined)
    .then(async () => answer(viewOf(await memory.read())));
  // The answer comes later.
  return true;
});

async function handle(message: Request): Promise<void> {
  switch (message.type) {
    case "look":
      return;
    case "retry":
      return keeper.retry();
    case "pair":
      return keeper.pair(message.server, message.code);
    case "unpair":
      return keeper.unpair();
    case "turn_on":
      return keeper.turnOn(message.site);
    case "turn_off":
      return keeper.turnOff(message.site);
    case "sync":
      return keeper.rush(message.site);
    case "seen":
      await memory.change((state) => ({ ...state, room: message.room }));
  }
}

async function watch(link: string | undefined): Promise<void> {
  const { pairing, room } = await memory.read();
  if (pairing === null) await chrome.tabs.create({ url: chrome.runtime.getURL("popup.html") });
  else if (isLink(link)) await chrome.tabs.create({ url: addPath({ server: pairing.server, room }, link) });
}

async function eachSite(origins: readonly string[] | undefined, work: (site: string) => Promise<void>): Promise<void> {
  for (const site of (origins ?? []).map(siteOfPattern)) if (site !== null) await work(site);
}

/** A mark on the button when somebody should look. */
async function paintBadge({ pairing, problem, sites }: State): Promise<void> {
  const isAmiss = problem !== null || (pairing !== null && Object.values(sites).some((site) => site.problem !== null));
  await chrome.action.setBadgeBackgroundColor({ color: "#b3261e" });
  await chrome.action.setBadgeText({ text: isAmiss ? "!" : "" });
}

function browserName(): string {
  const { browser, system } = named(navigator.userAgent);
  return words("browser_name", browser || words("some_browser"), system);
}
