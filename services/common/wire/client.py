"""Client to server. A command may carry `id`: it is applied once however often it is sent."""

from __future__ import annotations

from typing import Annotated, Final, Literal, cast

from msgspec import DecodeError, Meta, Struct, ValidationError
from msgspec.json import Decoder

from services.common import codec
from services.common.wire.models import (
    BanId,
    BufferingPolicy,
    ItemIdText,
    LiveWindow,
    PlayerState,
    PlaylistId,
    Role,
    Timestamp,
    Url,
)

CommandId = Annotated[str, Meta(min_length=1, max_length=64)]
MemberIdText = Annotated[str, Meta(min_length=1, max_length=254)]
PermissionName = Literal["playback", "queue", "chat", "settings"]
MemberName = Annotated[str, Meta(min_length=1, max_length=40)]


class ClientMessage(Struct, kw_only=True, frozen=True, tag_field="type"):
    """Unknown fields are ignored; an unknown type gets an `error`, not a disconnect."""


class Command(ClientMessage, kw_only=True, frozen=True):
    """Changes the room; answered with `ack` or `error` when it carries `id`."""

    id: CommandId | None = None


class Play(Command, tag="play", kw_only=True, frozen=True):
    timestamp: Timestamp


class Pause(Command, tag="pause", kw_only=True, frozen=True):
    timestamp: Timestamp


class Seek(Command, tag="seek", kw_only=True, frozen=True):
    timestamp: Timestamp


class SetRate(Command, tag="set_rate", kw_only=True, frozen=True):
    rate: Annotated[float, Meta(ge=0.25, le=4)]


class QueueAdd(Command, tag="queue_add", kw_only=True, frozen=True):
    """Add a link to the end of the queue, or right after the current item.

    `lend`: the cookies that the sender keeps here may serve it in this room.
    """

    url: Url
    next: bool = False
    lend: bool = False


class QueueAddPlaylist(Command, tag="queue_add_playlist", kw_only=True, frozen=True):
    """Add one of the sender's playlists to the end of the queue, as far as that has room.

    `lend`: the cookies that the sender keeps here may serve its items in this room.
    """

    playlist: PlaylistId
    lend: bool = False


class QueueRemove(Command, tag="queue_remove", kw_only=True, frozen=True):
    item_id: ItemIdText


class QueueReorder(Command, tag="queue_reorder", kw_only=True, frozen=True):
    """The whole new order. Ids added meanwhile keep their place at the end; removed ones are ignored."""

    queue: Annotated[list[ItemIdText], Meta(max_length=500)]


class QueuePlay(Command, tag="queue_play", kw_only=True, frozen=True):
    """Play an item now. `lend`: with the sender's cookies, if need be."""

    item_id: ItemIdText
    lend: bool = False


class QueueRetry(Command, tag="queue_retry", kw_only=True, frozen=True):
    """Resolve a failed item again. `lend`: with the sender's cookies, if need be."""

    item_id: ItemIdText
    lend: bool = False


class QueueLend(Command, tag="queue_lend", kw_only=True, frozen=True):
    """The sender's cookies may serve an item in this room, or may no longer."""

    item_id: ItemIdText
    lend: bool


class Ended(Command, tag="ended", kw_only=True, frozen=True):
    """The sender's player reached the item's end. Moves on once, however many say it."""

    item_id: ItemIdText


class Rename(Command, tag="rename", kw_only=True, frozen=True):
    name: MemberName


class QueueClear(Command, tag="queue_clear", kw_only=True, frozen=True):
    """Remove everything but the current item."""


class QueueVote(Command, tag="queue_vote", kw_only=True, frozen=True):
    """Vote for an item, or take the vote back."""

    item_id: ItemIdText


class SetSettings(Command, tag="set_settings", kw_only=True, frozen=True):
    """Change some of the room's settings; what is left out stays. `password`: '' removes it."""

    buffering: BufferingPolicy | None = None
    tight_sync: bool | None = None
    is_locked: bool | None = None
    is_unlisted: bool | None = None
    permissions: dict[PermissionName, Role] | None = None
    password: Annotated[str, Meta(max_length=200)] | None = None


class SetRole(Command, tag="set_role", kw_only=True, frozen=True):
    """Make somebody moderator, member or viewer; to make them owner gives the room away."""

    member: MemberIdText
    role: Role


class Kick(Command, tag="kick", kw_only=True, frozen=True):
    """Send somebody out; they may come back."""

    member: MemberIdText


class Ban(Command, tag="ban", kw_only=True, frozen=True):
    """Send somebody out for good. `address`: everybody from their address, too."""

    member: MemberIdText
    address: bool = False


class Unban(Command, tag="unban", kw_only=True, frozen=True):
    """Let somebody in again who was banned: `ban` is the ban's id, which the room's list of bans tells."""

    ban: BanId


class Chat(Command, tag="chat", kw_only=True, frozen=True):
    text: Annotated[str, Meta(min_length=1, max_length=500)]


class React(Command, tag="react", kw_only=True, frozen=True):
    emoji: Annotated[str, Meta(min_length=1, max_length=16)]


class Undo(Command, tag="undo", kw_only=True, frozen=True):
    """Take back the seek, or bring back the removed item, that was applied as `version`."""

    version: int


class Clock(ClientMessage, tag="clock", kw_only=True, frozen=True):
    """`client_time` is opaque to the server and comes back unchanged."""

    client_time: float


class Resync(ClientMessage, tag="resync", kw_only=True, frozen=True):
    """Ask for a whole snapshot."""

    version: int | None = None


class Status(ClientMessage, tag="status", kw_only=True, frozen=True):
    """How the sender's player is.

    `position` and `buffered` in seconds, `drift` in seconds ahead of the room, `rtt` the round trip in seconds. `seeks`
    and `rates`: how often it sought and changed its speed to be with the room since the report before.
    `window` is what a live stream with dates offers; a room knows by it where it may be.
    """

    state: PlayerState
    position: float | None = None
    drift: float | None = None
    buffered: float | None = None
    rtt: Annotated[float, Meta(ge=0, le=60)] | None = None
    seeks: Annotated[int, Meta(ge=0, le=1000)] = 0
    rates: Annotated[int, Meta(ge=0, le=1000)] = 0
    window: LiveWindow | None = None


class Pong(ClientMessage, tag="pong", kw_only=True, frozen=True):
    pass


AnyCommand = (
    Play
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
)
AnyClientMessage = AnyCommand | Clock | Resync | Status | Pong


# Made once: for `convert` msgspec works out the union each time, which costs three times the rest.
_DECODER: Final[Decoder[AnyClientMessage]] = Decoder(cast("type[AnyClientMessage]", AnyClientMessage))


def read(text: str) -> AnyClientMessage | None:
    """Read a frame as a message; None if it is none: `parse` of what it decodes to tells why."""
    try:
        return _DECODER.decode(text)
    except (ValidationError, DecodeError, RecursionError):
        # The last of them for lists in lists in lists.
        return None


def parse(value: object) -> AnyClientMessage:
    """Read a decoded frame as a message.

    :raises MalformedError: if it is no object, its type is unknown or a field does not fit; the text names the field.
    """
    message: AnyClientMessage = codec.convert(cast("type[AnyClientMessage]", AnyClientMessage), value)
    return message
