"""Dates for live playlists that have none, the same from every replica: what a room's members share of a stream."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from importlib.resources import files
from typing import Any, Final

import structlog
from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

from services.common.keys import Keys, url_digest
from services.common.stream import Kind
from services.proxy.manifest.dates import Timeline, timeline
from services.proxy.sources import Source

log = structlog.get_logger()

# As long after the last look a stream's dates begin anew, by the clock.
KEEP_MS: Final = 3600 * 1000
# A playlist is not kept back for longer than this.
ANSWER_S: Final = 1.0
MOST_PLAYLISTS: Final = 1000

_SCRIPT: Final = (files("services.proxy") / "dates.lua").read_text(encoding="utf-8")
_DIGEST: Final = hashlib.sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()


class Dates:
    """Dates segments by their numbers. Redis says which; what it said is kept here, as long as it is listed."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self._known: OrderedDict[str, dict[int, int]] = OrderedDict()

    async def add(self, text: str, source: Source, *, is_long: bool = False) -> str:
        """The playlist with a date for each segment, or as it is where that is not ours to say.

        A Redis that does not answer leaves a playlist that was dated before with dates that follow from those; one that
        was not stays without. `is_long`: reading it would hold up everybody else.
        """
        if source.ticket.kind is Kind.RENDITION:
            # Players lay sound beside pictures by what is in the media; our dates are too coarse for that.
            return text
        found = await asyncio.to_thread(timeline, text) if is_long else timeline(text)
        if found is None:
            return text
        own = source.ticket.object_id
        known = self._known.get(own, {})
        numbers = range(found.first, found.first + len(found.durations_ms))
        if any(number not in known for number in numbers):
            told = await self._ask(found, _group(source), own, known)
            known = {number: known.get(number, date) for number, date in zip(numbers, told, strict=False)}
        if any(number not in known for number in numbers):
            return text
        self._known[own] = {number: known[number] for number in numbers}
        self._known.move_to_end(own)
        if len(self._known) > MOST_PLAYLISTS:
            self._known.popitem(last=False)
        return found.dated([known[number] for number in numbers])

    async def _ask(self, found: Timeline, group: str, own: str, known: dict[int, int]) -> list[int]:
        at = next((index for index in range(len(found.places)) if found.first + index in known), -1)
        date = known.get(found.first + at, 0)
        keys = [self._keys.dates(group), self._keys.dates(own)]
        argv = [KEEP_MS, found.target_ms, int(not found.is_ended), found.first, at, date, *found.durations_ms]
        try:
            async with asyncio.timeout(ANSWER_S):
                try:
                    answer: list[Any] = await self._redis.evalsha(_DIGEST, len(keys), *keys, *argv)  # type: ignore[misc,arg-type]
                except NoScriptError:
                    answer = await self._redis.eval(_SCRIPT, len(keys), *keys, *argv)  # type: ignore[misc,arg-type]
        except (RedisError, OSError, TimeoutError) as error:
            log.info("dates_not_told", error=type(error).__name__)
            return _follow(found, at, date) if at >= 0 else []
        return [int(each) for each in answer]


def _follow(found: Timeline, at: int, date: int) -> list[int]:
    """Dates that follow from the one that is known, of the segment `at`."""
    dates = [date - sum(found.durations_ms[:at])]
    for duration_ms in found.durations_ms[:-1]:
        dates.append(dates[-1] + duration_ms)
    return dates


def _group(source: Source) -> str:
    """What the variants of one stream have in common; a playlist without a context is alone."""
    if source.known is None:
        return source.ticket.object_id
    context = source.known.context
    return url_digest(f"{context.scope}\n{context.page_url}")
