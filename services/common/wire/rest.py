"""REST bodies."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from services.common.wire.client import MemberName
from services.common.wire.models import Attempt, Banned, PlaylistId, RoomSummary, Url


class RestModel(Struct, kw_only=True, frozen=True):
    """Fields may be added, none is ever renamed."""


class ResolveRequest(RestModel, kw_only=True, frozen=True):
    """`own`: with the caller's own cookies even where everybody's result is known (members-only quality)."""

    url: Url
    own: bool = False


class SessionRequest(RestModel, kw_only=True, frozen=True):
    name: MemberName


class Session(RestModel, kw_only=True, frozen=True):
    """Who the caller is."""

    id: str
    name: str
    is_guest: bool


class CreateRoomRequest(RestModel, kw_only=True, frozen=True):
    """Make a room with a random, unlisted id; with `url`, that link is its first item.

    `playlist`: the id of one of the caller's playlists, whose items it begins with. `lend`: the cookies that the caller
    keeps here may serve them in this room.
    """

    url: Annotated[str, Meta(max_length=2048)] | None = None
    playlist: PlaylistId | None = None
    lend: bool = False


class JoinRequest(RestModel, kw_only=True, frozen=True):
    """The password of a room."""

    password: Annotated[str, Meta(max_length=200)]


class CreatedRoom(RestModel, kw_only=True, frozen=True):
    id: str


class RoomList(RestModel, kw_only=True, frozen=True):
    rooms: list[RoomSummary]


class BanList(RestModel, kw_only=True, frozen=True):
    """Who is banned from a room, the last one first."""

    bans: list[Banned]


class ClientConfig(RestModel, kw_only=True, frozen=True):
    """What the page must know of this installation.

    `peers`: origins of all replicas that are opened directly, `:port` for that port of the page's own host. A page at
    one of them moves to another when its own dies; one at any other address stays.
    """

    access: bool
    guests: bool
    peers: list[str]
    version: str


class CookieSite(RestModel, kw_only=True, frozen=True):
    """What is told of the cookies of one site: never more. `expires_at`: Unix seconds, null for a session's."""

    domain: str
    expires_at: float | None


class CookieList(RestModel, kw_only=True, frozen=True):
    """The sites whose cookies the caller keeps here."""

    sites: list[CookieSite]


class PairingCode(RestModel, kw_only=True, frozen=True):
    """What connects a browser's extension to the caller, once. `expires_at`: Unix seconds."""

    code: str
    expires_at: float


class PairRequest(RestModel, kw_only=True, frozen=True):
    """A code as a person copied it: case, spaces and dashes do not count. `browser`: what to call it in the list."""

    code: Annotated[str, Meta(max_length=64)]
    browser: Annotated[str, Meta(max_length=200)] = ""


class Paired(RestModel, kw_only=True, frozen=True):
    """The token of one browser, told this once, and the name of the person it belongs to."""

    token: str
    name: str


class PairedBrowser(RestModel, kw_only=True, frozen=True):
    """A browser that may change the cookies that the caller keeps here. Times are Unix seconds."""

    id: str
    name: str
    paired_at: float
    used_at: float


class BrowserList(RestModel, kw_only=True, frozen=True):
    browsers: list[PairedBrowser]


class CookieProblem(RestModel, kw_only=True, frozen=True):
    """What is wrong in one line (or one entry of a JSON list), counted from 1."""

    line: int
    message: str


PlaylistName = Annotated[str, Meta(min_length=1, max_length=80)]
EntryId = Annotated[str, Meta(min_length=1, max_length=16)]


class NewPlaylistItem(RestModel, kw_only=True, frozen=True):
    """A link for a playlist, and what is known of it. `thumbnail`: an address of this server's proxy, or ''."""

    url: Url
    title: Annotated[str, Meta(max_length=200)] = ""
    thumbnail: Annotated[str, Meta(max_length=2048)] = ""
    duration: Annotated[float, Meta(ge=0, le=1e7)] = 0


class PlaylistItem(RestModel, kw_only=True, frozen=True):
    """A link in a playlist. `duration` in seconds, 0 where unknown; `added_at` is Unix seconds."""

    id: str
    url: str
    title: str
    thumbnail: str = ""
    duration: float = 0
    added_at: float = 0


class Playlist(RestModel, kw_only=True, frozen=True):
    """One of the caller's playlists. Times are Unix seconds."""

    id: str
    name: str
    items: list[PlaylistItem] = []
    created_at: float = 0
    updated_at: float = 0


class PlaylistSummary(RestModel, kw_only=True, frozen=True):
    """A line of the caller's playlists. `duration`: of the items whose length is known, in seconds."""

    id: str
    name: str
    count: int
    duration: float
    thumbnail: str
    updated_at: float


class PlaylistList(RestModel, kw_only=True, frozen=True):
    """The caller's playlists, last changed first."""

    playlists: list[PlaylistSummary]


class CreatePlaylistRequest(RestModel, kw_only=True, frozen=True):
    name: PlaylistName
    items: Annotated[list[NewPlaylistItem], Meta(max_length=500)] = []


class ChangePlaylistRequest(RestModel, kw_only=True, frozen=True):
    """A new name, a new order, or both.

    `order`: item ids. Items it does not name keep their order at the end; ids of items that are gone are ignored.
    """

    name: PlaylistName | None = None
    order: Annotated[list[EntryId], Meta(max_length=500)] | None = None


class ExtendPlaylistRequest(RestModel, kw_only=True, frozen=True):
    """Links for the playlist's end."""

    items: Annotated[list[NewPlaylistItem], Meta(min_length=1, max_length=500)]


class HistoryEntry(RestModel, kw_only=True, frozen=True):
    """Something that the caller watched in a room.

    `position`: how far they came, in seconds (0 in a live stream); `duration`: 0 where unknown; `watched_at`: when they
    last watched it, Unix seconds. `is_private`: somebody's sign-in opened it, so that its link alone is for others.
    """

    id: str
    url: str
    title: str
    thumbnail: str = ""
    duration: float = 0
    position: float = 0
    room: str = ""
    watched_at: float = 0
    is_private: bool = False


class History(RestModel, kw_only=True, frozen=True):
    """What the caller watched, last first. `is_kept`: whether more is noted."""

    is_kept: bool
    entries: list[HistoryEntry]


class HistoryRequest(RestModel, kw_only=True, frozen=True):
    """Whether the caller wants a watch history. What is there stays until it is deleted."""

    is_kept: bool


class Doctor(RestModel, kw_only=True, frozen=True):
    """How a request arrived. `time` is Unix seconds; `is_proxied`: a trusted edge named the `address`."""

    version: str
    time: float
    scheme: str
    host: str
    address: str
    is_proxied: bool


class ErrorDetail(RestModel, kw_only=True, frozen=True):
    """`attempts`: how each way to open a link failed, where there were several. `problems`: wrong lines of cookies."""

    code: str
    message: str
    retry_after_ms: int | None = None
    attempts: list[Attempt] = []
    problems: list[CookieProblem] = []


class ErrorBody(RestModel, kw_only=True, frozen=True):
    error: ErrorDetail
