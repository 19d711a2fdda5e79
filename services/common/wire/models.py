"""Values that messages and REST answers are made of."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

StreamType = Literal["hls", "dash", "direct"]
ItemStatus = Literal["resolving", "ready", "failed"]
Role = Literal["owner", "moderator", "member", "viewer"]
BufferingPolicy = Literal["never", "everyone", "owner"]
PlayerState = Literal["ready", "buffering", "stalled", "hidden"]
LogKind = Literal[
    "play", "pause", "seek", "set_rate", "queue_add", "queue_remove", "queue_play", "kick", "ban", "unban", "settings",
]  # fmt: skip
Timestamp = Annotated[
    float, Meta(ge=0, description="Media position in seconds; in a live stream the picture's date, Unix seconds.")
]
Date = Annotated[float, Meta(ge=0, le=1e11)]
ItemIdText = Annotated[str, Meta(min_length=1, max_length=16)]
Url = Annotated[str, Meta(min_length=1, max_length=2048)]
BanId = Annotated[str, Meta(min_length=1, max_length=16)]
PlaylistId = Annotated[str, Meta(min_length=1, max_length=16)]


class Model(Struct, kw_only=True, frozen=True):
    """Fields may be added, none is ever renamed."""


class QualityOption(Model, kw_only=True, frozen=True):
    """One rendition. `height` is in pixels, `bitrate` in bit/s; null where the site does not say."""

    id: str
    label: str
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    hdr: bool = False
    codecs: str = ""
    bitrate: int | None = None
    video_url: str | None = None
    stream_url: str | None = None


class AudioTrack(Model, kw_only=True, frozen=True):
    id: str
    language: str | None = None
    codecs: str = ""
    bitrate: int | None = None
    url: str = ""


class Subtitle(Model, kw_only=True, frozen=True):
    """A WebVTT or TTML track, served through the proxy."""

    language: str
    label: str
    url: str
    automatic: bool = False


class Chapter(Model, kw_only=True, frozen=True):
    """`start` is in seconds; it ends where the next begins."""

    start: float
    title: str


class Storyboard(Model, kw_only=True, frozen=True):
    """Small pictures for the seek bar: `pages` hold `columns` × `rows` of them, one for each `interval` seconds."""

    width: int
    height: int
    columns: int
    rows: int
    interval: float
    pages: list[str]


class VideoState(Model, kw_only=True, frozen=True):
    """What a player needs. `url` is the link as pasted; every other URL goes through the proxy.

    `direct` and `hls` carry `stream_url`; `dash` carries `video_url` and `audio_url`, or `manifest_url`.
    `duration` is in seconds, null where unknown; `start` is where the link says to begin, in seconds; `expires_at` is
    Unix seconds.
    """

    url: str
    title: str
    stream_type: StreamType
    thumbnail: str = ""
    item_id: str = ""
    duration: float | None = None
    start: float = 0.0
    is_live: bool = False
    stream_url: str | None = None
    video_url: str | None = None
    audio_url: str | None = None
    manifest_url: str | None = None
    qualities: list[QualityOption] = []
    audio_tracks: list[AudioTrack] = []
    subtitles: list[Subtitle] = []
    chapters: list[Chapter] = []
    storyboard: Storyboard | None = None
    expires_at: float | None = None


class Attempt(Model, kw_only=True, frozen=True):
    """How one way to open a link failed: with the cookies of `lender` (a member id), or '' without any."""

    lender: str
    code: str
    message: str


class LiveWindow(Model, kw_only=True, frozen=True):
    """What the live stream `item_id` offers now: the dates (Unix seconds) of its first picture and of the end of its
    last, and how long its longest segment is, in seconds."""

    item_id: ItemIdText
    start: Date
    end: Date
    segment: Annotated[float, Meta(gt=0, le=60)]


class QueueItem(Model, kw_only=True, frozen=True):
    """`added_at` is Unix seconds; `votes` are member ids. Until resolved: title = URL, thumbnail '', duration 0.

    `lenders` are members who let their cookies serve this item in this room, in the order in which they are tried.
    `opened_with` is the one whose cookies opened it: who is not in the room is told its link alone.
    """

    id: str
    url: str
    title: str
    thumbnail: str = ""
    duration: float = 0
    added_by: str = ""
    added_at: float = 0
    status: ItemStatus = "resolving"
    code: str | None = None
    message: str | None = None
    votes: list[str] = []
    lenders: list[str] = []
    opened_with: str = ""
    attempts: list[Attempt] = []


class Member(Model, kw_only=True, frozen=True):
    """`joined_at` is Unix seconds."""

    name: str
    is_guest: bool
    joined_at: float
    role: Role = "member"


class Permissions(Model, kw_only=True, frozen=True):
    """The least role that may do each thing."""

    playback: Role = "member"
    queue: Role = "member"
    chat: Role = "viewer"
    settings: Role = "moderator"


class RoomSettings(Model, kw_only=True, frozen=True):
    """What the people of a room have agreed on.

    `buffering`: for whom the room waits when a player runs dry. `tight_sync`: players also close small gaps.
    `is_locked`: nobody new comes in. `is_unlisted`: not in the list of rooms. `has_password`: it is never told.
    """

    buffering: BufferingPolicy = "never"
    tight_sync: bool = False
    is_locked: bool = False
    is_unlisted: bool = False
    has_password: bool = False
    permissions: Permissions = Permissions()


class ChatMessage(Model, kw_only=True, frozen=True):
    """`text` is plain text: whoever shows it escapes it. `name` is the author's at that time; `at` is Unix seconds."""

    id: str
    by: str
    name: str
    text: str
    at: float


class LogEntry(Model, kw_only=True, frozen=True):
    """Something somebody did: "Ben sought to 12:40". `version` is what `undo` takes; `at` is Unix seconds."""

    version: int
    at: float
    by: str
    name: str
    kind: LogKind
    timestamp: float | None = None
    title: str | None = None
    is_undoable: bool = False


class Banned(Model, kw_only=True, frozen=True):
    """A ban: what `unban` takes, whom it holds (`member`, called `name` then; '' is an address alone), and who set it.

    `at` is Unix seconds. Names are '' where nobody knows them any more. `has_address`: it holds addresses, too.
    `can_lift`: whether who asked may lift it.
    """

    id: str
    member: str
    name: str
    at: float
    by: str
    by_name: str
    has_address: bool
    can_lift: bool


class MemberStatus(Model, kw_only=True, frozen=True):
    """How a member's player is. `drift` is seconds ahead of the room. `is_excused`: the room does not wait for them."""

    state: PlayerState
    drift: float | None = None
    position: float | None = None
    is_excused: bool = False


class Room(Model, kw_only=True, frozen=True):
    """A room at `version`. `timestamp` is its position in seconds at the moment of the answer."""

    id: str
    version: int
    members: dict[str, Member]
    queue: list[QueueItem]
    current_video: VideoState | None
    current_item_id: str | None
    is_playing: bool
    timestamp: float
    rate: float
    last_active: float
    settings: RoomSettings = RoomSettings()


class RoomSummary(Model, kw_only=True, frozen=True):
    """A line of the list of rooms."""

    id: str
    title: str
    thumbnail: str
    is_playing: bool
    member_names: list[str]
    last_active: float


class You(Model, kw_only=True, frozen=True):
    """The receiver of a snapshot."""

    id: str
    name: str
    role: Role
    is_guest: bool
