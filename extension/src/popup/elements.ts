/** Elements without a library: those that draw for themselves write markup, which stores of extensions object to. */

type Child = Node | string | null | false;

interface Parts {
  /** Attributes; a null is left out. */
  readonly attrs?: Readonly<Record<string, string | null>>;
  readonly on?: Readonly<Record<string, (event: Event) => void>>;
}

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  { attrs = {}, on = {} }: Parts,
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attrs)) if (value !== null) made.setAttribute(name, value);
  for (const [name, listener] of Object.entries(on)) made.addEventListener(name, listener);
  made.append(...children.filter((child) => child !== null && child !== false));
  return made;
}

export function button(
  label: string,
  run: () => void,
  attrs: Readonly<Record<string, string | null>> = {},
): HTMLElement {
  return element("button", { attrs: { type: "button", ...attrs }, on: { click: run } }, label);
}

export function field(label: string, attrs: Readonly<Record<string, string>>): HTMLInputElement {
  return element("input", { attrs: { "aria-label": label, placeholder: label, spellcheck: "false", ...attrs } });
}

/** Puts something else into `place`. Who was on an element with an id is on its successor, with what they typed. */
export function replace(place: HTMLElement, ...children: readonly Child[]): void {
  const held = document.activeElement;
  const open = new Set(Array.from(place.querySelectorAll("details[open]"), ({ id }) => id));
  const typed = new Map(Array.from(place.querySelectorAll("input"), ({ id, value }) => [id, value]));
  place.replaceChildren(...children.filter((child) => child !== null && child !== false));
  for (const details of place.querySelectorAll("details")) details.open = open.has(details.id);
  for (const input of place.querySelectorAll("input")) input.value = typed.get(input.id) ?? input.value;
  if (held !== null && held.id !== "" && !held.isConnected) document.getElementById(held.id)?.focus();
}
