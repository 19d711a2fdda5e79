/** Not connected yet: one press where the page in front shows a code, else two fields. */
import { isOpenToAll, readServer } from "../links";
import { words } from "../words";
import type { Desk } from "./desk";
import { button, element, field } from "./elements";

export function connectSection({ tab, act }: Desk): HTMLElement {
  const title = element("h2", {}, words("connect_title"));
  const code = tab?.code ?? null;
  if (tab !== null && code !== null) {
    const { server } = tab.place;
    const connect = () => act({ type: "pair", server, code });
    return element(
      "section",
      {},
      title,
      element("p", {}, words("connect_here", new URL(server).host)),
      isOpenToAll(server) && element("p", { attrs: { class: "warning" } }, words("open_server")),
      button(words("connect"), connect, { id: "connect", class: "primary" }),
    );
  }
  return element("section", {}, title, element("p", {}, words("connect_how")), form(act));
}

function form(act: Desk["act"]): HTMLElement {
  const server = field(words("server_label"), { id: "server", inputmode: "url", autocomplete: "url" });
  const code = field(words("code_label"), { id: "code", autocomplete: "one-time-code", maxlength: "20" });
  const problem = element("p", { attrs: { role: "alert", class: "problem" } });
  const submit = (event: Event) => {
    event.preventDefault();
    const origin = readServer(server.value);
    problem.textContent = origin === null ? words("bad_server") : "";
    if (origin !== null && code.value.trim() !== "") act({ type: "pair", server: origin, code: code.value });
  };
  const send = element("button", { attrs: { type: "submit", class: "primary" } }, words("connect"));
  return element("form", { attrs: { novalidate: "" }, on: { submit } }, server, code, problem, send);
}
