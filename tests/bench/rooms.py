"""`python -m tests.bench.rooms`: what rooms cost Redis, in memory and in processor time. Prints, asserts nothing.

Redis is what all replicas share, so this says how many rooms one installation can hold before it needs a Cluster.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeVar

from redis.asyncio import Redis

from services.common import codec
from services.common.keys import Keys
from services.common.redis import connect
from services.common.room.sender import Sender
from services.common.room.store import RoomStore
from services.common.wire.models import QueueItem, VideoState
from tests.bench.parts.figures import Figure, Results, arguments, table
from tests.bench.parts.processes import busy, cpu_s
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


async def measure() -> list[Figure]:
    """Fill the rooms, then seek in all of them."""
    figures = []
    with RedisServer() as server:
        redis = connect(server.url)
        store = RoomStore(redis, Keys("bench"))
        await store.masters.refresh()
        rooms = Rooms(store)
        start = await _used(redis)
        steps: list[tuple[str, Step]] = [
            (f"{_MEMBERS} members", rooms.people),
            (f"and a queue of {_ITEMS}, one of them resolved", rooms.queue),
            (f"and {_MESSAGES} messages of chat", rooms.talk),
        ]
        for name, step in steps:
            await _gathered(step, rooms.names)
            used = await _used(redis)
            figures.append(Figure(f"Redis' memory of a room: {name}", (used - start) / _ROOMS / 1024, "KiB"))
        spent = cpu_s([server.pid])
        await _gathered(rooms.seek, range(_COMMANDS))
        seconds = cpu_s([server.pid]) - spent
        figures.append(Figure("seeks for each second of Redis' processor time", _COMMANDS / seconds, better="more"))
        await redis.aclose()
    return figures


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


def main() -> None:
    """Measure and print."""
    options = arguments("rooms", "Rooms in Redis, measured.").parse_args()
    results = Results.begin("rooms")
    results.figures = asyncio.run(measure())
    results.end(options.json)
    print(f"{results.machine}, {busy()}; {_ROOMS} rooms\n\n{table(results)}")


if __name__ == "__main__":
    main()
