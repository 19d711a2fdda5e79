/** The sites whose cookies this person keeps on the server, and what they do with them. Values never come back. */
import { ApiError, forgetCookies, readCookies, saveCookies } from "@/lib/api";
import { Store } from "@/lib/store";
import { t } from "@/text";
import type { CookieSite, QueueItem } from "@/wire/wire.gen";
import { Pairing } from "./pairing";

/** How often an open dialog looks whether a connected browser brought something. */
const LOOK_MS = 2_000;

/** Links of a site that is signed in to under another name. */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  "youtu.be": ["youtube.com"],
  "x.com": ["twitter.com"],
  "twitter.com": ["x.com"],
  "fb.watch": ["facebook.com"],
  "redd.it": ["reddit.com"],
};

/** The site, of those that are kept, whose sign-in could serve a link. */
export function siteFor(link: string, sites: readonly CookieSite[]): string | null {
  if (!URL.canParse(link)) return null;
  const host = new URL(link).hostname.replace(/^\[|\]$/g, "");
  const own = Object.keys(ALIASES).find((name) => isUnder(host, name));
  const names = [host, ...(own === undefined ? [] : (ALIASES[own] ?? []))];
  return sites.find(({ domain }) => names.some((name) => isUnder(name, domain)))?.domain ?? null;
}

function isUnder(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`);
}

/** Whether a failed item could open with somebody's sign-in. */
export function mayMend(item: QueueItem): boolean {
  return item.status === "failed" && (item.code === "sign_in_required" || item.code === "private");
}

export interface SignInView {
  /** Null until they have been asked for. */
  readonly sites: readonly CookieSite[] | null;
  readonly isOpen: boolean;
  /** The item that the dialog was opened for. */
  readonly item: QueueItem | null;
  readonly problem: string | null;
  /** More lines that are wrong. */
  readonly lines: readonly string[];
  readonly isBusy: boolean;
}

const CLOSED: SignInView = { sites: null, isOpen: false, item: null, problem: null, lines: [], isBusy: false };

export class SignIns {
  readonly view = new Store<SignInView>(CLOSED);
  readonly pairing = new Pairing();
  private timer: ReturnType<typeof setInterval> | undefined;

  /** `retry` resolves an item again, with this person's cookies. */
  constructor(private readonly retry: (item: QueueItem) => void) {}

  /** Reads the list once; without it the page is whole. */
  load(): void {
    if (this.view.get().sites !== null) return;
    void readCookies().then(
      ({ sites }) => this.view.patch({ sites }),
      () => undefined,
    );
  }

  open(item: QueueItem | null = null): void {
    this.view.patch({ isOpen: true, item, problem: null, lines: [] });
    this.load();
    void this.pairing.look();
    clearInterval(this.timer);
    this.timer = setInterval(() => void this.look(), LOOK_MS);
  }

  close(): void {
    clearInterval(this.timer);
    this.pairing.hide();
    this.view.patch({ isOpen: false, item: null, problem: null, lines: [] });
  }

  /** Keeps cookies, and uses them at once where the dialog was opened for an item of their site. */
  async save(text: string): Promise<boolean> {
    const isSaved = await this.change(async () => (await saveCookies(text)).sites);
    if (isSaved) this.applyIfBrought();
    return isSaved;
  }

  async forget(domain: string): Promise<void> {
    await this.change(async () => {
      await forgetCookies(domain);
      return (await readCookies()).sites;
    });
  }

  use(item: QueueItem): void {
    this.retry(item);
    this.close();
  }

  /** A browser's extension may have brought what the dialog was opened for: then it is used, as if saved here. */
  private async look(): Promise<void> {
    const { item, sites, isBusy } = this.view.get();
    await this.pairing.look();
    if (isBusy || sites === null) return;
    const wasThere = item !== null && siteFor(item.url, sites) !== null;
    const found = await readCookies().catch(() => null);
    if (found === null || !this.view.get().isOpen || this.view.get().isBusy) return;
    this.view.patch({ sites: found.sites });
    if (!wasThere) this.applyIfBrought();
  }

  private applyIfBrought(): void {
    const { item, sites } = this.view.get();
    if (item !== null && siteFor(item.url, sites ?? []) !== null) this.use(item);
  }

  private async change(work: () => Promise<readonly CookieSite[]>): Promise<boolean> {
    this.view.patch({ isBusy: true, problem: null, lines: [] });
    try {
      this.view.patch({ sites: await work(), isBusy: false });
      return true;
    } catch (error) {
      const told = error instanceof ApiError ? error : null;
      this.view.patch({
        isBusy: false,
        problem: told?.message ?? t.common.didNotWork,
        lines: (told?.problems ?? []).slice(1).map(({ line, message }) => t.signIns.line(line, message)),
      });
      return false;
    }
  }
}
