/** What this person keeps for themselves: playlists, and what they watched. Requests go up, state comes down. */
import { ApiError } from "@/lib/api";
import { Store } from "@/lib/store";
import { t } from "@/text";
import type { History, NewPlaylistItem, Playlist, PlaylistSummary, QueueItem } from "@/wire/wire.gen";
import * as api from "./api";

export type Shelf = "playlists" | "history";

export interface LibraryView {
  readonly isOpen: boolean;
  readonly shelf: Shelf;
  /** Null until they have been asked for. */
  readonly playlists: readonly PlaylistSummary[] | null;
  readonly history: History | null;
  /** The playlist that is looked into. */
  readonly chosen: Playlist | null;
  /** What is to go into a playlist that is still to be chosen. */
  readonly bringing: readonly NewPlaylistItem[];
  readonly problem: string | null;
  /** What was done, for a moment. */
  readonly done: string | null;
  readonly isBusy: boolean;
}

const CLOSED: LibraryView = {
  isOpen: false,
  shelf: "playlists",
  playlists: null,
  history: null,
  chosen: null,
  bringing: [],
  problem: null,
  done: null,
  isBusy: false,
};

/** A playlist's item of something in a queue or a history: of what a sign-in opened, the link alone. */
export function linkOf(
  item: Pick<QueueItem, "url" | "title" | "thumbnail" | "duration">,
  isPrivate: boolean,
): NewPlaylistItem {
  if (isPrivate) return { url: item.url, title: "", thumbnail: "", duration: 0 };
  return { url: item.url, title: item.title.slice(0, 200), thumbnail: item.thumbnail, duration: item.duration };
}

export class Library {
  readonly view = new Store<LibraryView>(CLOSED);

  /** Shows the library; with links, asks which playlist they shall go into. */
  open(shelf: Shelf = "playlists", bringing: readonly NewPlaylistItem[] = []): void {
    this.view.patch({ isOpen: true, shelf, bringing, chosen: null, problem: null, done: null });
    void this.load();
  }

  close(): void {
    this.view.patch({ isOpen: false, bringing: [], chosen: null, problem: null, done: null });
  }

  show(shelf: Shelf): void {
    this.view.patch({ shelf, bringing: [], chosen: null, problem: null, done: null });
    void this.load();
  }

  back(): void {
    this.view.patch({ chosen: null, problem: null, done: null });
    void this.load();
  }

  /** Asks a question about links on the way: which playlist. */
  bring(items: readonly NewPlaylistItem[]): void {
    this.view.patch({ shelf: "playlists", bringing: items, chosen: null, problem: null, done: null });
    void this.load();
  }

  async load(): Promise<void> {
    if (this.view.get().shelf === "history") {
      await this.work(async () => this.view.patch({ history: await api.readHistory() }));
    } else {
      await this.work(async () => this.view.patch({ playlists: await api.readPlaylists() }));
    }
  }

  choose(id: string): Promise<boolean> {
    return this.work(async () => this.view.patch({ chosen: await api.readPlaylist(id) }));
  }

  /** Makes a playlist, of what is being brought if something is. */
  create(name: string): Promise<boolean> {
    return this.work(async () => {
      const { bringing } = this.view.get();
      const chosen = await api.createPlaylist(name, bringing);
      this.view.patch({ chosen, bringing: [], done: bringing.length > 0 ? t.library.addedTo(chosen.name) : null });
    });
  }

  /** Puts what is being brought into a playlist. */
  put(playlist: PlaylistSummary): Promise<boolean> {
    return this.work(async () => {
      const chosen = await api.extendPlaylist(playlist.id, this.view.get().bringing);
      this.view.patch({ chosen, bringing: [], done: t.library.addedTo(chosen.name) });
    });
  }

  /** Adds a link at once, and what it is as soon as that is known. */
  async add(url: string): Promise<boolean> {
    const id = this.view.get().chosen?.id;
    if (id === undefined) return false;
    const isAdded = await this.work(async () =>
      this.took(await api.extendPlaylist(id, [linkOf({ ...NOTHING, url }, true)])),
    );
    const item = this.view.get().chosen?.items.at(-1);
    if (isAdded && item !== undefined) void this.describe(id, item.id);
    return isAdded;
  }

  rename(name: string): Promise<boolean> {
    return this.change((id) => api.changePlaylist(id, { name }));
  }

  /** Shown at once; the server's answer may correct it. */
  reorder(order: readonly string[]): Promise<boolean> {
    const { chosen } = this.view.get();
    if (chosen !== null) {
      const items = order.flatMap((id) => chosen.items.find((item) => item.id === id) ?? []);
      this.view.patch({ chosen: { ...chosen, items } });
    }
    return this.change((id) => api.changePlaylist(id, { order: [...order] }));
  }

  remove(item: string): Promise<boolean> {
    return this.change((id) => api.removeItem(id, item));
  }

  async delete(): Promise<void> {
    const id = this.view.get().chosen?.id;
    if (id === undefined) return;
    if (await this.work(() => api.deletePlaylist(id))) this.back();
  }

  keep(isKept: boolean): Promise<boolean> {
    return this.work(async () => this.view.patch({ history: await api.keepHistory(isKept) }));
  }

  clear(): Promise<boolean> {
    return this.work(async () => {
      await api.clearHistory();
      this.view.patch({ history: await api.readHistory() });
    });
  }

  forget(entry: string): Promise<boolean> {
    return this.work(async () => {
      await api.forgetEntry(entry);
      this.view.patch({ history: await api.readHistory() });
    });
  }

  private change(request: (id: string) => Promise<Playlist>): Promise<boolean> {
    const id = this.view.get().chosen?.id;
    return id === undefined ? Promise.resolve(false) : this.work(async () => this.took(await request(id)));
  }

  private took(changed: Playlist): void {
    if (this.view.get().chosen?.id === changed.id) this.view.patch({ chosen: changed });
  }

  /** A link that cannot be opened now stays as it is: it may open when it is played. */
  private async describe(playlist: string, itemId: string): Promise<void> {
    const item = this.view.get().chosen?.items.find((each) => each.id === itemId);
    if (item === undefined) return;
    try {
      this.took(await api.describeItem(playlist, item, await api.describeLink(item.url)));
    } catch {
      return;
    }
  }

  /** Says what came of something that was played from here. */
  tell(done: string): void {
    this.view.patch({ done, problem: null });
  }

  /** Does what the server is asked for, and says so if it could not be. */
  async work(request: () => Promise<void>): Promise<boolean> {
    this.view.patch({ isBusy: true, problem: null, done: null });
    try {
      await request();
      return true;
    } catch (error) {
      this.view.patch({ problem: error instanceof ApiError ? error.message : t.common.didNotWork });
      return false;
    } finally {
      this.view.patch({ isBusy: false });
    }
  }
}

const NOTHING = { title: "", thumbnail: "", duration: 0 };
