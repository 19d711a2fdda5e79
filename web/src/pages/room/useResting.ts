import { type RefObject, useEffect, useState } from "react";

const REST_MS = 2500;

/** Nothing has moved on the stage for a while, and it plays: then only the picture is wanted. */
export function useResting(stage: RefObject<HTMLElement | null>, isPlaying: boolean): boolean {
  const [isResting, setResting] = useState(false);
  useEffect(() => {
    const element = stage.current;
    if (element === null || !isPlaying) {
      setResting(false);
      return;
    }
    let timer = 0;
    const wake = () => {
      setResting(false);
      window.clearTimeout(timer);
      timer = window.setTimeout(() => setResting(true), REST_MS);
    };
    // The tap that wakes the controls must not press one of them.
    const firstTap = (event: PointerEvent) => {
      if (event.pointerType === "touch" && element.dataset.resting === "true") {
        event.stopPropagation();
        element.addEventListener("click", swallow, { capture: true, once: true });
      }
      wake();
    };
    const leave = (event: PointerEvent) => {
      if (event.pointerType !== "mouse") return;
      window.clearTimeout(timer);
      timer = window.setTimeout(() => setResting(true), 600);
    };
    wake();
    element.addEventListener("pointermove", wake);
    element.addEventListener("pointerdown", firstTap, { capture: true });
    element.addEventListener("pointerleave", leave);
    element.addEventListener("keydown", wake);
    element.addEventListener("focusin", wake);
    return () => {
      window.clearTimeout(timer);
      element.removeEventListener("pointermove", wake);
      element.removeEventListener("pointerdown", firstTap, { capture: true });
      element.removeEventListener("pointerleave", leave);
      element.removeEventListener("keydown", wake);
      element.removeEventListener("focusin", wake);
    };
  }, [stage, isPlaying]);
  return isResting;
}

function swallow(event: Event): void {
  event.stopPropagation();
  event.preventDefault();
}
