import type { Readable } from "@/lib/store";
import { t } from "@/text";
import type { Command } from "@/wire/frames";
import type { QueueItem } from "@/wire/wire.gen";
import type { Effect } from "./guess";
import type { Regrets } from "./regrets";
import type { Permission } from "./rights";
import type { Toasts } from "./toasts";
import type { RoomView } from "./view";

interface Means {
  /** Says why not, where this person may not. */
  objects(permission: Permission): boolean;
  /** Sends a command and answers its id. */
  command(command: Command): string;
  /** The same, with its effect shown already. */
  guess(effect: Effect, command: Command): string;
  /** The site of a link that this person keeps a sign-in to; null if there is none. */
  signInFor(url: string): string | null;
}

/** What this person wants of the queue. */
export class QueueWishes {
  constructor(
    private readonly view: Readable<RoomView>,
    private readonly toasts: Toasts,
    private readonly regrets: Regrets,
    private readonly means: Means,
  ) {}

  /** To the queue's end, or right behind what plays. */
  add(url: string, next = false, lend = false): void {
    this.means.command({ type: "queue_add", url, next, lend });
  }

  /** Adds a link that was pasted somewhere, where no field asked whether a sign-in may serve it. */
  addPasted(url: string): void {
    if (this.means.objects("queue")) return;
    this.add(url);
    if (!this.offerSignIn(url)) this.toasts.show(t.queue.pasted);
  }

  /** One of this person's playlists, to the queue's end. */
  addPlaylist(playlist: string, lend: boolean): void {
    if (this.means.objects("queue")) return;
    this.means.command({ type: "queue_add_playlist", playlist, lend });
  }

  remove(item: QueueItem): void {
    if (this.means.objects("queue")) return;
    const id = this.means.guess({ removed: item.id }, { type: "queue_remove", item_id: item.id });
    this.toasts.show(t.queue.removed, {
      action: { label: t.common.undo, run: () => this.regrets.regret(id) },
    });
  }

  reorder(order: readonly string[]): void {
    if (this.means.objects("queue")) return;
    this.means.guess({ order }, { type: "queue_reorder", queue: [...order] });
  }

  playNow(item: QueueItem): void {
    if (this.means.objects("queue")) return;
    this.means.command({ type: "queue_play", item_id: item.id });
    const { replica } = this.view.get();
    if (replica !== null && !item.lenders.includes(replica.you.id)) this.offerSignIn(item.url);
  }

  playNext(item: QueueItem): void {
    const { queue, replica } = this.view.get();
    const others = queue.map((each) => each.id).filter((id) => id !== item.id);
    const place = others.indexOf(replica?.itemId ?? "") + 1;
    this.reorder([...others.slice(0, place), item.id, ...others.slice(place)]);
  }

  vote(item: QueueItem): void {
    if (this.means.objects("chat")) return;
    this.means.guess({ voted: item.id }, { type: "queue_vote", item_id: item.id });
  }

  clear(): void {
    if (this.means.objects("queue")) return;
    this.means.command({ type: "queue_clear" });
  }

  /** `lend`: with this person's own cookies, if need be. */
  retry(item: QueueItem, lend = false): void {
    if (this.means.objects("queue")) return;
    this.means.command({ type: "queue_retry", item_id: item.id, lend });
  }

  /** This person's cookies may serve the newest item of a link. */
  lend(url: string): void {
    const item = this.view.get().queue.findLast((each) => each.url === url);
    if (item?.status === "failed") this.retry(item, true);
    else if (item !== undefined) this.means.command({ type: "queue_lend", item_id: item.id, lend: true });
  }

  /** This person's cookies serve an item no longer. */
  takeBack(item: QueueItem): void {
    this.means.command({ type: "queue_lend", item_id: item.id, lend: false });
  }

  /** Asks whether a sign-in may serve a link, where this person keeps one for its site. */
  private offerSignIn(url: string): boolean {
    const site = this.means.signInFor(url);
    if (site === null) return false;
    this.toasts.show(t.queue.withoutSignIn(site), {
      action: { label: t.queue.lendSignIn(site), run: () => this.lend(url) },
    });
    return true;
  }
}
