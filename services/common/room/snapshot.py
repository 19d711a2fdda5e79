"""A room as Redis holds it, read at one version: pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from services.common import codec
from services.common.wire.models import Member, QueueItem, Room, VideoState

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where a room is at any time: `position` (seconds) held at `at` (Unix seconds on the room clock)."""

    position: float = 0.0
    at: float = 0.0
    rate: float = 1.0
    is_playing: bool = False
    duration: float | None = None

    def position_at(self, now: float) -> float:
        """The position in seconds at `now`, never beyond a known end."""
        position = self.position
        if self.is_playing:
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
            is_playing=self.anchor.is_playing,
            timestamp=self.anchor.position_at(now),
            rate=self.anchor.rate,
            last_active=self.last_active,
        )


def read_record(
    room: str,
    run: str,
    fields: Sequence[bytes],
    order: Iterable[bytes],
    items: Sequence[bytes],
    members: Sequence[bytes],
) -> RoomRecord:
    """Build a record from `snapshot.lua`'s answer. A stored value that doesn't parse is left out, never fatal."""
    stored = {name.decode(): value.decode() for name, value in _pairs(fields)}
    duration = _number(stored.get("duration"), 0.0)
    return RoomRecord(
        id=room,
        version=int(_number(stored.get("version"), 0)),
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
        ),
        items={i.id: i for _, raw in _pairs(items) if (i := _parsed(QueueItem, raw)) is not None},
        order=[item.decode() for item in order],
        members={name.decode(): m for name, raw in _pairs(members) if (m := _parsed(Member, raw)) is not None},
        last_active=_number(stored.get("active_at"), 0.0),
        is_unlisted=stored.get("unlisted") == "1",
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
