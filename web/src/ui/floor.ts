/** Where what floats is put: full screen shows nothing but its own element. */
export function floor(): HTMLElement {
  return document.fullscreenElement instanceof HTMLElement ? document.fullscreenElement : document.body;
}
