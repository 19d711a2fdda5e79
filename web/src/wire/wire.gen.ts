// Written by `npm run wire` from services/common/wire: change it there.

export interface Wire {
  command:
    | Play
    | Pause
    | Seek
    | SetRate
    | QueueAdd
    | QueueAddPlaylist
    | QueueRemove
    | QueueReorder
    | QueuePlay
    | QueueRetry
    | QueueLend
    | QueueClear
    | QueueVote
    | Ended
    | Rename
    | SetSettings
    | SetRole
    | Kick
    | Ban
    | Unban
    | Chat
    | React
    | Undo;
  client:
    | Play
    | Pause
    | Seek
    | SetRate
    | QueueAdd
    | QueueAddPlaylist
    | QueueRemove
    | QueueReorder
    | QueuePlay
    | QueueRetry
    | QueueLend
    | QueueClear
    | QueueVote
    | Ended
    | Rename
    | SetSettings
    | SetRole
    | Kick
    | Ban
    | Unban
    | Chat
    | React
    | Undo
    | Clock
    | Resync
    | Status
    | Pong;
  server:
    | RoomState
    | Heartbeat
    | PlayEvent
    | PauseEvent
    | SeekEvent
    | SetRateEvent
    | SetVideo
    | VideoRenewed
    | QueueUpdate
    | MemberJoined
    | MemberLeft
    | MemberUpdated
    | Unbanned
    | Waiting
    | Resumed
    | SettingsEvent
    | ChatEvent
    | Reaction
    | Statuses
    | Resolving
    | ResolveFailed
    | Ack
    | Error
    | ClockReply
    | Ping
    | Store
    | Goodbye;
  rest:
    | ResolveRequest
    | SessionRequest
    | Session
    | CreateRoomRequest
    | JoinRequest
    | CreatedRoom
    | RoomList
    | BanList
    | CookieList
    | PairingCode
    | PairRequest
    | Paired
    | BrowserList
    | CreatePlaylistRequest
    | ChangePlaylistRequest
    | ExtendPlaylistRequest
    | Playlist
    | PlaylistList
    | History
    | HistoryRequest
    | ClientConfig
    | Doctor
    | ErrorBody;
}
export interface Play {
  type: "play";
  id?: string | null;
  /**
   * Media position in seconds; in a live stream the picture's date, Unix seconds.
   */
  timestamp: number;
}
export interface Pause {
  type: "pause";
  id?: string | null;
  /**
   * Media position in seconds; in a live stream the picture's date, Unix seconds.
   */
  timestamp: number;
}
export interface Seek {
  type: "seek";
  id?: string | null;
  /**
   * Media position in seconds; in a live stream the picture's date, Unix seconds.
   */
  timestamp: number;
}
export interface SetRate {
  type: "set_rate";
  id?: string | null;
  rate: number;
}
/**
 * Add a link to the end of the queue, or right after the current item.
 *
 * `lend`: the cookies that the sender keeps here may serve it in this room.
 */
export interface QueueAdd {
  type: "queue_add";
  id?: string | null;
  url: string;
  next?: boolean;
  lend?: boolean;
}
/**
 * Add one of the sender's playlists to the end of the queue, as far as that has room.
 *
 * `lend`: the cookies that the sender keeps here may serve its items in this room.
 */
export interface QueueAddPlaylist {
  type: "queue_add_playlist";
  id?: string | null;
  playlist: string;
  lend?: boolean;
}
export interface QueueRemove {
  type: "queue_remove";
  id?: string | null;
  item_id: string;
}
/**
 * The whole new order. Ids added meanwhile keep their place at the end; removed ones are ignored.
 */
export interface QueueReorder {
  type: "queue_reorder";
  id?: string | null;
  queue: string[];
}
/**
 * Play an item now. `lend`: with the sender's cookies, if need be.
 */
export interface QueuePlay {
  type: "queue_play";
  id?: string | null;
  item_id: string;
  lend?: boolean;
}
/**
 * Resolve a failed item again. `lend`: with the sender's cookies, if need be.
 */
export interface QueueRetry {
  type: "queue_retry";
  id?: string | null;
  item_id: string;
  lend?: boolean;
}
/**
 * The sender's cookies may serve an item in this room, or may no longer.
 */
export interface QueueLend {
  type: "queue_lend";
  id?: string | null;
  item_id: string;
  lend: boolean;
}
/**
 * Remove everything but the current item.
 */
export interface QueueClear {
  type: "queue_clear";
  id?: string | null;
}
/**
 * Vote for an item, or take the vote back.
 */
export interface QueueVote {
  type: "queue_vote";
  id?: string | null;
  item_id: string;
}
/**
 * The sender's player reached the item's end. Moves on once, however many say it.
 */
export interface Ended {
  type: "ended";
  id?: string | null;
  item_id: string;
}
export interface Rename {
  type: "rename";
  id?: string | null;
  name: string;
}
/**
 * Change some of the room's settings; what is left out stays. `password`: '' removes it.
 */
export interface SetSettings {
  type: "set_settings";
  id?: string | null;
  buffering?: ("everyone" | "never" | "owner") | null;
  tight_sync?: boolean | null;
  is_locked?: boolean | null;
  is_unlisted?: boolean | null;
  permissions?: {
    [k: string]: "member" | "moderator" | "owner" | "viewer";
  } | null;
  password?: string | null;
}
/**
 * Make somebody moderator, member or viewer; to make them owner gives the room away.
 */
export interface SetRole {
  type: "set_role";
  id?: string | null;
  member: string;
  role: "member" | "moderator" | "owner" | "viewer";
}
/**
 * Send somebody out; they may come back.
 */
export interface Kick {
  type: "kick";
  id?: string | null;
  member: string;
}
/**
 * Send somebody out for good. `address`: everybody from their address, too.
 */
export interface Ban {
  type: "ban";
  id?: string | null;
  member: string;
  address?: boolean;
}
/**
 * Let somebody in again who was banned: `ban` is the ban's id, which the room's list of bans tells.
 */
export interface Unban {
  type: "unban";
  id?: string | null;
  ban: string;
}
export interface Chat {
  type: "chat";
  id?: string | null;
  text: string;
}
export interface React {
  type: "react";
  id?: string | null;
  emoji: string;
}
/**
 * Take back the seek, or bring back the removed item, that was applied as `version`.
 */
export interface Undo {
  type: "undo";
  id?: string | null;
  version: number;
}
/**
 * `client_time` is opaque to the server and comes back unchanged.
 */
export interface Clock {
  type: "clock";
  client_time: number;
}
/**
 * Ask for a whole snapshot.
 */
export interface Resync {
  type: "resync";
  version?: number | null;
}
/**
 * How the sender's player is.
 *
 * `position` and `buffered` in seconds, `drift` in seconds ahead of the room, `rtt` the round trip in seconds. `seeks`
 * and `rates`: how often it sought and changed its speed to be with the room since the report before.
 * `window` is what a live stream with dates offers; a room knows by it where it may be.
 */
export interface Status {
  type: "status";
  state: "buffering" | "hidden" | "ready" | "stalled";
  position?: number | null;
  drift?: number | null;
  buffered?: number | null;
  rtt?: number | null;
  seeks?: number;
  rates?: number;
  window?: LiveWindow | null;
}
/**
 * What the live stream `item_id` offers now: the dates (Unix seconds) of its first picture and of the end of its
 * last, and how long its longest segment is, in seconds.
 */
export interface LiveWindow {
  item_id: string;
  start: number;
  end: number;
  segment: number;
}
export interface Pong {
  type: "pong";
}
/**
 * A whole snapshot: on joining, after a gap, and on `resync`.
 *
 * `starts_at`: when the position begins to run, where that is still to come (room clock, Unix seconds).
 */
export interface RoomState {
  type: "room_state";
  room: Room;
  version: number;
  run: string;
  server_time: number;
  you: You;
  chat: ChatMessage[];
  log: LogEntry[];
  waiting: Waiting | null;
  starts_at: number | null;
  statuses: {
    [k: string]: MemberStatus;
  };
}
/**
 * A room at `version`. `timestamp` is its position in seconds at the moment of the answer.
 */
export interface Room {
  id: string;
  version: number;
  members: {
    [k: string]: Member;
  };
  queue: QueueItem[];
  current_video: VideoState | null;
  current_item_id: string | null;
  is_playing: boolean;
  timestamp: number;
  rate: number;
  last_active: number;
  settings: RoomSettings;
}
/**
 * `joined_at` is Unix seconds.
 */
export interface Member {
  name: string;
  is_guest: boolean;
  joined_at: number;
  role: "member" | "moderator" | "owner" | "viewer";
}
/**
 * `added_at` is Unix seconds; `votes` are member ids. Until resolved: title = URL, thumbnail '', duration 0.
 *
 * `lenders` are members who let their cookies serve this item in this room, in the order in which they are tried.
 * `opened_with` is the one whose cookies opened it: who is not in the room is told its link alone.
 */
export interface QueueItem {
  id: string;
  url: string;
  title: string;
  thumbnail: string;
  duration: number;
  added_by: string;
  added_at: number;
  status: "failed" | "ready" | "resolving";
  code: string | null;
  message: string | null;
  votes: string[];
  lenders: string[];
  opened_with: string;
  attempts: Attempt[];
}
/**
 * How one way to open a link failed: with the cookies of `lender` (a member id), or '' without any.
 */
export interface Attempt {
  lender: string;
  code: string;
  message: string;
}
/**
 * What a player needs. `url` is the link as pasted; every other URL goes through the proxy.
 *
 * `direct` and `hls` carry `stream_url`; `dash` carries `video_url` and `audio_url`, or `manifest_url`.
 * `duration` is in seconds, null where unknown; `start` is where the link says to begin, in seconds; `expires_at` is
 * Unix seconds.
 */
export interface VideoState {
  url: string;
  title: string;
  stream_type: "dash" | "direct" | "hls";
  thumbnail: string;
  item_id: string;
  duration: number | null;
  start: number;
  is_live: boolean;
  stream_url: string | null;
  video_url: string | null;
  audio_url: string | null;
  manifest_url: string | null;
  qualities: QualityOption[];
  audio_tracks: AudioTrack[];
  subtitles: Subtitle[];
  chapters: Chapter[];
  storyboard: Storyboard | null;
  expires_at: number | null;
}
/**
 * One rendition. `height` is in pixels, `bitrate` in bit/s; null where the site does not say.
 */
export interface QualityOption {
  id: string;
  label: string;
  width: number | null;
  height: number | null;
  fps: number | null;
  hdr: boolean;
  codecs: string;
  bitrate: number | null;
  video_url: string | null;
  stream_url: string | null;
}
export interface AudioTrack {
  id: string;
  language: string | null;
  codecs: string;
  bitrate: number | null;
  url: string;
}
/**
 * A WebVTT or TTML track, served through the proxy.
 */
export interface Subtitle {
  language: string;
  label: string;
  url: string;
  automatic: boolean;
}
/**
 * `start` is in seconds; it ends where the next begins.
 */
export interface Chapter {
  start: number;
  title: string;
}
/**
 * Small pictures for the seek bar: `pages` hold `columns` × `rows` of them, one for each `interval` seconds.
 */
export interface Storyboard {
  width: number;
  height: number;
  columns: number;
  rows: number;
  interval: number;
  pages: string[];
}
/**
 * What the people of a room have agreed on.
 *
 * `buffering`: for whom the room waits when a player runs dry. `tight_sync`: players also close small gaps.
 * `is_locked`: nobody new comes in. `is_unlisted`: not in the list of rooms. `has_password`: it is never told.
 */
export interface RoomSettings {
  buffering: "everyone" | "never" | "owner";
  tight_sync: boolean;
  is_locked: boolean;
  is_unlisted: boolean;
  has_password: boolean;
  permissions: Permissions;
}
/**
 * The least role that may do each thing.
 */
export interface Permissions {
  playback: "member" | "moderator" | "owner" | "viewer";
  queue: "member" | "moderator" | "owner" | "viewer";
  chat: "member" | "moderator" | "owner" | "viewer";
  settings: "member" | "moderator" | "owner" | "viewer";
}
/**
 * The receiver of a snapshot.
 */
export interface You {
  id: string;
  name: string;
  role: "member" | "moderator" | "owner" | "viewer";
  is_guest: boolean;
}
/**
 * `text` is plain text: whoever shows it escapes it. `name` is the author's at that time; `at` is Unix seconds.
 */
export interface ChatMessage {
  id: string;
  by: string;
  name: string;
  text: string;
  at: number;
}
/**
 * Something somebody did: "Ben sought to 12:40". `version` is what `undo` takes; `at` is Unix seconds.
 */
export interface LogEntry {
  version: number;
  at: number;
  by: string;
  name: string;
  kind:
    | "ban"
    | "kick"
    | "pause"
    | "play"
    | "queue_add"
    | "queue_play"
    | "queue_remove"
    | "seek"
    | "set_rate"
    | "settings"
    | "unban";
  timestamp: number | null;
  title: string | null;
  is_undoable: boolean;
}
/**
 * The room stands at `timestamp` until `members` can play, or until `until` (room clock, Unix seconds).
 */
export interface Waiting {
  type: "waiting";
  version: number;
  prev: number;
  run: string;
  server_time: number;
  members: string[];
  timestamp: number;
  until: number;
}
/**
 * How a member's player is. `drift` is seconds ahead of the room. `is_excused`: the room does not wait for them.
 */
export interface MemberStatus {
  state: "buffering" | "hidden" | "ready" | "stalled";
  drift: number | null;
  position: number | null;
  is_excused: boolean;
}
/**
 * `timestamp` is the authoritative position in seconds at `server_time`; before a start it stands still.
 */
export interface Heartbeat {
  type: "heartbeat";
  timestamp: number;
  is_playing: boolean;
  server_time: number;
  version: number;
  run: string;
  rate: number;
}
/**
 * Everyone starts at `starts_at` (room clock, Unix seconds) from `timestamp`.
 */
export interface PlayEvent {
  type: "play";
  version: number;
  prev: number;
  run: string;
  server_time: number;
  timestamp: number;
  by: string;
  starts_at: number;
}
export interface PauseEvent {
  type: "pause";
  version: number;
  prev: number;
  run: string;
  server_time: number;
  timestamp: number;
  by: string;
  starts_at: number;
}
export interface SeekEvent {
  type: "seek";
  version: number;
  prev: number;
  run: string;
  server_time: number;
  timestamp: number;
  by: string;
  starts_at: number;
}
export interface SetRateEvent {
  type: "set_rate";
  version: number;
  prev: number;
  run: string;
  server_time: number;
  rate: number;
  timestamp: number;
  by: string;
}
/**
 * `video` is null while the current item is being resolved, and when the queue has run out.
 */
export interface SetVideo {
  type: "set_video";
  version: number;
  prev: number;
  run: string;
  server_time: number;
  video: VideoState | null;
  item_id: string | null;
  is_playing: boolean;
  timestamp: number;
  by: string;
}
/**
 * The current video was resolved again before its streams end. What plays goes on: its addresses stay good.
 */
export interface VideoRenewed {
  type: "video_renewed";
  version: number;
  prev: number;
  run: string;
  server_time: number;
  video: VideoState;
  item_id: string;
}
export interface QueueUpdate {
  type: "queue_update";
  version: number;
  prev: number;
  run: string;
  server_time: number;
  queue: QueueItem[];
  by: string;
}
/**
 * `email` is the member's id: the verified e-mail, else `guest-<id>`.
 */
export interface MemberJoined {
  type: "member_joined";
  version: number;
  prev: number;
  run: string;
  server_time: number;
  email: string;
  member: Member;
}
/**
 * `reason`: `left`, or what a moderator did. `name` is what they were called.
 */
export interface MemberLeft {
  type: "member_left";
  version: number;
  prev: number;
  run: string;
  server_time: number;
  email: string;
  reason: "banned" | "kicked" | "left";
  by: string;
  name: string;
}
export interface MemberUpdated {
  type: "member_updated";
  version: number;
  prev: number;
  run: string;
  server_time: number;
  email: string;
  member: Member;
}
/**
 * Somebody who was banned may come in again. `name` is what they were called; '' where nobody knows.
 */
export interface Unbanned {
  type: "unbanned";
  version: number;
  prev: number;
  run: string;
  server_time: number;
  ban: string;
  name: string;
  by: string;
}
/**
 * The room goes on from `timestamp` at `starts_at`. `excused` are those it waited for in vain.
 */
export interface Resumed {
  type: "resumed";
  version: number;
  prev: number;
  run: string;
  server_time: number;
  timestamp: number;
  starts_at: number;
  excused: string[];
}
export interface SettingsEvent {
  type: "settings";
  version: number;
  prev: number;
  run: string;
  server_time: number;
  settings: RoomSettings;
  by: string;
}
export interface ChatEvent {
  type: "chat";
  version: number;
  prev: number;
  run: string;
  server_time: number;
  message: ChatMessage;
}
/**
 * Shown once and forgotten: it has no version.
 */
export interface Reaction {
  type: "reaction";
  by: string;
  emoji: string;
}
/**
 * How members' players are, by member id; those whose state changed since the last one. Not versioned.
 */
export interface Statuses {
  type: "statuses";
  members: {
    [k: string]: MemberStatus;
  };
}
/**
 * How far the resolution of an item is. `busy`: the queue is full, the room asks again in `retry_after_ms`.
 */
export interface Resolving {
  type: "resolving";
  item_id: string;
  stage: "busy" | "extracting" | "queued" | "reading";
  retry_after_ms: number | null;
}
export interface ResolveFailed {
  type: "resolve_failed";
  item_id: string;
  code: string;
  message: string;
}
/**
 * The command `id` was applied as `version`.
 */
export interface Ack {
  type: "ack";
  id: string;
  version: number;
}
/**
 * `id` names the command that was refused, where it had one.
 */
export interface Error {
  type: "error";
  code: string;
  message: string;
  id: string | null;
  retry_after_ms: number | null;
}
export interface ClockReply {
  type: "clock";
  client_time: number;
  server_time: number;
}
export interface Ping {
  type: "ping";
}
/**
 * What the room is kept in can't be reached, or can be again.
 *
 * Players play on meanwhile, and commands are answered with `unavailable`. A fresh socket may take it for reachable.
 */
export interface Store {
  type: "store";
  is_reachable: boolean;
}
/**
 * This replica is going away: come back, to any, after `retry_after_ms`.
 */
export interface Goodbye {
  type: "goodbye";
  reason: string;
  retry_after_ms: number;
}
/**
 * `own`: with the caller's own cookies even where everybody's result is known (members-only quality).
 */
export interface ResolveRequest {
  url: string;
  own?: boolean;
}
export interface SessionRequest {
  name: string;
}
/**
 * Who the caller is.
 */
export interface Session {
  id: string;
  name: string;
  is_guest: boolean;
}
/**
 * Make a room with a random, unlisted id; with `url`, that link is its first item.
 *
 * `playlist`: the id of one of the caller's playlists, whose items it begins with. `lend`: the cookies that the caller
 * keeps here may serve them in this room.
 */
export interface CreateRoomRequest {
  url?: string | null;
  playlist?: string | null;
  lend?: boolean;
}
/**
 * The password of a room.
 */
export interface JoinRequest {
  password: string;
}
export interface CreatedRoom {
  id: string;
}
export interface RoomList {
  rooms: RoomSummary[];
}
/**
 * A line of the list of rooms.
 */
export interface RoomSummary {
  id: string;
  title: string;
  thumbnail: string;
  is_playing: boolean;
  member_names: string[];
  last_active: number;
}
/**
 * Who is banned from a room, the last one first.
 */
export interface BanList {
  bans: Banned[];
}
/**
 * A ban: what `unban` takes, whom it holds (`member`, called `name` then; '' is an address alone), and who set it.
 *
 * `at` is Unix seconds. Names are '' where nobody knows them any more. `has_address`: it holds addresses, too.
 * `can_lift`: whether who asked may lift it.
 */
export interface Banned {
  id: string;
  member: string;
  name: string;
  at: number;
  by: string;
  by_name: string;
  has_address: boolean;
  can_lift: boolean;
}
/**
 * The sites whose cookies the caller keeps here.
 */
export interface CookieList {
  sites: CookieSite[];
}
/**
 * What is told of the cookies of one site: never more. `expires_at`: Unix seconds, null for a session's.
 */
export interface CookieSite {
  domain: string;
  expires_at: number | null;
}
/**
 * What connects a browser's extension to the caller, once. `expires_at`: Unix seconds.
 */
export interface PairingCode {
  code: string;
  expires_at: number;
}
/**
 * A code as a person copied it: case, spaces and dashes do not count. `browser`: what to call it in the list.
 */
export interface PairRequest {
  code: string;
  browser?: string;
}
/**
 * The token of one browser, told this once, and the name of the person it belongs to.
 */
export interface Paired {
  token: string;
  name: string;
}
export interface BrowserList {
  browsers: PairedBrowser[];
}
/**
 * A browser that may change the cookies that the caller keeps here. Times are Unix seconds.
 */
export interface PairedBrowser {
  id: string;
  name: string;
  paired_at: number;
  used_at: number;
}
export interface CreatePlaylistRequest {
  name: string;
  items?: NewPlaylistItem[];
}
/**
 * A link for a playlist, and what is known of it. `thumbnail`: an address of this server's proxy, or ''.
 */
export interface NewPlaylistItem {
  url: string;
  title: string;
  thumbnail: string;
  duration: number;
}
/**
 * A new name, a new order, or both.
 *
 * `order`: item ids. Items it does not name keep their order at the end; ids of items that are gone are ignored.
 */
export interface ChangePlaylistRequest {
  name?: string | null;
  order?: string[] | null;
}
/**
 * Links for the playlist's end.
 */
export interface ExtendPlaylistRequest {
  items: NewPlaylistItem[];
}
/**
 * One of the caller's playlists. Times are Unix seconds.
 */
export interface Playlist {
  id: string;
  name: string;
  items: PlaylistItem[];
  created_at: number;
  updated_at: number;
}
/**
 * A link in a playlist. `duration` in seconds, 0 where unknown; `added_at` is Unix seconds.
 */
export interface PlaylistItem {
  id: string;
  url: string;
  title: string;
  thumbnail: string;
  duration: number;
  added_at: number;
}
/**
 * The caller's playlists, last changed first.
 */
export interface PlaylistList {
  playlists: PlaylistSummary[];
}
/**
 * A line of the caller's playlists. `duration`: of the items whose length is known, in seconds.
 */
export interface PlaylistSummary {
  id: string;
  name: string;
  count: number;
  duration: number;
  thumbnail: string;
  updated_at: number;
}
/**
 * What the caller watched, last first. `is_kept`: whether more is noted.
 */
export interface History {
  is_kept: boolean;
  entries: HistoryEntry[];
}
/**
 * Something that the caller watched in a room.
 *
 * `position`: how far they came, in seconds (0 in a live stream); `duration`: 0 where unknown; `watched_at`: when they
 * last watched it, Unix seconds. `is_private`: somebody's sign-in opened it, so that its link alone is for others.
 */
export interface HistoryEntry {
  id: string;
  url: string;
  title: string;
  thumbnail: string;
  duration: number;
  position: number;
  room: string;
  watched_at: number;
  is_private: boolean;
}
/**
 * Whether the caller wants a watch history. What is there stays until it is deleted.
 */
export interface HistoryRequest {
  is_kept: boolean;
}
/**
 * What the page must know of this installation.
 *
 * `peers`: origins of all replicas that are opened directly, `:port` for that port of the page's own host. A page at
 * one of them moves to another when its own dies; one at any other address stays.
 */
export interface ClientConfig {
  access: boolean;
  guests: boolean;
  peers: string[];
  version: string;
}
/**
 * How a request arrived. `time` is Unix seconds; `is_proxied`: a trusted edge named the `address`.
 */
export interface Doctor {
  version: string;
  time: number;
  scheme: string;
  host: string;
  address: string;
  is_proxied: boolean;
}
export interface ErrorBody {
  error: ErrorDetail;
}
/**
 * `attempts`: how each way to open a link failed, where there were several. `problems`: wrong lines of cookies.
 */
export interface ErrorDetail {
  code: string;
  message: string;
  retry_after_ms: number | null;
  attempts: Attempt[];
  problems: CookieProblem[];
}
/**
 * What is wrong in one line (or one entry of a JSON list), counted from 1.
 */
export interface CookieProblem {
  line: number;
  message: string;
}
