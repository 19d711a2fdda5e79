"""A room as Redis holds it, read at one version: pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from msgspec.structs import replace

from services.common import codec
from services.common.room.log import entry_of
from services.common.wire.models import (
    ChatMessage,
    LogEntry,
    Member,
    QueueItem,
    Room,
    RoomSettings,
    RoomSummary,
    VideoState,
)
from services.common.wire.server import Waiting

T = TypeVar("T")

MOST_CHAT: Final = 200
MOST_LOG: Final = 50


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where a room is at any time: `position` (seconds) held at `at` (Unix seconds on the room clock)."""

    position: float = 0.0
    at: float = 0.0
    rate: float = 1.0
    is_playing: bool = False
    duration: float | None = None
    # The room waits for somebody: it stands at `position` though it is playing.
    is_held: bool = False

    @property
    def is_moving(self) -> bool:
        """Whether the position runs."""
        return self.is_playing and not self.is_held

    def position_at(self, now: float) -> float:
        """The position in seconds at `now`, never beyond a known end."""
        position = self.position
        if self.is_moving:
            position += self.rate * max(0.0, now - self.at)
        return min(position, self.duration) if self.duration else position


@dataclass(slots=True)
class RoomRecord:
    """Everything a replica keeps of a room, at `version` of the Redis history `run`."""

    id: str
    version: int = 0
    run: str = ""
    owner: str = ""
    item_id: str = ""
    video: VideoState | None = None
    anchor: Anchor = field(default_factory=Anchor)
    items: dict[str, QueueItem] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    members: dict[str, Member] = field(default_factory=dict)
    last_active: float = 0.0
    is_unlisted: bool = False
    settings: RoomSettings = field(default_factory=RoomSettings)
    waiting: Waiting | None = None
    chat: deque[ChatMessage] = field(default_factory=lambda: deque(maxlen=MOST_CHAT))
    log: deque[LogEntry] = field(default_factory=lambda: deque(maxlen=MOST_LOG))

    def queue(self) -> list[QueueItem]:
        """The items in playing order."""
        return [self.items[item] for item in self.order if item in self.items]

    def room(self, now: float) -> Room:
        """The room as a snapshot says it at `now` (Unix seconds on the room clock)."""
        return Room(
            id=self.id,
            version=self.version,
            members=self.members,
            queue=self.queue(),
            current_video=self.video,
            current_item_id=self.item_id or None,
            is_playing=self.anchor.is_moving,
            timestamp=self.anchor.position_at(now),
            rate=self.anchor.rate,
            last_active=self.last_active,
            settings=self.settings,
        )


def read_record(
    room: str,
    run: str,
    fields: Sequence[bytes],
    order: Iterable[bytes],
    items: Sequence[bytes],
    members: Sequence[bytes],
    chat: Sequence[bytes],
    events: Sequence[bytes],
) -> RoomRecord:
    """Build a record from `snapshot.lua`'s answer. A stored value that doesn't parse is left out, never fatal."""
    stored = {name.decode(): value.decode(errors="replace") for name, value in _pairs(fields)}
    duration = _number(stored.get("duration"), 0.0)
    version = int(_number(stored.get("version"), 0))
    record = RoomRecord(
        id=room,
        version=version,
        run=run,
        owner=stored.get("owner", ""),
        item_id=stored.get("item", ""),
        video=_parsed(VideoState, stored.get("video", "").encode()),
        anchor=Anchor(
            position=_number(stored.get("pos"), 0.0),
            at=_number(stored.get("at"), 0.0),
            rate=_number(stored.get("rate"), 1.0),
            is_playing=stored.get("playing") == "1",
            duration=duration or None,
            is_held=stored.get("held") == "1",
        ),
        items={i.id: i for _, raw in _pairs(items) if (i := _parsed(QueueItem, raw)) is not None},
        order=[item.decode() for item in order],
        members={name.decode(): m for name, raw in _pairs(members) if (m := _parsed(Member, raw)) is not None},
        last_active=_number(stored.get("active_at"), 0.0),
        is_unlisted=stored.get("unlisted") == "1",
        settings=_parsed(RoomSettings, stored.get("settings", "").encode()) or RoomSettings(),
    )
    record.chat.extend(message for raw in chat if (message := _parsed(ChatMessage, raw)) is not None)
    for raw in events:
        event = _parsed(dict[str, Any], raw)
        if event is not None:
            note(record, event)
    if record.anchor.is_held:
        record.waiting = _waiting(stored, record)
    return record


def for_strangers(item: QueueItem | None) -> QueueItem | None:
    """An item as those see it who are not in the room: of what somebody's cookies opened, the link alone."""
    if item is None or not item.opened_with:
        return item
    return replace(item, title=item.url[:200], thumbnail="", duration=0)


def read_summary(
    room: str, unlisted: bytes, playing: bytes, active_at: bytes, settings: bytes, item: bytes, members: Iterable[bytes]
) -> RoomSummary | None:
    """What the list says of a room, from `summary.lua`'s answer; None if it is not to be listed.

    Of a room with a password it says neither what plays nor who is there.
    """
    if unlisted == b"1":
        return None
    known_settings = _parsed(RoomSettings, settings)
    # Of settings that another version wrote, and this one can't read, the worst is believed.
    has_password = bool(settings) if known_settings is None else known_settings.has_password
    current = None if has_password else for_strangers(_parsed(QueueItem, item))
    known = [] if has_password else [member for raw in members if (member := _parsed(Member, raw)) is not None]
    return RoomSummary(
        id=room,
        title=current.title if current else "",
        thumbnail=current.thumbnail if current else "",
        is_playing=playing == b"1",
        member_names=[member.name for member in known],
        last_active=_number(active_at.decode(), 0.0),
    )


def note(record: RoomRecord, event: dict[str, Any]) -> None:
    """Enter an event that somebody caused into the room's log."""
    entry = entry_of(event, record.members, record.items)
    if entry is not None:
        record.log.append(entry)


def _waiting(stored: dict[str, str], record: RoomRecord) -> Waiting:
    members = _parsed(dict[str, float], stored.get("waiting", "{}").encode()) or {}
    return Waiting(
        version=record.version,
        prev=record.version,
        run=record.run,
        server_time=record.anchor.at,
        members=sorted(members),
        timestamp=record.anchor.position,
        until=_number(stored.get("wait_until"), record.anchor.at),
    )


def _pairs(flat: Sequence[bytes]) -> Iterable[tuple[bytes, bytes]]:
    return zip(flat[::2], flat[1::2], strict=True)


def _number(raw: str | None, default: float) -> float:
    try:
        return float(raw) if raw else default
    except ValueError:
        return default


def _parsed(shape: type[T], raw: bytes) -> T | None:
    try:
        return codec.decode_as(shape, raw) if raw else None
    except codec.MalformedError:
        return None
