/** The window under the extension's button. It shows the background's state, and asks it for changes. */
import { type Request, request } from "../requests";
import type { View } from "../state";
import { problemWords, words } from "../words";
import { connectSection } from "./connect";
import type { Desk } from "./desk";
import { button, element, replace } from "./elements";
import { sitesSection } from "./sites";
import { readTab, type Tab } from "./tab";
import { watchSection } from "./watch";

class Popup {
  private view: View | null = null;
  private complaint = "";
  /** What stands there. Drawn anew under a finger that is down, a button would miss its click. */
  private drawn = "";

  constructor(
    private readonly place: HTMLElement,
    private readonly tab: Tab | null,
  ) {}

  async start(): Promise<void> {
    chrome.storage.local.onChanged.addListener(() => void this.ask({ type: "look" }));
    await this.ask({ type: "look" });
    await this.ask({ type: "retry" });
  }

  private async ask(message: Request): Promise<void> {
    this.view = await request(message);
    this.draw();
    const { server, room } = this.tab?.place ?? { server: null, room: null };
    const isNew = room !== null && server === this.view.server && room !== this.view.room;
    if (isNew) await this.ask({ type: "seen", room });
  }

  private draw(): void {
    const seen = JSON.stringify([this.view, this.complaint]);
    if (this.view === null || seen === this.drawn) return;
    this.drawn = seen;
    const desk: Desk = {
      view: this.view,
      tab: this.tab,
      act: (message) => {
        this.complaint = "";
        void this.ask(message);
      },
      complain: (text) => {
        this.complaint = text;
        this.draw();
      },
    };
    const { server, name, problem } = this.view;
    const amiss = this.complaint || (problem === null ? "" : problemWords(problem));
    const rest = server === null ? [connectSection(desk)] : [watchSection(desk), sitesSection(desk), leave(desk)];
    replace(
      this.place,
      element("h1", {}, element("img", { attrs: { src: "icons/48.png", alt: "", width: "24" } }), words("name")),
      server !== null &&
        element("p", { attrs: { class: "dim" } }, words("connected", new URL(server).host, name ?? "")),
      element("p", { attrs: { role: "alert", class: "problem", id: "problem" } }, amiss),
      ...rest,
    );
  }
}

function leave({ act }: Desk): HTMLElement {
  return element(
    "section",
    { attrs: { class: "leave" } },
    button(words("disconnect"), () => act({ type: "unpair" }), { id: "disconnect", class: "plain" }),
    element("p", { attrs: { class: "dim" } }, words("disconnect_note")),
  );
}

document.documentElement.lang = chrome.i18n.getUILanguage().startsWith("de") ? "de" : "en";
const place = document.getElementById("popup");
if (place !== null) await new Popup(place, await readTab()).start();
