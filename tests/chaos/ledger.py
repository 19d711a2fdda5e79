"""What truly happened in a room, read from its log in Redis, against what its viewers were told."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from redis.exceptions import RedisError

from tests.chaos.ground import Ground
from tests.support.outbox import Command

PLAYBACK: Final = frozenset({"play", "pause", "seek", "set_rate"})


@dataclass(slots=True)
class Ledger:
    """`lost`, `twice` and `presence` are sentences; each acknowledged command is judged once."""

    room: str
    events: dict[int, dict[str, Any]] = field(default_factory=dict)
    added: Counter[str] = field(default_factory=Counter)
    said: Counter[str] = field(default_factory=Counter)
    sought: Counter[float] = field(default_factory=Counter)
    removed: set[str] = field(default_factory=set)
    present: dict[str, bool] = field(default_factory=dict)
    # Members announced gone, and when (Unix seconds on the room clock).
    left: list[tuple[str, float]] = field(default_factory=list)
    # With the version that each was acknowledged as.
    lost: list[tuple[int, str]] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    presence: list[str] = field(default_factory=list)
    missed: int = 0
    # Events that a fail-over lost.
    rewound: int = 0
    acknowledged: int = 0
    _last: int = 0
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def read(self, ground: Ground) -> None:
        """Take the events since the last reading. While Redis is away there are none."""
        with contextlib.suppress(RedisError, OSError):
            # Two at a time would take the same events twice.
            async with self._reading:
                await self._read(ground)

    async def _read(self, ground: Ground) -> None:
        start = f"({self._last}-0" if self._last else "-"
        for _, fields in await ground.client.xrange(ground.keys.log(self.room), start, "+"):
            self.take(orjson.loads(fields[b"e"]))

    def judge(self, commands: Iterable[Command]) -> None:
        """Hold what was acknowledged against what happened. Call it after `read`, with each command once."""
        for command in commands:
            if command.version is None:
                continue
            self.acknowledged += 1
            if not self._has(command):
                words = f"{command.kind} {command.id} {command.fields} acknowledged as {command.version}"
                self.lost.append((command.version, words))

    def take(self, event: dict[str, Any]) -> None:
        """Enter an event."""
        if event["prev"] < self._last:
            self._rewind(event["prev"])
        elif self._last and event["prev"] != self._last:
            self.missed += 1
        self._last = event["version"]
        self.events[event["version"]] = event
        match event["type"]:
            case "queue_update" if event["op"] == "add":
                self._count(self.added, event["item"]["url"])
            case "queue_update" if event["op"] == "remove":
                self.removed.add(event["item_id"])
            case "chat":
                self._count(self.said, event["message"]["text"])
            case "seek":
                self._count(self.sought, event["timestamp"])
            case "member_joined" | "member_left" as kind:
                self._presence(event["email"], is_here=kind == "member_joined")
                if kind == "member_left":
                    self.left.append((event["email"], event["server_time"]))
            case _:
                pass

    def _rewind(self, to: int) -> None:
        """Another history branched off at a version: what came after it never was."""
        for version in [version for version in self.events if version > to]:
            event = self.events.pop(version)
            self.rewound += 1
            match event["type"]:
                case "queue_update" if event["op"] == "add":
                    self.added[event["item"]["url"]] -= 1
                case "queue_update" if event["op"] == "remove":
                    self.removed.discard(event["item_id"])
                case "chat":
                    self.said[event["message"]["text"]] -= 1
                case "seek":
                    self.sought[event["timestamp"]] -= 1
                case "member_joined" | "member_left" as kind:
                    self.present[event["email"]] = kind == "member_left"
                case _:
                    pass

    def _count(self, counter: Counter[Any], what: Any) -> None:
        counter[what] += 1
        if counter[what] > 1:
            self.twice.append(f"{what} {counter[what]} times")

    def _presence(self, member: str, *, is_here: bool) -> None:
        if self.present.get(member, False) == is_here:
            self.presence.append(f"{member} {'joined' if is_here else 'left'} twice in a row")
        self.present[member] = is_here

    def _has(self, command: Command) -> bool:
        match command.kind:
            case "queue_add":
                return self.added[command.fields["url"]] > 0
            case "queue_remove":
                return command.fields["item_id"] in self.removed
            case "chat":
                return self.said[command.fields["text"]] > 0
            case kind if kind in PLAYBACK:
                event = self.events.get(command.version or 0)
                return event is not None and event["type"] in PLAYBACK
            case _:
                return command.version in self.events
