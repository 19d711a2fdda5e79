import { bases } from "@/lib/bases";
import type { Readable } from "@/lib/store";
import type { RoomClock } from "@/socket/clock";
import type { ConnectionState } from "@/socket/connection";
import type { Playback } from "./playback";
import type { RoomView } from "./view";

/**
 * `window.__wt`: what this page believes, to be read by tests and by an overlay. Times in seconds.
 *
 * `position` is where the room is by its own clock, `mediaTime` where the picture is on the same timeline, `drift` the
 * second minus the first (null where there is no picture); `clock.offset` is room clock minus `performance.now()`;
 * `buffered` is how much is loaded beyond the picture; `corrections` tells what seeks and starts take here, and whether corrections still gain anything.
 */
interface Diagnostics {
  readonly position: number;
  readonly mediaTime: number | null;
  readonly drift: number | null;
  readonly isPlaying: boolean;
  readonly rate: number;
  readonly version: number | null;
  readonly run: string | null;
  readonly connection: string;
  /** The origin of the server in use. */
  readonly server: string;
  readonly clock: { readonly offset: number | null; readonly roundTrip: number | null };
  readonly player: { readonly engine: string; readonly phase: string; readonly needsTap: boolean };
  readonly buffered: number;
  readonly corrections: { readonly seekCost: number; readonly startCost: number; readonly hasGivenUp: boolean };
  readonly replica: unknown;
}

declare global {
  interface Window {
    __wt?: Diagnostics;
  }
}

interface Page {
  readonly view: Readable<RoomView>;
  readonly clock: RoomClock;
  readonly connection: { readonly state: Readable<ConnectionState> };
  readonly playback: Playback;
}

/** Answers how to take it away again. */
export function exposeDiagnostics({ view, clock, connection, playback }: Page): () => void {
  const { player, follower } = playback;
  const diagnostics: Diagnostics = {
    get position() {
      return playback.position();
    },
    get mediaTime() {
      return player.view.position;
    },
    get drift() {
      return playback.drift();
    },
    get isPlaying() {
      return view.get().anchor.isPlaying;
    },
    get rate() {
      return view.get().anchor.rate;
    },
    get version() {
      return view.get().replica?.version ?? null;
    },
    get run() {
      return view.get().replica?.run ?? null;
    },
    get connection() {
      return connection.state.get().kind;
    },
    get server() {
      return bases.current.get();
    },
    get clock() {
      return { offset: clock.offset(), roundTrip: clock.roundTrip() };
    },
    get player() {
      const { engine, phase, needsTap } = player.state.get();
      return { engine, phase, needsTap };
    },
    get buffered() {
      return player.ahead;
    },
    get corrections() {
      const { seeks, starts, hasGivenUp } = follower;
      return { seekCost: seeks.seconds, startCost: starts.seconds, hasGivenUp };
    },
    get replica() {
      return structuredClone(view.get().replica);
    },
  };
  window.__wt = diagnostics;
  return () => {
    if (window.__wt === diagnostics) delete window.__wt;
  };
}
