/** Which engine a source wants; each brings its library along when it is asked for. */
import type { Source } from "../source";
import { openDash } from "./dash";
import { openDirect } from "./direct";
import type { Engine, EngineContext } from "./engine";
import { openHls } from "./hls";
import { openJoined } from "./joined";
import { openPair } from "./pair";

/** Rejects where the browser or the stream will not have it. */
export async function openEngine(source: Source, context: EngineContext): Promise<Engine> {
  switch (source.engine) {
    case "hls":
      return openHls(context, source.url);
    case "dash":
      return openDash(context, source.url);
    case "pair":
      if (source.canJoin && context.joinsPairs) {
        try {
          return await openJoined(context);
        } catch {
          context.signal.throwIfAborted();
          // Files without lists of their pieces, or of codecs that cannot be appended.
        }
      }
      return openPair(context, source.videoUrl, source.audioUrl);
    case "direct":
      return openDirect(context, source.url);
    case "none":
      throw new Error("no engine plays this");
  }
}
