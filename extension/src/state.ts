/** What the extension remembers, in `storage.local`: the background writes it, the popup reads what is for showing. */

export interface Pairing {
  /** The server's origin. */
  readonly server: string;
  readonly token: string;
  /** Who its person is there. */
  readonly name: string;
}

/** One site that was turned on. Times are Unix milliseconds. */
export interface SiteState {
  /** It was turned off, and its cookies are still to be deleted on the server. */
  readonly isLeaving: boolean;
  readonly syncedAt: number | null;
  /** Names of what is on the server. Never values. */
  readonly names: readonly string[];
  readonly leftOut: number;
  readonly fingerprint: string;
  /** When a cookie of it last changed, if that is not on the server yet. */
  readonly changedAt: number | null;
  /** When the first of those changes came. */
  readonly waitingSince: number | null;
  /** A code, in words by `problem_…` of the catalogue. */
  readonly problem: string | null;
  readonly failures: number;
  /** Somebody asked for it: it is sent even if nothing changed. */
  readonly isRushed: boolean;
  /** Nothing is tried before. */
  readonly retryAt: number;
}

export interface State {
  readonly pairing: Pairing | null;
  readonly sites: Readonly<Record<string, SiteState>>;
  /** Why there is no pairing any more, or why the last attempt failed. */
  readonly problem: string | null;
  /** The room that was last seen in this browser. */
  readonly room: string | null;
}

export const FRESH_SITE: SiteState = {
  isLeaving: false,
  syncedAt: null,
  names: [],
  leftOut: 0,
  fingerprint: "",
  changedAt: null,
  waitingSince: null,
  problem: null,
  failures: 0,
  isRushed: false,
  retryAt: 0,
};

export const FRESH: State = { pairing: null, sites: {}, problem: null, room: null };

/** What the popup is shown: no token. */
export interface View extends Omit<State, "pairing"> {
  readonly server: string | null;
  readonly name: string | null;
}

export function viewOf({ pairing, ...rest }: State): View {
  return { ...rest, server: pairing?.server ?? null, name: pairing?.name ?? null };
}

/** Where the state lies. */
export interface Shelf {
  read(): Promise<State>;
  write(state: State): Promise<void>;
}

/** The state, changed by one at a time: each change sees what the last one wrote. */
export class Memory {
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly shelf: Shelf) {}

  read(): Promise<State> {
    return this.enqueue(() => this.shelf.read());
  }

  change(how: (state: State) => State): Promise<State> {
    return this.enqueue(async () => {
      const held = await this.shelf.read();
      const next = how(held);
      if (next !== held) await this.shelf.write(next);
      return next;
    });
  }

  /** Changes one site, if it is still there. */
  changeSite(site: string, change: Partial<SiteState>): Promise<State> {
    return this.change((state) => {
      const known = state.sites[site];
      return known === undefined ? state : { ...state, sites: { ...state.sites, [site]: { ...known, ...change } } };
    });
  }

  private enqueue<T>(work: () => Promise<T>): Promise<T> {
    const result = this.last.then(work);
    this.last = result.catch(() => undefined);
    return result;
  }
}
