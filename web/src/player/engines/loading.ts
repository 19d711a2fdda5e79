import { bases } from "@/lib/bases";
import type { EngineContext, FailureKind } from "./engine";

const RETRIES = 3;
const RETRY_MS = 1500;
const PROBE_MS = 8000;
/** So far into a file its tracks are described, where they are at its beginning. */
const HEAD_BYTES = 65_536;

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
    private readonly context: Pick<EngineContext, "failed" | "hold">,
  ) {
    media.addEventListener("error", this.onError);
    media.addEventListener("playing", this.onPlaying);
  }

  /** Anew, with what the address is now. */
  readonly load = (): void => {
    window.clearTimeout(this.retry);
    const { currentTime, duration } = this.media;
    if (this.media instanceof HTMLVideoElement) this.context.hold();
    this.media.src = this.address;
    this.media.load();
    // It begins where it was, instead of showing the film's beginning on the way there.
    if (currentTime > 0 && Number.isFinite(duration)) this.media.currentTime = currentTime;
  };

  /** Whether the element waits for a server that is at another address now, or failed there. */
  get isStranded(): boolean {
    const { error, networkState, src } = this.media;
    return (error !== null || networkState === HTMLMediaElement.NETWORK_LOADING) && src !== this.address;
  }

  end(): void {
    this.hasEnded = true;
    window.clearTimeout(this.retry);
    this.media.removeEventListener("error", this.onError);
    this.media.removeEventListener("playing", this.onPlaying);
    this.media.removeAttribute("src");
    this.media.load();
  }

  private get address(): string {
    return new URL(bases.at(this.url()), location.href).href;
  }

  private readonly onPlaying = (): void => {
    this.failures = 0;
  };

  private readonly onError = (): void => {
    const { error, src } = this.media;
    if (error === null) return;
    if (this.isStranded) {
      this.failures = 0;
      this.load();
      return;
    }
    void reasonOf(error, src).then((kind) => {
      // Meanwhile it was given up, or something else was loaded.
      if (this.hasEnded || this.media.error !== error) return;
      if (kind === "unsupported" || kind === "protected" || this.failures >= RETRIES) {
        this.context.failed(kind, error.message);
        return;
      }
      this.failures += 1;
      this.retry = window.setTimeout(this.load, RETRY_MS * this.failures);
    });
  };
}

/** Why an element gave up. It has one word for an answer that is no file and for a file that it does not know, and
 * takes what is encrypted for what is broken. */
async function reasonOf(error: MediaError, url: string): Promise<FailureKind> {
  if (error.code === NETWORK) return "network";
  const head = await headOf(url);
  if (head !== null && /enc[av]/.test(head)) return "protected";
  if (error.code === DECODE) return "decode";
  return head === null ? "network" : "unsupported";
}

/** How the file begins, a sign for each byte; null where it cannot be had. */
async function headOf(url: string): Promise<string | null> {
  try {
    const headers = { Range: `bytes=0-${HEAD_BYTES - 1}` };
    const answer = await fetch(url, { headers, cache: "no-store", signal: AbortSignal.timeout(PROBE_MS) });
    if (answer.status === 206) return new TextDecoder("latin1").decode(await answer.arrayBuffer());
    // Without ranges it would be all of it.
    await answer.body?.cancel();
    return answer.ok ? "" : null;
  } catch {
    return null;
  }
}
