"""Whose turn it is at an origin: so many requests at a time, and nobody's crowd keeps the others out."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from services.common.errors import Unavailable
from services.common.guard import Target
from services.proxy import metrics
from services.proxy.upstream import Answer

# Prefetching takes so many of an origin's turns at most, and none of the second half.
PREFETCH_TURNS: Final = 4

OriginKey = tuple[str, int]


@dataclass(slots=True)
class _Origin:
    taken: int = 0
    prefetching: int = 0
    # By whose they are. The first one's first is next; then that one goes to the end.
    waiting: OrderedDict[str, deque[asyncio.Future[None]]] = field(default_factory=OrderedDict)


class Turn:
    """The right to one request. `release` it when the answer is over; twice is harmless."""

    __slots__ = ("_is_prefetch", "_origin", "_turns")

    def __init__(self, turns: Turns, origin: OriginKey, *, is_prefetch: bool) -> None:
        self._turns: Turns | None = turns
        self._origin = origin
        self._is_prefetch = is_prefetch

    def release(self) -> None:
        """Let the next one have it."""
        turns, self._turns = self._turns, None
        if turns is not None:
            turns.give_back(self._origin, is_prefetch=self._is_prefetch)


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

    async def take(self, key: OriginKey, whose: str, *, is_prefetch: bool = False) -> Turn:
        """A turn at an origin. Those who wait come by `whose` in turn, and each by the time they came.

        :raises Unavailable: if there is none in time; where it is only for a prefetch, at once.
        """
        origin = self._origins.setdefault(key, _Origin())
        if is_prefetch:
            if origin.waiting or origin.taken >= self._per_origin // 2 or origin.prefetching >= PREFETCH_TURNS:
                self._forget(key, origin)
                raise Unavailable("unavailable", "Others read from this source.")
            origin.prefetching += 1
        elif origin.taken >= self._per_origin:
            await self._wait(origin, whose)
            return Turn(self, key, is_prefetch=False)
        origin.taken += 1
        return Turn(self, key, is_prefetch=is_prefetch)

    def give_back(self, key: OriginKey, *, is_prefetch: bool) -> None:
        """Pass a turn on to the next one who waits."""
        origin = self._origins[key]
        origin.prefetching -= is_prefetch
        while origin.waiting:
            whose, queue = origin.waiting.popitem(last=False)
            future = queue.popleft()
            if queue:
                origin.waiting[whose] = queue
            if not future.done():
                future.set_result(None)
                return
        origin.taken -= 1
        self._forget(key, origin)

    async def _wait(self, origin: _Origin, whose: str) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        origin.waiting.setdefault(whose, deque()).append(future)
        metrics.ORIGIN_WAITS.inc()
        try:
            async with asyncio.timeout(self._patience_s):
                await future
        except BaseException as error:
            if future.done() and not future.cancelled():
                # It came just when nobody wanted it any more.
                self._pass_on(origin)
            if isinstance(error, TimeoutError):
                raise Unavailable(
                    "unavailable", "Too many read from this source just now.", retry_after_ms=2000
                ) from None
            raise

    def _pass_on(self, origin: _Origin) -> None:
        key = next(key for key, each in self._origins.items() if each is origin)
        self.give_back(key, is_prefetch=False)

    def _forget(self, key: OriginKey, origin: _Origin) -> None:
        if not origin.taken and not origin.waiting:
            self._origins.pop(key, None)


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
