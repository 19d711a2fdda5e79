/** The last picture, kept in view while the element that showed it loads something else. */

// Whatever may happen, nobody looks at a picture of the past for longer.
const MOST_MS = 6000;
const NEWS = ["seeked", "playing", "error"] as const;

export class Still {
  private canvas: HTMLCanvasElement | null = null;
  private timer = 0;

  constructor(private readonly video: HTMLVideoElement) {}

  hold(): void {
    const { video } = this;
    if (this.canvas !== null || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA || video.videoWidth === 0) return;
    const canvas = document.createElement("canvas");
    canvas.dataset.role = "still";
    canvas.ariaHidden = "true";
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d")?.drawImage(video, 0, 0);
    video.after(canvas);
    this.canvas = canvas;
    for (const name of NEWS) video.addEventListener(name, this.release);
    this.timer = window.setTimeout(this.release, MOST_MS);
  }

  readonly release = (): void => {
    window.clearTimeout(this.timer);
    for (const name of NEWS) this.video.removeEventListener(name, this.release);
    this.canvas?.remove();
    this.canvas = null;
  };
}
