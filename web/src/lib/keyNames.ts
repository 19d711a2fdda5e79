/** How keys are called on the keyboard that this person has. */
import { t } from "@/text";

/** Keyboards of Apple have signs for what others spell out, and paste with another key. */
export function isApple(platform: string = globalThis.navigator?.platform ?? ""): boolean {
  return /^(Mac|iPhone|iPad|iPod)/.test(platform);
}

/** A key as the catalogue names it, for this keyboard: `Ctrl V` is `⌘V` on a Mac. */
export function keyName(shown: string, apple = isApple()): string {
  if (!apple) return shown;
  const { ctrl, alt, shift } = t.keys.modifiers;
  return shown.replace(`${ctrl} `, "⌘").replace(`${alt} `, "⌥ ").replace(`${shift} `, "⇧");
}
