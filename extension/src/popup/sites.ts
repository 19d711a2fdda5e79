/** The sites: which are on, what was sent of them, what is amiss. */
import { OFFERED, patternOf, readSite } from "../sites";
import type { SiteState } from "../state";
import { problemWords, words } from "../words";
import type { Desk } from "./desk";
import { button, element, field } from "./elements";

export function sitesSection(desk: Desk): HTMLElement {
  const { tab, view } = desk;
  const isOurs = tab !== null && tab.place.server === view.server;
  // Other pages may say that they want one, too.
  const wanted = isOurs ? tab.wanted : null;
  const first = isOurs ? wanted : (tab?.site ?? null);
  const names = [...new Set([...(first === null ? [] : [first]), ...Object.keys(view.sites).sort(), ...OFFERED])];
  const rows = names.map((site) => row(desk, site, view.sites[site], site === wanted));
  return element(
    "section",
    {},
    element("h2", { attrs: { id: "sites-title" } }, words("sites_title")),
    element("ul", { attrs: { "aria-labelledby": "sites-title" } }, ...rows),
    adding(desk),
  );
}

function row(desk: Desk, site: string, state: SiteState | undefined, isWanted: boolean): HTMLElement {
  const isOn = state !== undefined && !state.isLeaving;
  const flip = () => (isOn ? desk.act({ type: "turn_off", site }) : turnOn(desk, site));
  const label = words("site_switch", site);
  const id = `switch-${site}`;
  const attrs = {
    type: "button",
    role: "switch",
    id,
    "aria-checked": String(isOn),
    "aria-label": label,
    class: "switch",
  };
  return element(
    "li",
    {},
    element(
      "span",
      { attrs: { class: "what" } },
      element("strong", {}, site),
      element(
        "small",
        { attrs: { class: state?.problem ? "problem" : null } },
        isWanted && !isOn ? words("site_wanted") : told(state),
      ),
      state !== undefined && isOn && state.names.length > 0 && details(desk, site, state),
    ),
    element("button", { attrs, on: { click: flip } }),
  );
}

function details({ act }: Desk, site: string, { names, leftOut }: SiteState): HTMLElement {
  const count = names.length === 1 ? words("cookies_one") : words("cookies_many", String(names.length));
  return element(
    "details",
    { attrs: { id: `details-${site}` } },
    element("summary", {}, count),
    element("p", { attrs: { class: "names" } }, names.join(", ")),
    leftOut > 0 && element("p", {}, words("left_out", String(leftOut))),
    button(words("sync_now"), () => act({ type: "sync", site }), { "aria-label": words("sync_site", site) }),
  );
}

/** A site's state in one line. */
function told(state: SiteState | undefined): string {
  if (state === undefined) return words("site_off");
  if (state.problem !== null) return problemWords(state.problem);
  if (state.isLeaving) return words("site_leaving");
  if (state.changedAt !== null) return words("site_changed");
  return state.syncedAt === null || state.isRushed ? words("site_sending") : words("site_synced", ago(state.syncedAt));
}

function ago(time: number): string {
  const minutes = Math.floor((Date.now() - time) / 60_000);
  if (minutes < 1) return words("when_now");
  const format = new Intl.RelativeTimeFormat(chrome.i18n.getUILanguage(), { numeric: "auto" });
  return minutes < 60 ? format.format(-minutes, "minute") : format.format(-Math.floor(minutes / 60), "hour");
}

function adding(desk: Desk): HTMLElement {
  const site = field(words("add_label"), { id: "site", inputmode: "url", autocomplete: "off" });
  const submit = (event: Event) => {
    event.preventDefault();
    const read = readSite(site.value);
    if (read === null) return desk.complain(words("bad_site"));
    site.value = "";
    turnOn(desk, read);
  };
  const add = element("button", { attrs: { type: "submit" } }, words("add"));
  return element("form", { attrs: { class: "row", novalidate: "" }, on: { submit } }, site, add);
}

/** Asks the browser first, in the very press: it opens its question for nothing else. */
function turnOn({ act, complain }: Desk, site: string): void {
  void chrome.permissions.request({ origins: [patternOf(site)] }).then(
    (isGranted) => (isGranted ? act({ type: "turn_on", site }) : complain(words("not_granted", site))),
    () => complain(words("not_granted", site)),
  );
}
