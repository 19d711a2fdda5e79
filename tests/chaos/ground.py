"""What a party needs of the place where it is held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from redis.asyncio import Redis

from services.common.keys import Keys
from services.common.room.store import RoomStore


class Ground(Protocol):
    """Replicas over a Redis, and networks around them. `link` is what people paste, with something behind it each time.

    Entering brings everything up; leaving ends it.
    """

    client: Redis
    keys: Keys
    store: RoomStore
    link: str

    @property
    def struck(self) -> Sequence[float]:
        """When a master was taken away without warning, Unix seconds: a second's commands may be lost there."""

    @property
    def addresses(self) -> Sequence[str]:
        """Where viewers connect to."""

    async def heal(self) -> None:
        """End every fault and wait until everything is ready."""

    def complaints(self) -> Counter[str]:
        """What replicas logged as errors of ours, and how often."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
