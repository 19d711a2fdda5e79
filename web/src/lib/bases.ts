/** Where this page's server is: where the page came from, or another replica once that one is dead. Pure but for its
 * store: who tries an address tells here how that went. */
import { Store } from "./store";

/** Whether anybody answers at an origin. */
type Probe = (base: string) => Promise<boolean>;

export class Bases {
  /** The origin that answered last; what is asked for from now on is asked for there. */
  readonly current: Store<string>;
  private known: readonly string[];
  private order: readonly string[];
  private looking: Promise<void> | null = null;

  constructor(
    private readonly own: string,
    private readonly random: () => number = Math.random,
  ) {
    this.current = new Store(own);
    this.known = this.order = [own];
  }

  /** All origins that this page may use, its own first. */
  get all(): readonly string[] {
    return this.known;
  }

  /** Takes `peers` of `/api/config`. A page that came from none of them came from an address in front of them all, which
   * outlives each: it stays. */
  learn(peers: readonly string[]): void {
    const found = peers.flatMap((peer) => originOf(peer, this.own) ?? []);
    this.known = found.includes(this.own)
      ? [this.own, ...new Set(found.filter((each) => each !== this.own))]
      : [this.own];
    this.order = this.shuffled();
  }

  /** Where to try after so many failures in a row: where it was, then everywhere else by chance, and so on round. */
  candidate(failures: number): string {
    const place = failures % this.order.length;
    if (place === 0) this.order = this.shuffled();
    return this.order[place] ?? this.current.get();
  }

  /** Somebody answered there. */
  settle(base: string): void {
    if (this.known.includes(base)) this.current.set(base);
  }

  /** Looks who answers, where it was first. While nobody does, which is the network's fault, it stays. */
  look(probe: Probe): Promise<void> {
    this.looking ??= this.lookAround(probe).finally(() => {
      this.looking = null;
    });
    return this.looking;
  }

  /** An address of ours where it is to be had now; others, and those within the page, as they are. */
  at(address: string): string {
    const current = this.current.get();
    if (this.known.length < 2 || address === "") return address;
    if (address.startsWith("/") && !address.startsWith("//")) return current === this.own ? address : current + address;
    const base = this.known.find((each) => address.startsWith(`${each}/`));
    return base === undefined || base === current ? address : current + address.slice(base.length);
  }

  private async lookAround(probe: Probe): Promise<void> {
    if (this.known.length < 2) return;
    for (const base of this.shuffled()) {
      if (!(await probe(base))) continue;
      this.settle(base);
      return;
    }
  }

  private shuffled(): readonly string[] {
    const current = this.current.get();
    const others = this.known.filter((each) => each !== current);
    const drawn = others.map((base) => ({ base, by: this.random() })).sort((a, b) => a.by - b.by);
    return [current, ...drawn.map(({ base }) => base)];
  }
}

/** A peer's origin as this page reaches it: `:8001` is that port of the page's own host. Null where it cannot. */
function originOf(peer: string, own: string): string | null {
  const { protocol, hostname } = new URL(own);
  // An address in brackets cannot be allowed by a content security policy.
  if (peer.startsWith(":") && hostname.startsWith("[")) return null;
  const address = peer.startsWith(":") ? `${protocol}//${hostname}${peer}` : peer;
  if (!URL.canParse(address)) return null;
  const found = new URL(address);
  // From a page that came by TLS the browser lets nobody go where there is none.
  const isReachable = found.protocol === protocol || found.protocol === "https:";
  return isReachable ? found.origin : null;
}

/** This page's. */
export const bases = new Bases(globalThis.location?.origin ?? "");
