"""Whose turn it is at an origin: so many requests at a time, and nobody's crowd keeps the others out."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from services.common.errors import Unavailable
from services.common.guard import Target
from services.proxy import metrics
from services.proxy.upstream import Answer

OriginKey = tuple[str, int]


@dataclass(slots=True)
class _Origin:
    taken: int = 0
    # By whose they are. The first one's first is next; then that one goes to the end.
    waiting: OrderedDict[str, deque[asyncio.Future[None]]] = field(default_factory=OrderedDict)


class Turn:
    """The right to one request. `release` it when the answer is over; twice is harmless."""

    __slots__ = ("_origin", "_turns")

    def __init__(self, turns: Turns, origin: OriginKey) -> None:
        self._turns: Turns | None = turns
        self._origin = origin

    def release(self) -> None:
        """Let the next one have it."""
        turns, self._turns = self._turns, None
        if turns is not None:
            turns.give_back(self._origin)


class Turns:
    """Turns at all origins."""

    def __init__(self, per_origin: int, patience_s: float) -> None:
        """:param patience_s: how long anyone waits for a turn."""
        self._per_origin = per_origin
        self._patience_s = patience_s
        self._origins: dict[OriginKey, _Origin] = {}

    @property
    def taken(self) -> int:
        """Requests under way, at all origins."""
        return sum(origin.taken for origin in self._origins.values())

    def is_busy(self, key: OriginKey) -> bool:
        """Whether an origin has little to spare: half of its turns are taken."""
        origin = self._origins.get(key)
        return origin is not None and origin.taken * 2 >= self._per_origin

    async def take(self, key: OriginKey, whose: str) -> Turn:
        """A turn at an origin. Those who wait come by `whose` in turn, and each by the time they came.

        :raises Unavailable: if there is none in time.
        """
        origin = self._origins.setdefault(key, _Origin())
        if origin.taken >= self._per_origin:
            await self._wait(key, origin, whose)
        else:
            origin.taken += 1
        return Turn(self, key)

    def give_back(self, key: OriginKey) -> None:
        """Pass a turn on to the next one who waits."""
        origin = self._origins[key]
        while origin.waiting:
            whose, queue = origin.waiting.popitem(last=False)
            future = queue.popleft()
            if queue:
                origin.waiting[whose] = queue
            if not future.done():
                future.set_result(None)
                return
        origin.taken -= 1
        if not origin.taken:
            del self._origins[key]

    async def _wait(self, key: OriginKey, origin: _Origin, whose: str) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        origin.waiting.setdefault(whose, deque()).append(future)
        metrics.ORIGIN_WAITS.inc()
        try:
            async with asyncio.timeout(self._patience_s):
                await future
        except BaseException as error:
            if future.done() and not future.cancelled():
                # It came just when nobody wanted it any more.
                self.give_back(key)
            if isinstance(error, TimeoutError):
                raise Unavailable(
                    "unavailable", "Too many read from this source just now.", retry_after_ms=2000
                ) from None
            raise


class TurnAnswer:
    """An answer that gives back its turn when it is released."""

    def __init__(self, answer: Answer, turn: Turn) -> None:
        self._answer = answer
        self._turn = turn
        self.status = answer.status
        self.headers: Mapping[str, str] = answer.headers
        self.target: Target = answer.target

    def chunks(self) -> AsyncIterator[bytes]:
        return self._answer.chunks()

    def release(self) -> None:
        self._answer.release()
        self._turn.release()
