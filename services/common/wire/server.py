"""Server to client."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from services.common.wire.models import (
    ChatMessage,
    LogEntry,
    Member,
    MemberStatus,
    QueueItem,
    Room,
    RoomSettings,
    VideoState,
    You,
)


class ServerMessage(Struct, kw_only=True, frozen=True, tag_field="type", omit_defaults=True):
    """Fields may be added, none is ever renamed."""


class RoomEvent(ServerMessage, kw_only=True, frozen=True):
    """Changed the room. `prev` is the version before it, `run` the Redis history; `server_time` is Unix seconds."""

    version: int
    prev: int
    run: str
    server_time: float


class Waiting(RoomEvent, tag="waiting", kw_only=True, frozen=True):
    """The room stands at `timestamp` until `members` can play, or until `until` (room clock, Unix seconds)."""

    members: list[str]
    timestamp: float
    until: float


class Resumed(RoomEvent, tag="resumed", kw_only=True, frozen=True):
    """The room goes on from `timestamp` at `starts_at`. `excused` are those it waited for in vain."""

    timestamp: float
    starts_at: float
    excused: list[str] = []


class RoomState(ServerMessage, tag="room_state", kw_only=True, frozen=True):
    """A whole snapshot: on joining, after a gap, and on `resync`.

    `starts_at`: when the position begins to run, where that is still to come (room clock, Unix seconds).
    """

    room: Room
    version: int
    run: str
    server_time: float
    you: You
    chat: list[ChatMessage] = []
    log: list[LogEntry] = []
    waiting: Waiting | None = None
    starts_at: float | None = None
    statuses: dict[str, MemberStatus] = {}


class Heartbeat(ServerMessage, tag="heartbeat", kw_only=True, frozen=True):
    """`timestamp` is the authoritative position in seconds at `server_time`; before a start it stands still."""

    timestamp: float
    is_playing: bool
    server_time: float
    version: int
    run: str
    rate: float


class PlayEvent(RoomEvent, tag="play", kw_only=True, frozen=True):
    """Everyone starts at `starts_at` (room clock, Unix seconds) from `timestamp`."""

    timestamp: float
    by: str
    starts_at: float


class PauseEvent(RoomEvent, tag="pause", kw_only=True, frozen=True):
    timestamp: float
    by: str
    starts_at: float


class SeekEvent(RoomEvent, tag="seek", kw_only=True, frozen=True):
    timestamp: float
    by: str
    starts_at: float


class SetRateEvent(RoomEvent, tag="set_rate", kw_only=True, frozen=True):
    rate: float
    timestamp: float
    by: str


class SetVideo(RoomEvent, tag="set_video", kw_only=True, frozen=True):
    """`video` is null while the current item is being resolved, and when the queue has run out."""

    video: VideoState | None
    item_id: str | None
    is_playing: bool
    timestamp: float
    by: str


class VideoRenewed(RoomEvent, tag="video_renewed", kw_only=True, frozen=True):
    """The current video was resolved again before its streams end. What plays goes on: its addresses stay good."""

    video: VideoState
    item_id: str


class QueueUpdate(RoomEvent, tag="queue_update", kw_only=True, frozen=True):
    queue: list[QueueItem]
    by: str = ""


class MemberJoined(RoomEvent, tag="member_joined", kw_only=True, frozen=True):
    """`email` is the member's id: the verified e-mail, else `guest-<id>`."""

    email: str
    member: Member


class MemberLeft(RoomEvent, tag="member_left", kw_only=True, frozen=True):
    """`reason`: `left`, or what a moderator did. `name` is what they were called."""

    email: str
    reason: Literal["left", "kicked", "banned"] = "left"
    by: str = ""
    name: str = ""


class Unbanned(RoomEvent, tag="unbanned", kw_only=True, frozen=True):
    """Somebody who was banned may come in again. `name` is what they were called; '' where nobody knows."""

    ban: str
    name: str
    by: str = ""


class MemberUpdated(RoomEvent, tag="member_updated", kw_only=True, frozen=True):
    email: str
    member: Member


class SettingsEvent(RoomEvent, tag="settings", kw_only=True, frozen=True):
    settings: RoomSettings
    by: str


class ChatEvent(RoomEvent, tag="chat", kw_only=True, frozen=True):
    message: ChatMessage


class Reaction(ServerMessage, tag="reaction", kw_only=True, frozen=True):
    """Shown once and forgotten: it has no version."""

    by: str
    emoji: str


class Statuses(ServerMessage, tag="statuses", kw_only=True, frozen=True):
    """How members' players are, by member id; those whose state changed since the last one. Not versioned."""

    members: dict[str, MemberStatus]


class Resolving(ServerMessage, tag="resolving", kw_only=True, frozen=True):
    """How far the resolution of an item is. `busy`: the queue is full, the room asks again in `retry_after_ms`."""

    item_id: str
    stage: Literal["queued", "busy", "extracting", "reading"]
    retry_after_ms: int | None = None


class ResolveFailed(ServerMessage, tag="resolve_failed", kw_only=True, frozen=True):
    item_id: str
    code: str
    message: str


class Ack(ServerMessage, tag="ack", kw_only=True, frozen=True):
    """The command `id` was applied as `version`."""

    id: str
    version: int


class Error(ServerMessage, tag="error", kw_only=True, frozen=True):
    """`id` names the command that was refused, where it had one."""

    code: str
    message: str
    id: str | None = None
    retry_after_ms: int | None = None


class ClockReply(ServerMessage, tag="clock", kw_only=True, frozen=True):
    client_time: float
    server_time: float


class Ping(ServerMessage, tag="ping", kw_only=True, frozen=True):
    pass


class Store(ServerMessage, tag="store", kw_only=True, frozen=True):
    """What the room is kept in can't be reached, or can be again.

    Players play on meanwhile, and commands are answered with `unavailable`. A fresh socket may take it for reachable.
    """

    is_reachable: bool


class Goodbye(ServerMessage, tag="goodbye", kw_only=True, frozen=True):
    """This replica is going away: come back, to any, after `retry_after_ms`."""

    reason: str
    retry_after_ms: int


AnyServerMessage = (
    RoomState
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
    | Goodbye
)
