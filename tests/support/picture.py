"""A room as one viewer has it from its frames, and the chain of versions that led there: pure."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, field
from typing import Any, Literal

Message = dict[str, Any]
Verdict = Literal["applied", "old", "gap"]


def digest(message: Message) -> int:
    """A number that two frames share when they say the same."""
    return zlib.crc32(json.dumps(message, sort_keys=True).encode())


@dataclass(frozen=True, slots=True)
class Link:
    """One event of the chain. `by_snapshot`: what led here was not seen."""

    version: int
    kind: str
    digest: int
    by_snapshot: bool = False


@dataclass(slots=True)
class Picture:
    """`faults` are sentences: what the server said against its own rules."""

    run: str = ""
    version: int = 0
    members: dict[str, Message] = field(default_factory=dict)
    queue: list[Message] = field(default_factory=list)
    item: str | None = None
    video: Message | None = None
    settings: Message = field(default_factory=dict)
    position: float = 0.0
    at: float = 0.0
    rate: float = 1.0
    is_playing: bool = False
    is_held: bool = False
    chain: list[Link] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    audits: int = 0

    @property
    def is_moving(self) -> bool:
        return self.is_playing and not self.is_held

    def position_at(self, now: float) -> float:
        """Where the room is at `now` on the room's clock, seconds."""
        moved = self.rate * max(0.0, now - self.at) if self.is_moving else 0.0
        duration = (self.video or {}).get("duration")
        return min(self.position + moved, duration) if duration else self.position + moved

    def stepped(self, step_s: float) -> None:
        """The room's clock was stepped: what is known of the past is so much later on it."""
        self.at += step_s

    def snapshot(self, state: Message) -> None:
        """Take a `room_state`. One that comes at the version we have must say what we have."""
        room = state["room"]
        fresh = Picture(
            run=state["run"],
            version=state["version"],
            members=room["members"],
            queue=room["queue"],
            item=room["current_item_id"],
            video=room["current_video"],
            settings=room["settings"],
            position=room["timestamp"],
            at=state.get("starts_at") or state["server_time"],
            rate=room["rate"],
            is_playing=room["is_playing"] or bool(state.get("waiting")),
            is_held=bool(state.get("waiting")),
        )
        if self.run == fresh.run:
            if fresh.version < self.version:
                self.faults.append(f"a snapshot at {fresh.version} came after version {self.version} of the same run")
            elif fresh.version == self.version:
                self.audits += 1
                self.faults += [f"at {self.version}: {text}" for text in differences(self, fresh, fresh.at)]
        for name in ("run", "version", "members", "queue", "item", "video", "settings", "position", "at", "rate",
                     "is_playing", "is_held"):  # fmt: skip
            setattr(self, name, getattr(fresh, name))
        self.chain.append(Link(self.version, "room_state", 0, by_snapshot=True))

    def event(self, message: Message) -> Verdict:
        """Take an event that carries a version. After `gap` a snapshot must be asked for."""
        version = message["version"]
        if message["run"] == self.run and version <= self.version:
            return "old"
        if message["run"] != self.run or message["prev"] != self.version:
            return "gap"
        self._apply(message)
        self.version = version
        self.chain.append(Link(version, message["type"], digest(message)))
        return "applied"

    def heartbeat(self, message: Message) -> Verdict:
        """Take a heartbeat: at our version it says where the room is; at a higher one an event was missed."""
        if message["run"] != self.run or message["version"] > self.version:
            return "gap"
        if message["version"] < self.version:
            return "old"
        off = abs(self.position_at(message["server_time"]) - message["timestamp"])
        # A replica far from Redis knows its clock no better.
        if off > 0.35 * max(1.0, self.rate):
            self.faults.append(f"at {self.version}: a heartbeat is {off:.3f} s away from what the events said")
        # It is not taken over: snapshots are held against what events said, to 10 ms.
        return "old" if message["server_time"] < self.at else "applied"

    def _apply(self, message: Message) -> None:
        match message["type"]:
            case "play" | "pause" | "seek" as kind:
                self.is_playing = kind == "play" or (kind == "seek" and self.is_playing)
                self.is_held = self.is_held and kind == "seek"
                self._anchor(message)
            case "set_rate":
                self.rate = message["rate"]
                self._anchor(message)
            case "set_video":
                self.video, self.item = message["video"], message["item_id"]
                self.is_playing, self.is_held = message["is_playing"], False
                self._anchor(message)
            case "waiting" | "resumed" as kind:
                self.is_held = kind == "waiting"
                self._anchor(message)
            case "queue_update":
                self.queue = message["queue"]
            case "member_joined" | "member_updated":
                self.members[message["email"]] = message["member"]
            case "member_left":
                self.left.append(message["email"])
                self.members.pop(message["email"], None)
            case "settings":
                self.settings = message["settings"]
            case _:
                pass

    def _anchor(self, message: Message) -> None:
        self.position, self.at = message["timestamp"], message.get("starts_at") or message["server_time"]


def differences(mine: Picture, other: Picture, now: float) -> list[str]:
    """What two pictures of one version disagree on, as sentences; positions at `now` to 10 ms."""
    found = []
    for name in ("members", "queue", "item", "video", "settings", "rate", "is_playing", "is_held"):
        here, there = getattr(mine, name), getattr(other, name)
        if here != there:
            found.append(f"{name} is {here!r}, should be {there!r}")
    apart = abs(mine.position_at(now) - other.position_at(now))
    if apart > 0.01:
        found.append(f"the position is off by {apart:.3f} s")
    return found
