/** Keeps the server's copy of the chosen sites' cookies like this browser's. It lives for moments: what must outlast
 * them is in the memory, and `wakeAt` is how it comes back. */
import { type BrowserCookie, fingerprintOf, jarOf } from "./netscape";
import { backoff, dueAt, QUIET_MS, REGULAR_MS, RESCUE_MS } from "./schedule";
import { pair, Server, ServerError } from "./server";
import { isOf } from "./sites";
import { FRESH_SITE, type Memory, type Pairing, type SiteState, type State } from "./state";

export interface Means {
  readonly memory: Memory;
  /** Every cookie of a site, whatever it is partitioned by. */
  cookiesOf(site: string): Promise<readonly BrowserCookie[]>;
  isGranted(site: string): Promise<boolean>;
  /** Gives the browser's permission for a site back. */
  giveUp(site: string): Promise<void>;
  /** Calls `run` then, even if this process is gone by then; replaces what was set before. */
  wakeAt(time: number): void;
  /** Unix milliseconds. */
  now(): number;
  /** What this browser is to be called in the list of the page. */
  browserName(): string;
}

/** Trying the same again soon changes nothing about these. */
const LASTING: ReadonlySet<string> = new Set(["no_cookies", "no_permission", "too_large", "forbidden", "bad_cookies"]);

export class Keeper {
  private running: Promise<void> | null = null;
  private isWanted = false;

  constructor(private readonly means: Means) {}

  /** Exchanges a code of the page at `server` for a token. What goes wrong stands in the state. */
  async pair(server: string, code: string): Promise<void> {
    const { memory } = this.means;
    try {
      const { token, name } = await pair(server, code, this.means.browserName());
      await memory.change((state) => ({ ...state, pairing: { server, token, name }, problem: null }));
    } catch (error) {
      await memory.change((state) => ({ ...state, problem: codeOf(error) }));
      return;
    }
    await this.rush();
  }

  /** Forgets the token, here and there. Sites stay chosen, and what is on the server stays there. */
  async unpair(): Promise<void> {
    const { pairing } = await this.means.memory.read();
    await this.means.memory.change((state) => ({ ...state, pairing: null, problem: null }));
    if (pairing === null) return;
    try {
      await serverOf(pairing).unpair();
    } catch (error) {
      const problem = codeOf(error) === "bad_token" ? null : "not_unpaired";
      await this.means.memory.change((state) => ({ ...state, problem }));
    }
  }

  async turnOn(site: string): Promise<void> {
    await this.note((state) => {
      const known = state.sites[site];
      const isOn = known !== undefined && !known.isLeaving;
      return isOn ? state : { ...state, sites: { ...state.sites, [site]: FRESH_SITE } };
    });
    await this.run();
  }

  /** Turns a site off: its cookies are deleted on the server, at once or when it answers again. */
  async turnOff(site: string): Promise<void> {
    await this.note((state) => {
      if (state.pairing === null || state.sites[site] === undefined) return without(state, site);
      return { ...state, sites: { ...state.sites, [site]: { ...FRESH_SITE, isLeaving: true } } };
    });
    await this.means.giveUp(site);
    await this.run();
  }

  /** A cookie was set, changed or removed. */
  async changed(domain: string): Promise<void> {
    const now = this.means.now();
    const state = await this.note((held) =>
      eachSite(held, (site, name) => (!site.isLeaving && isOf(domain, name) ? touched(site, now) : site)),
    );
    this.wakeFor(state);
  }

  /** Sends a site's cookies now, or those of all sites, even where nothing changed. */
  async rush(site: string | null = null): Promise<void> {
    await this.note((state) =>
      eachSite(state, (known, name) =>
        site === null || site === name ? { ...known, isRushed: true, retryAt: 0 } : known,
      ),
    );
    await this.run();
  }

  /** Tries again what failed. */
  async retry(): Promise<void> {
    await this.means.memory.change((state) =>
      eachSite(state, (known) => (known.problem === null ? known : { ...known, retryAt: 0 })),
    );
    await this.run();
  }

  /** Notes that there is something to do. Whoever dies between that and the doing is called back. */
  private note(change: (state: State) => State): Promise<State> {
    this.means.wakeAt(this.means.now() + RESCUE_MS);
    return this.means.memory.change(change);
  }

  /** Does what is due. */
  async run(): Promise<void> {
    this.isWanted = true;
    // One at a time: a second call while one is under way makes it look again.
    this.running ??= this.loop().finally(() => {
      this.running = null;
    });
    await this.running;
  }

  private async loop(): Promise<void> {
    while (this.isWanted) {
      this.isWanted = false;
      const state = await this.means.memory.read();
      if (state.pairing === null) return;
      const due = Object.entries(state.sites).filter(([, each]) => dueAt(each, this.means.now()) <= this.means.now());
      if (due.length > 0) this.means.wakeAt(this.means.now() + RESCUE_MS);
      for (const [site, each] of due) {
        // It may have been taken away by the answer to the one before.
        if ((await this.means.memory.read()).pairing?.token !== state.pairing.token) return;
        await this.tend(state.pairing, site, each);
      }
    }
    this.wakeFor(await this.means.memory.read());
  }

  private async tend(pairing: Pairing, site: string, state: SiteState): Promise<void> {
    try {
      if (state.isLeaving) {
        await serverOf(pairing).forget(site);
        // Turned on again while the server was asked, it stays.
        await this.means.memory.change((held) => (held.sites[site]?.isLeaving ? without(held, site) : held));
      } else {
        await this.send(pairing, site, state);
      }
    } catch (error) {
      await this.failed(site, state.isLeaving, error);
    }
  }

  private async send(pairing: Pairing, site: string, state: SiteState): Promise<void> {
    const { memory, now } = this.means;
    if (!(await this.means.isGranted(site))) throw new ServerError("no_permission");
    const startedAt = now();
    const cookies = (await this.means.cookiesOf(site)).filter((cookie) => !isOurs(cookie, pairing.server));
    const jar = jarOf(cookies, site, startedAt / 1000);
    const fingerprint = await fingerprintOf(jar);
    const age = startedAt - (state.syncedAt ?? Number.NEGATIVE_INFINITY);
    const isFresh = age >= 0 && age < REGULAR_MS;
    const isThere = fingerprint === state.fingerprint && isFresh && state.problem === null && !state.isRushed;
    if (jar.names.length === 0) {
      // Signed out here: what the server still has opens nothing.
      if (state.fingerprint !== "") await serverOf(pairing).forget(site);
      await memory.changeSite(site, { fingerprint: "", names: [], syncedAt: null });
      throw new ServerError("no_cookies");
    }
    if (!isThere) await serverOf(pairing).bring(jar.text);
    await memory.change((held) => {
      const known = held.sites[site];
      if (known === undefined || known.isLeaving) return held;
      // A change that came while it was sent is still to be sent.
      const isSince = known.changedAt !== null && known.changedAt > startedAt && known.changedAt <= now();
      const changedAt = isSince ? known.changedAt : null;
      const syncedAt = isThere ? known.syncedAt : now();
      const { names, leftOut } = jar;
      const sent: SiteState = { ...FRESH_SITE, names, leftOut, fingerprint, changedAt, syncedAt };
      return { ...held, sites: { ...held.sites, [site]: sent } };
    });
  }

  private async failed(site: string, wasLeaving: boolean, error: unknown): Promise<void> {
    const problem = codeOf(error);
    if (problem === "bad_token") {
      // It was taken away on the page: nothing more is tried.
      await this.means.memory.change((state) => ({ ...state, pairing: null, problem }));
      return;
    }
    await this.means.memory.change((state) => {
      const known = state.sites[site];
      // What failed is not what is wanted now.
      if (known === undefined || known.isLeaving !== wasLeaving) return state;
      const failures = known.failures + 1;
      const asked = error instanceof ServerError ? error.retryAfterMs : null;
      const wait = LASTING.has(problem) ? REGULAR_MS : Math.max(backoff(failures), asked ?? 0);
      const retryAt = this.means.now() + wait;
      const next = { ...known, problem, failures, retryAt, changedAt: null, isRushed: false };
      return { ...state, sites: { ...state.sites, [site]: next } };
    });
  }

  private wakeFor({ pairing, sites }: State): void {
    const times = pairing === null ? [] : Object.values(sites).map((site) => dueAt(site, this.means.now()));
    if (times.length > 0) this.means.wakeAt(Math.min(...times));
  }
}

function touched(site: SiteState, now: number): SiteState {
  const isAnswer = site.problem !== null && LASTING.has(site.problem);
  const waitingSince = site.changedAt === null ? now : (site.waitingSince ?? site.changedAt);
  return { ...site, changedAt: now, waitingSince, retryAt: isAnswer ? now + QUIET_MS : site.retryAt };
}

function without(state: State, site: string): State {
  const { [site]: _, ...sites } = state.sites;
  return { ...state, sites };
}

/** The state with each site changed; itself, where none was. */
function eachSite(state: State, change: (site: SiteState, name: string) => SiteState): State {
  const sites = Object.entries(state.sites).map(([name, site]) => [name, change(site, name)] as const);
  const isSame = sites.every(([name, site]) => site === state.sites[name]);
  return isSame ? state : { ...state, sites: Object.fromEntries(sites) };
}

function serverOf({ server, token }: Pairing): Server {
  return new Server(server, token);
}

/** The server's own session is nobody else's business, not even its own. */
function isOurs({ domain, name }: BrowserCookie, server: string): boolean {
  return (
    (name === "wt_session" || name === "CF_Authorization") && domain.replace(/^\./, "") === new URL(server).hostname
  );
}

function codeOf(error: unknown): string {
  return error instanceof ServerError ? error.code : "broken";
}
