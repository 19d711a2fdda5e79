import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Store } from "@/lib/store";
import type { Command } from "@/wire/frames";
import type { QueueItem } from "@/wire/wire.gen";
import { QueueWishes } from "./queue";
import { Regrets } from "./regrets";
import type { Replica } from "./replica";
import { Toasts } from "./toasts";
import { NOTHING, type RoomView } from "./view";

const FILM = "https://film.example/v";
const item = (more: Partial<QueueItem>): QueueItem =>
  ({ id: "a", url: FILM, status: "ready", lenders: [], ...more }) as QueueItem;

/** Somebody in a room, who keeps a sign-in to film.example, and what they sent. */
function somebody(...queue: readonly QueueItem[]) {
  const sent: Command[] = [];
  const toasts = new Toasts();
  const view = new Store<RoomView>({ ...NOTHING, queue, replica: { you: { id: "me" } } as Replica });
  const wishes = new QueueWishes(view, toasts, new Regrets(() => undefined), {
    objects: () => false,
    command: (command) => String(sent.push(command)),
    guess: (_, command) => String(sent.push(command)),
    signInFor: (url) => (url.startsWith("https://film.example/") ? "film.example" : null),
  });
  return { sent, toasts, wishes, offer: () => toasts.store.get().at(-1)?.action ?? null };
}

beforeEach(() => vi.stubGlobal("window", { setTimeout: () => 0, clearTimeout: () => undefined }));
afterEach(() => vi.unstubAllGlobals());

describe("whether a sign-in may serve a link", () => {
  it("is asked when an item is played, and told only on a yes", () => {
    const { sent, wishes, offer } = somebody(item({}));
    wishes.playNow(item({}));
    expect(sent).toEqual([{ type: "queue_play", item_id: "a" }]);
    offer()?.run();
    expect(sent.at(-1)).toEqual({ type: "queue_lend", item_id: "a", lend: true });
  });

  it("is asked after a paste", () => {
    const { sent, wishes, offer } = somebody(item({}));
    wishes.addPasted(FILM);
    expect(sent).toEqual([{ type: "queue_add", url: FILM, next: false, lend: false }]);
    expect(offer()?.label).toContain("film.example");
  });

  it("tries again what has failed meanwhile", () => {
    const { sent, wishes, offer } = somebody(item({ status: "failed" }));
    wishes.addPasted(FILM);
    offer()?.run();
    expect(sent.at(-1)).toEqual({ type: "queue_retry", item_id: "a", lend: true });
  });

  it("is not asked twice, nor for sites without one", () => {
    const { wishes, offer, toasts } = somebody(item({ lenders: ["me"] }));
    wishes.playNow(item({ lenders: ["me"] }));
    expect(toasts.store.get()).toEqual([]);
    wishes.playNow(item({ url: "https://other.example/v" }));
    expect(toasts.store.get()).toEqual([]);
    wishes.addPasted("https://other.example/v");
    expect(offer()).toBeNull();
    expect(toasts.store.get()).toHaveLength(1);
  });
});
