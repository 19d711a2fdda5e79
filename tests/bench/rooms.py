"""`python -m tests.bench.rooms`: what rooms cost Redis, in memory and in processor time. Prints, asserts nothing.

Redis is what all replicas share, so this says how many rooms one installation can hold before it needs a Cluster.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeVar

from redis.asyncio import Redis

from services.common import codec
from services.common.keys import Keys
from services.common.redis import connect
from services.common.room.sender import Sender
from services.common.room.store import RoomStore
from services.common.wire.models import QueueItem, VideoState
from tests.bench.parts.processes import cpu_s, machine
from tests.support.redis import RedisServer

_ROOMS: Final = 300
_MEMBERS: Final = 5
_ITEMS: Final = 20
_MESSAGES: Final = 200
_COMMANDS: Final = 20_000
_AT_ONCE: Final = 50

Thing = TypeVar("Thing")
Step = Callable[[str], Awaitable[None]]


class Rooms:
    """Fills rooms step by step, each step in all of them."""

    def __init__(self, store: RoomStore) -> None:
        self._store = store
        self.names = [f"room-{number}" for number in range(_ROOMS)]

    async def people(self, room: str) -> None:
        for number in range(_MEMBERS):
            who = Sender(f"guest-{number}-{room}", f"c{number}-{room}")
            await self._store.join(room, who, name=f"Guest {number}", is_guest=True, replica="n1", lease_ms=3_600_000)

    async def queue(self, room: str) -> None:
        for number in range(_ITEMS):
            url = f"https://video.example/watch?v={room}-{number}"
            item = QueueItem(id=f"item-{number}", url=url, title="A title as long as titles are", added_by="guest-0")
            await self._store.add_item(room, self._owner(room, f"add-{number}"), item)
        url = f"https://video.example/{room}.mp4"
        video = VideoState(url=url, title="A title", stream_type="direct", duration=3600.0)
        await self._store.resolved(
            room, "item-0", title="A title", duration=3600.0, video_json=codec.encode_text(video)
        )

    async def talk(self, room: str) -> None:
        for number in range(_MESSAGES):
            await self._store.chat(
                room, self._owner(room, f"say-{number}"), f"m{number}", "Sixty letters of chat. " * 3
            )

    async def seek(self, number: int) -> None:
        room = self.names[number % _ROOMS]
        await self._store.playback(room, self._owner(room, f"seek-{number}"), "seek", float(number % 3000))

    def _owner(self, room: str, command: str) -> Sender:
        return Sender(f"guest-0-{room}", f"c0-{room}", command)


async def main() -> None:
    """Measure and print."""
    with RedisServer() as server:
        redis = connect(server.url)
        store = RoomStore(redis, Keys("bench"))
        await store.masters.refresh()
        rooms = Rooms(store)
        print(f"{machine()}; {_ROOMS} rooms\n\n| a room holds | KiB of Redis each |\n| --- | ---: |")
        start = await _used(redis)
        steps: list[tuple[str, Step]] = [
            (f"{_MEMBERS} members", rooms.people),
            (f"and a queue of {_ITEMS}, one of them resolved", rooms.queue),
            (f"and {_MESSAGES} messages of chat", rooms.talk),
        ]
        for name, step in steps:
            await _gathered(step, rooms.names)
            used = await _used(redis)
            print(f"| {name} | {(used - start) / _ROOMS / 1024:.1f} |")
        spent, began = cpu_s([server.pid]), time.monotonic()
        await _gathered(rooms.seek, range(_COMMANDS))
        seconds, wall = cpu_s([server.pid]) - spent, time.monotonic() - began
        print(
            f"\nseeks for each second of Redis' processor time: {_COMMANDS / seconds:,.0f} ({wall:.1f} s of wall time)"
        )
        await redis.aclose()


async def _gathered(step: Callable[[Thing], Awaitable[None]], things: Iterable[Thing]) -> None:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(thing: Thing) -> None:
        async with gate:
            await step(thing)

    async with asyncio.TaskGroup() as group:
        for thing in things:
            group.create_task(one(thing))


async def _used(redis: Redis) -> int:
    return int((await redis.info("memory"))["used_memory"])


if __name__ == "__main__":
    asyncio.run(main())
