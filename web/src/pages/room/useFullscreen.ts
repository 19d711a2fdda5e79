import { type RefObject, useCallback, useEffect, useState } from "react";

interface IosVideo extends HTMLVideoElement {
  webkitEnterFullscreen?: () => void;
}

/** Whether the stage fills the screen, and the switch. iPhones can only show the bare video. */
export function useFullscreen(stage: RefObject<HTMLElement | null>, video: HTMLVideoElement): [boolean, () => void] {
  const [isFullscreen, setFullscreen] = useState(false);
  useEffect(() => {
    const read = () => setFullscreen(document.fullscreenElement !== null);
    document.addEventListener("fullscreenchange", read);
    return () => document.removeEventListener("fullscreenchange", read);
  }, []);
  const toggle = useCallback(() => {
    if (document.fullscreenElement !== null) void document.exitFullscreen();
    else if (stage.current?.requestFullscreen) void stage.current.requestFullscreen().catch(() => undefined);
    else (video as IosVideo).webkitEnterFullscreen?.();
  }, [stage, video]);
  return [isFullscreen, toggle];
}
