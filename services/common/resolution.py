"""Asking for links, and telling of flights: shared by who asks and who resolves."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any, Final

from msgspec.structs import replace
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from services.common import codec
from services.common.chain import ANONYMOUS, PUBLIC, Link, Resolution, attempt, concluded, known_answer, next_way
from services.common.errors import Unavailable, unanswered
from services.common.guard import page_url
from services.common.jobs import Jobs
from services.common.keys import Keys, url_digest
from services.common.results import STORE, Results
from services.common.waiting import Waiter, Waiting

# Whoever waits says so again each second.
WANTED_S: Final = 5
# When to come back to a full queue: spread, so that not all do at once.
BUSY_MS: Final = (4000, 8000)
# pub/sub promises nothing: a lost completion costs one look into the cache.
RECHECK_S: Final = 1.0
# Callers beyond these wait by looking, so that waiting never takes all connections.
MAX_SUBSCRIPTIONS: Final = 24


class Resolutions:
    """The door to the resolver: `results` are what it has found, `waiting` those who wait for more."""

    def __init__(self, redis: Redis, keys: Keys, *, max_depth: int = 200, remember_s: float = 0.0) -> None:
        """:param remember_s: as `Results`."""
        self._redis = redis
        self._keys = keys
        self.results = Results(redis, keys, remember_s=remember_s)
        self.waiting = Waiting(redis, keys)
        self._jobs = Jobs(redis, keys)
        self._max_depth = max_depth
        self._subscriptions = asyncio.Semaphore(MAX_SUBSCRIPTIONS)

    # Those who ask.

    async def cached(self, url: str, scope: str = PUBLIC) -> Resolution | None:
        """What is known of a link, errors included.

        :raises Refused: `bad_url` or `refused_target`.
        :raises Unavailable: if Redis does not answer.
        """
        return await self.results.peek(_digest(url), scope)

    async def want(self, url: str, room: str, item: str, links: Sequence[Link] = (ANONYMOUS,)) -> Resolution | None:
        """The result now, or None: then it enters the room as soon as it is there, whatever becomes of the caller.

        :param links: the ways to open it, in the order in which they are tried; the last is everybody's.
        :raises Refused: `bad_url` or `refused_target`.
        :raises Unavailable: `busy` if the queue is full, `unavailable` if Redis does not answer.
        """
        canonical = page_url(url)
        digest = url_digest(canonical)
        known = known_answer(links, await self._look(digest, links)) if len(links) > 1 else None
        if known is None:
            known = await self.pass_on(digest, canonical, Waiter(room, item, tuple(links)))
        if known is None:
            return None
        await self.waiting.note_player(digest, Waiter(room, item, tuple(links)), known)
        return _as_pasted(known, url)

    async def pass_on(self, digest: str, url: str, waiter: Waiter, *, is_forced: bool = False) -> Resolution | None:
        """Have a waiter wait for the first of its ways that is not known yet. Answers what is known of the last one.

        :param url: canonical. `is_forced`: also where the queue is full.
        :raises Unavailable: `busy`, `unavailable`.
        """
        while True:
            # Waiter first, then the cache: a flight writes the cache before it reads its waiters, so one of both meets.
            await self.waiting.add(digest, waiter)
            try:
                known = await self.results.peek(digest, waiter.scope)
                if known is None:
                    await self._enqueue(digest, url, waiter.links[0], is_forced=is_forced)
            except Unavailable:
                with contextlib.suppress(Unavailable):
                    await self.waiting.settled(digest, waiter)
                raise
            if known is None:
                return None
            await self.waiting.settled(digest, waiter)
            following = waiter.after(known)
            if following is None:
                return concluded(known, [*waiter.attempts, attempt(waiter.links[0], known)])
            waiter = following

    async def known(self, url: str, links: Sequence[Link] = (ANONYMOUS,), *, own: bool = False) -> Resolution | None:
        """What `resolve` answers without waiting; None if something must run.

        :raises Refused: `bad_url` or `refused_target`.
        :raises Unavailable: if Redis does not answer.
        """
        known = known_answer(links, await self._look(_digest(url), links), own=own)
        return None if known is None else _as_pasted(known, url)

    async def resolve(
        self, url: str, timeout_s: float, links: Sequence[Link] = (ANONYMOUS,), *, own: bool = False
    ) -> Resolution:
        """Resolve a link and wait for it; many callers share one flight for each way.

        :param own: prefer what the caller's own cookies open to what is known of everybody's.
        :raises Refused: `bad_url` or `refused_target`.
        :raises Unavailable: `timeout` after `timeout_s` (the flight goes on), `busy`, `unavailable`.
        """
        canonical = page_url(url)
        digest = url_digest(canonical)
        known = known_answer(links, await self._look(digest, links), own=own)
        if known is None:
            try:
                async with asyncio.timeout(timeout_s):
                    known = await self._flown(digest, canonical, links, own)
            except TimeoutError:
                raise Unavailable("timeout", "This link takes long to open. Try again.", retry_after_ms=5000) from None
        return _as_pasted(known, url)

    async def stages(self, url: str, links: Sequence[Link] = (ANONYMOUS,)) -> AsyncGenerator[str, None]:
        """The stages of a link's flights as they come, until it is done. Nothing is promised: a stage may be missed.

        :raises Refused: `bad_url` or `refused_target`.
        :raises Unavailable: if Redis does not answer.
        """
        digest = _digest(url)
        if self._subscriptions.locked():
            # A long queue must not take every connection; whoever waits for results comes first.
            return
        async with self._subscriptions, self._subscribed(digest) as listener:
            while known_answer(links, await self._look(digest, links)) is None:
                message = await _next_message(listener, RECHECK_S)
                if isinstance(stage := message.get("stage"), str):
                    yield stage

    async def _flown(self, digest: str, url: str, links: Sequence[Link], own: bool) -> Resolution:
        if self._subscriptions.locked():
            return await self._poll(digest, url, links, own)
        async with self._subscriptions, self._subscribed(digest) as listener:
            while True:
                known = await self._step(digest, url, links, own)
                if known is not None:
                    return known
                await _completion(listener)

    async def _poll(self, digest: str, url: str, links: Sequence[Link], own: bool) -> Resolution:
        while True:
            known = await self._step(digest, url, links, own)
            if known is not None:
                return known
            await asyncio.sleep(RECHECK_S / 2)

    async def _step(self, digest: str, url: str, links: Sequence[Link], own: bool) -> Resolution | None:
        """The answer, or None: then the next way is under way."""
        found = await self._look(digest, links)
        known = known_answer(links, found, own=own)
        if known is None:
            link = next_way(links, found)
            await self._say_wanted(digest, link.scope)
            # Again each time: a queue that was lost with its Redis is filled anew.
            await self._enqueue(digest, url, link)
        return known

    async def _look(self, digest: str, links: Sequence[Link]) -> list[Resolution | None]:
        return [await self.results.peek(digest, link.scope) for link in links]

    async def _enqueue(self, digest: str, url: str, link: Link, *, is_forced: bool = False) -> None:
        is_full = not is_forced and await self._jobs.depth() >= self._max_depth
        if is_full and not await self._jobs.is_queued(digest, link.scope):
            message = "Many links are being opened right now. Try again in a few seconds."
            raise Unavailable("busy", message, retry_after_ms=random.randint(*BUSY_MS))
        await self._jobs.enqueue(digest, url, link)

    async def _say_wanted(self, digest: str, scope: str) -> None:
        try:
            await self._redis.set(self._keys.wanted(digest, scope), 1, ex=WANTED_S)
        except (RedisError, OSError) as error:
            unanswered(error, STORE)

    @contextlib.asynccontextmanager
    async def _subscribed(self, digest: str) -> AsyncIterator[PubSub]:
        listener = self._redis.pubsub(ignore_subscribe_messages=True)
        try:
            try:
                await listener.subscribe(self._keys.resolve(digest))
            except (RedisError, OSError) as error:
                unanswered(error, STORE)
            yield listener
        finally:
            with contextlib.suppress(RedisError, OSError):
                await listener.aclose()  # type: ignore[no-untyped-call]

    # Those who resolve.

    async def announce(self, digest: str, stage: str) -> None:
        """Publish a stage of a flight. It is a courtesy: a Redis that does not answer is passed over."""
        with contextlib.suppress(RedisError, OSError):
            await self._redis.publish(self._keys.resolve(digest), codec.encode({"stage": stage}))

    async def is_wanted(self, digest: str, scope: str = PUBLIC) -> bool:
        """Whether somebody waits for a flight over REST.

        :raises Unavailable: if Redis does not answer.
        """
        try:
            return bool(await self._redis.exists(self._keys.wanted(digest, scope)))
        except (RedisError, OSError) as error:
            unanswered(error, STORE)


def _digest(url: str) -> str:
    return url_digest(page_url(url))


def _as_pasted(resolution: Resolution, url: str) -> Resolution:
    if resolution.video is None or resolution.video.url == url:
        return resolution
    return replace(resolution, video=replace(resolution.video, url=url))


async def _next_message(listener: PubSub, timeout_s: float) -> dict[str, Any]:
    """The next message of a flight, or {} after `timeout_s`."""
    try:
        message = await listener.get_message(timeout=timeout_s)
    except (RedisError, OSError):
        await asyncio.sleep(timeout_s / 2)
        return {}
    if not message or message["type"] != "message":
        return {}
    try:
        return codec.decode_as(dict[str, Any], message["data"])
    except codec.MalformedError:
        return {}


async def _completion(listener: PubSub) -> None:
    """Return when a flight is done, or after `RECHECK_S` of whatever else."""
    until = time.monotonic() + RECHECK_S
    while (left := until - time.monotonic()) > 0:
        if (await _next_message(listener, left)).get("done"):
            return
