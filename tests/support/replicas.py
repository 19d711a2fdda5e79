"""Two replicas of the sync service as processes, and the rooms that they share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis.asyncio import Redis

from services.common.keys import Keys
from services.common.room.store import RoomStore
from tests.support.node import Node

Replicas = tuple[Node, Node]


@contextmanager
def two_replicas(folder: Path, settings: dict[str, str]) -> Iterator[Replicas]:
    """Start them with `WT_…` variables; what they write goes to `a.log` and `b.log` in `folder`."""
    with (
        Node("services.sync", folder / "a.log", settings=settings) as first,
        Node("services.sync", folder / "b.log", settings=settings) as second,
    ):
        yield first, second


async def store_on(redis: Redis, prefix: str) -> RoomStore:
    """Somebody else who changes rooms, straight in Redis; a resolver's results enter by the same scripts."""
    store = RoomStore(redis, Keys(prefix))
    await store.masters.refresh()
    return store
