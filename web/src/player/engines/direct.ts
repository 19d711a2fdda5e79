import { measureFitness } from "../fitness";
import { begin, choices } from "../quality";
import { SingleTransport } from "../single";
import { NOWHERE, SAME } from "../transport";
import { type Engine, type EngineContext, screenHeight } from "./engine";
import { Loading } from "./loading";

/** A file, or an HLS address where the browser plays those by itself. */
export async function openDirect(context: EngineContext, url: string): Promise<Engine> {
  const { video, state } = context;
  const withAddress = state.qualities.filter((option) => option.stream_url !== null);
  const offered = choices(withAddress, await measureFitness(withAddress));
  context.signal.throwIfAborted();
  const sameAddress = offered.every((choice) => choice.url === url);
  let chosen = sameAddress ? (offered[0] ?? null) : begin(offered, screenHeight(), context.wantedHeight);
  const loading = new Loading(video, () => (sameAddress ? url : chosen?.url) ?? url, context);
  loading.load();

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
      loading.load();
      context.changed();
    },
    moved() {
      if (loading.isStranded) loading.load();
    },
    destroy: () => loading.end(),
  };
}
