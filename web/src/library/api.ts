/** The REST side of playlists and of the watch history. */
import { ask, remove } from "@/lib/api";
import type {
  ChangePlaylistRequest,
  History,
  NewPlaylistItem,
  Playlist,
  PlaylistItem,
  PlaylistSummary,
  VideoState,
} from "@/wire/wire.gen";

const LISTS = "/api/playlists";
const HISTORY = "/api/history";

function pathOf(playlist: string): string {
  return `${LISTS}/${encodeURIComponent(playlist)}`;
}

export async function readPlaylists(): Promise<readonly PlaylistSummary[]> {
  return ((await ask("PlaylistList", LISTS)) as { playlists: PlaylistSummary[] }).playlists;
}

export async function readPlaylist(id: string): Promise<Playlist> {
  return (await ask("Playlist", pathOf(id))) as Playlist;
}

export async function createPlaylist(name: string, items: readonly NewPlaylistItem[]): Promise<Playlist> {
  return (await ask("Playlist", LISTS, { name, items })) as Playlist;
}

export async function changePlaylist(id: string, change: ChangePlaylistRequest): Promise<Playlist> {
  return (await ask("Playlist", pathOf(id), change, "PATCH")) as Playlist;
}

export async function extendPlaylist(id: string, items: readonly NewPlaylistItem[]): Promise<Playlist> {
  return (await ask("Playlist", `${pathOf(id)}/items`, { items })) as Playlist;
}

export async function describeItem(id: string, item: PlaylistItem, details: NewPlaylistItem): Promise<Playlist> {
  return (await ask("Playlist", `${pathOf(id)}/items/${item.id}`, details, "PUT")) as Playlist;
}

export async function removeItem(id: string, item: string): Promise<Playlist> {
  return (await ask("Playlist", `${pathOf(id)}/items/${item}`, undefined, "DELETE")) as Playlist;
}

export async function deletePlaylist(id: string): Promise<void> {
  await remove(pathOf(id));
}

export async function readHistory(): Promise<History> {
  return (await ask("History", HISTORY)) as History;
}

export async function keepHistory(isKept: boolean): Promise<History> {
  return (await ask("History", HISTORY, { is_kept: isKept }, "PATCH")) as History;
}

export async function clearHistory(): Promise<void> {
  await remove(HISTORY);
}

export async function forgetEntry(entry: string): Promise<void> {
  await remove(`${HISTORY}/${encodeURIComponent(entry)}`);
}

/** What a link is: its title, picture and length. */
export async function describeLink(url: string): Promise<NewPlaylistItem> {
  const { title, thumbnail, duration } = (await ask("VideoState", "/api/resolve", { url })) as VideoState;
  return { url, title: title.slice(0, 200), thumbnail, duration: duration ?? 0 };
}
