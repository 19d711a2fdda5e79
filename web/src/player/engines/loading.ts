import type { EngineContext, FailureKind } from "./engine";

const RETRIES = 3;
const RETRY_MS = 1500;
const PROBE_MS = 8000;

/** As in `MediaError`. */
const NETWORK = 2;
const DECODE = 3;

/** Keeps an element loaded with an address: again when it fails for a reason that may pass. */
export class Loading {
  private failures = 0;
  private retry = 0;
  private hasEnded = false;

  constructor(
    private readonly media: HTMLMediaElement,
    private readonly url: () => string,
    private readonly context: Pick<EngineContext, "failed">,
  ) {
    media.addEventListener("error", this.onError);
    media.addEventListener("playing", this.onPlaying);
  }

  /** Anew, with what the address is now. */
  readonly load = (): void => {
    window.clearTimeout(this.retry);
    this.media.src = this.url();
    this.media.load();
  };

  end(): void {
    this.hasEnded = true;
    window.clearTimeout(this.retry);
    this.media.removeEventListener("error", this.onError);
    this.media.removeEventListener("playing", this.onPlaying);
    this.media.removeAttribute("src");
    this.media.load();
  }

  private readonly onPlaying = (): void => {
    this.failures = 0;
  };

  private readonly onError = (): void => {
    const { error, src } = this.media;
    if (error === null) return;
    void reasonOf(error, src).then((kind) => {
      // Meanwhile it was given up, or something else was loaded.
      if (this.hasEnded || this.media.error !== error) return;
      if (kind === "unsupported" || this.failures >= RETRIES) {
        this.context.failed(kind, error.message);
        return;
      }
      this.failures += 1;
      this.retry = window.setTimeout(this.load, RETRY_MS * this.failures);
    });
  };
}

/** Why an element gave up. It has one word for an answer that is no file and for a file that it does not know. */
async function reasonOf(error: MediaError, url: string): Promise<FailureKind> {
  if (error.code === NETWORK) return "network";
  if (error.code === DECODE) return "decode";
  try {
    const options = {
      headers: { Range: "bytes=0-0" },
      cache: "no-store",
      signal: AbortSignal.timeout(PROBE_MS),
    } as const;
    const answer = await fetch(url, options);
    await answer.body?.cancel();
    return answer.ok ? "unsupported" : "network";
  } catch {
    return "network";
  }
}
