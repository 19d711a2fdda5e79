import type { RoomSession } from "./session";

/**
 * `window.__wt`: what this page believes, to be read by tests and by an overlay. Times in seconds.
 *
 * `position` is where the room is by its own clock, `mediaTime` where the picture is on the same timeline, `drift` the
 * second minus the first (null where there is no picture); `clock.offset` is room clock minus `performance.now()`;
 * `buffered` is how much is loaded beyond the picture; `corrections` tells whether corrections still gain anything.
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
  readonly clock: { readonly offset: number | null; readonly roundTrip: number | null };
  readonly player: { readonly engine: string; readonly phase: string; readonly needsTap: boolean };
  readonly buffered: number;
  readonly corrections: { readonly seekCost: number; readonly hasGivenUp: boolean };
  readonly replica: unknown;
}

declare global {
  interface Window {
    __wt?: Diagnostics;
  }
}

/** Answers how to take it away again. */
export function exposeDiagnostics(session: RoomSession): () => void {
  const diagnostics: Diagnostics = {
    get position() {
      return session.position();
    },
    get mediaTime() {
      return session.player.view.position;
    },
    get drift() {
      return session.drift();
    },
    get isPlaying() {
      return session.view.get().anchor.isPlaying;
    },
    get rate() {
      return session.view.get().anchor.rate;
    },
    get version() {
      return session.view.get().replica?.version ?? null;
    },
    get run() {
      return session.view.get().replica?.run ?? null;
    },
    get connection() {
      return session.connection.state.get().kind;
    },
    get clock() {
      return { offset: session.clock.offset(), roundTrip: session.clock.roundTrip() };
    },
    get player() {
      const { engine, phase, needsTap } = session.player.state.get();
      return { engine, phase, needsTap };
    },
    get buffered() {
      return session.player.ahead;
    },
    get corrections() {
      return { seekCost: session.follower.cost.seconds, hasGivenUp: session.follower.hasGivenUp };
    },
    get replica() {
      return structuredClone(session.view.get().replica);
    },
  };
  window.__wt = diagnostics;
  return () => {
    if (window.__wt === diagnostics) delete window.__wt;
  };
}
