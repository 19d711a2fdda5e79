import { measureFitness } from "../fitness";
import { begin, choices } from "../quality";
import { SingleTransport } from "../single";
import { NOWHERE, SAME } from "../transport";
import { type Engine, type EngineContext, screenHeight } from "./engine";

const RETRIES = 3;
const RETRY_MS = 1500;
const NETWORK = 2;
const DECODE = 3;

/** A file, or an HLS address where the browser plays those by itself. */
export async function openDirect(context: EngineContext, url: string): Promise<Engine> {
  const { video, state } = context;
  const withAddress = state.qualities.filter((option) => option.stream_url !== null);
  const offered = choices(withAddress, await measureFitness(withAddress));
  const sameAddress = offered.every((choice) => choice.url === url);
  let chosen = sameAddress ? (offered[0] ?? null) : begin(offered, screenHeight(), context.wantedHeight);
  let failures = 0;
  let retry = 0;

  const load = () => {
    video.src = (sameAddress ? url : chosen?.url) ?? url;
    video.load();
  };
  const onError = () => {
    const code = video.error?.code;
    const detail = video.error?.message ?? "";
    if ((code === NETWORK || code === DECODE) && failures < RETRIES) {
      failures += 1;
      retry = window.setTimeout(load, RETRY_MS * failures);
      return;
    }
    context.failed(code === NETWORK ? "network" : code === DECODE ? "decode" : "unsupported", detail);
  };
  const onPlaying = () => {
    failures = 0;
  };
  video.addEventListener("error", onError);
  video.addEventListener("playing", onPlaying);
  load();

  return {
    transport: new SingleTransport(video, state.is_live ? NOWHERE : SAME),
    choices: sameAddress ? offered.slice(0, 1) : offered,
    get choice() {
      return chosen?.id ?? null;
    },
    select(id) {
      const next = offered.find((choice) => choice.id === id);
      if (next === undefined || next === chosen) return;
      chosen = next;
      load();
      context.changed();
    },
    destroy() {
      window.clearTimeout(retry);
      video.removeEventListener("error", onError);
      video.removeEventListener("playing", onPlaying);
      video.removeAttribute("src");
      video.load();
    },
  };
}
