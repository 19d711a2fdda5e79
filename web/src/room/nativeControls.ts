/** The browser's own controls over its own full screen (iPhones) or floating picture: of what is pressed there nothing is
 * known but what the element does. It is a person's wish where nobody else had a reason. */
import type { MediaView } from "@/sync/follower";

interface NativeVideo extends EventTarget {
  readonly webkitDisplayingFullscreen?: boolean;
  readonly webkitPresentationMode?: string;
}

interface Controls {
  /** Of the media, and what it was last told. */
  view(): MediaView;
  orders(): { readonly play: boolean; readonly seekTo: number | null };
  /** Where the room is. */
  position(): number;
  /** While it is not yet known what a pause meant, the element is left as it is. */
  leave(isLeft: boolean): void;
  play(): void;
  pause(): void;
  seek(position: number): void;
}

/** Nearer than this it was no hand, but a library that jumps over a hole. */
const SOUGHT_S = 2;
/** iPhones pause what leaves their full screen, and say only then that it is left. */
const LEAVING_MS = 700;
const EVENTS = ["play", "pause", "seeking"] as const;
const LEFT = "webkitendfullscreen";

export class NativeControls {
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly video: NativeVideo,
    private readonly controls: Controls,
    private readonly isPageSeen: () => boolean = () => document.visibilityState === "visible",
  ) {
    for (const name of EVENTS) video.addEventListener(name, this.heard);
    video.addEventListener(LEFT, this.drop);
  }

  destroy(): void {
    for (const name of EVENTS) this.video.removeEventListener(name, this.heard);
    this.video.removeEventListener(LEFT, this.drop);
    this.drop();
  }

  private readonly heard = ({ type }: Event): void => {
    if (!this.isShown()) return;
    const { isStalled, isEnded, isReady, position } = this.controls.view();
    const { play, seekTo } = this.controls.orders();
    if (!isReady || isEnded) return;
    if (type === "play") this.drop();
    if (type === "play" && !play) this.controls.play();
    // A picture that waits for data is no picture that somebody stopped.
    else if (type === "pause" && play && !isStalled) this.consider();
    else if (type === "seeking" && position !== null && this.isSought(position, seekTo)) this.controls.seek(position);
  };

  private consider(): void {
    this.drop();
    this.controls.leave(true);
    this.timer = setTimeout(() => {
      if (this.isShown()) this.controls.pause();
      this.drop();
    }, LEAVING_MS);
  }

  /** It was no wish, or is none any more. */
  private readonly drop = (): void => {
    if (this.timer === undefined) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.controls.leave(false);
  };

  private isSought(position: number, told: number | null): boolean {
    const isElsewhere = Math.abs(position - this.controls.position()) > SOUGHT_S;
    return isElsewhere && (told === null || Math.abs(position - told) > SOUGHT_S);
  }

  private isShown(): boolean {
    const { webkitDisplayingFullscreen: isFull, webkitPresentationMode: mode } = this.video;
    return (isFull === true && this.isPageSeen()) || mode === "picture-in-picture";
  }
}
