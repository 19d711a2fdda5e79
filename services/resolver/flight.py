"""One flight: from a link to a result in the cache and in every room that waits for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Final, Literal, Protocol
from urllib.parse import urlsplit

import structlog
from msgspec.structs import replace

from services.common import codec
from services.common.contexts import ContextStore
from services.common.errors import Refused, Unavailable, WatchTogetherError
from services.common.guard import Guard, parse_url
from services.common.resolution import Resolution, Resolutions
from services.common.stream import LIFETIME_S, StreamSigner
from services.resolver import metrics
from services.resolver.errors import UNKNOWN, Code, private_address, resolve_error, ttl_s
from services.resolver.expiry import cache_until
from services.resolver.extract import Extractor
from services.resolver.formats import Mint, present
from services.resolver.info import Info

log = structlog.get_logger(__name__)

Stage = Literal["extracting", "reading"]
# How often a flight looks whether anybody still waits.
LOOK_S: Final = 2.0


class Rooms(Protocol):
    """Where results enter rooms."""

    async def resolved(
        self,
        room: str,
        item: str,
        *,
        title: str = "",
        thumbnail: str = "",
        duration: float | None = None,
        video_json: str | None = None,
        code: str | None = None,
        message: str | None = None,
    ) -> None:
        """Put a result into a room; repeating it is safe.

        :raises Unavailable: if the rooms' Redis does not answer.
        """

    async def has_item(self, room: str, item: str) -> bool:
        """Whether an item is still in a room's queue.

        :raises Unavailable: if the rooms' Redis does not answer.
        """


class Flights:
    """Runs flights. Every step may be repeated, so that a worker's death in the middle costs time and nothing else."""

    def __init__(
        self,
        resolutions: Resolutions,
        contexts: ContextStore,
        rooms: Rooms,
        extractor: Extractor,
        guard: Guard,
        signer: StreamSigner,
        *,
        ttl_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._resolutions = resolutions
        self._contexts = contexts
        self._rooms = rooms
        self._extractor = extractor
        self._guard = guard
        self._signer = signer
        self._ttl_s = ttl_s
        self._clock = clock

    async def run(self, digest: str, url: str, scope: str) -> None:
        """Resolve a link unless its result is cached, then give the result to those who wait.

        :raises Unavailable: if a Redis does not answer; running it again goes on from there.
        """
        result = await self._resolutions.peek(digest, scope)
        if result is None:
            result = await self._while_wanted(digest, self._fly(digest, url, scope))
            if result is None:
                metrics.RESOLVES.labels("abandoned").inc()
                log.info("resolve_abandoned", site=_site(url))
                return
            await self._resolutions.put(digest, scope, result)
            metrics.RESOLVES.labels(result.code or "ok").inc()
        else:
            metrics.RESOLVES.labels("cached").inc()
        await self._deliver(digest, result)

    async def _while_wanted(self, digest: str, flight: Coroutine[None, None, Resolution]) -> Resolution | None:
        """The flight's result; None if it was ended because nobody waited any more."""
        if not await self._is_wanted(digest):
            flight.close()
            return None
        flying = asyncio.ensure_future(flight)
        try:
            idle = 0
            while not (await asyncio.wait({flying}, timeout=LOOK_S))[0]:
                idle = 0 if await self._is_wanted(digest) else idle + 1
                # Twice: whoever has just come is not there yet in the very moment that another one leaves.
                if idle == 2:
                    return None
            return flying.result()
        finally:
            flying.cancel()
            await asyncio.gather(flying, return_exceptions=True)

    async def _is_wanted(self, digest: str) -> bool:
        try:
            if await self._resolutions.is_wanted(digest):
                return True
            for waiter in await self._resolutions.waiters(digest):
                if await self._rooms.has_item(waiter.room, waiter.item):
                    return True
                await self._resolutions.settled(digest, waiter)
        except Unavailable:
            # Not knowing is no reason to stop.
            return True
        return False

    async def _fly(self, digest: str, url: str, scope: str) -> Resolution:
        begun = self._clock()
        try:
            mint = Mint(self._signer, url, scope, begun)
            await self._stage(digest, "extracting")
            await self._check(url)
            info = await self._extractor.extract(url)
            await self._stage(digest, "reading")
            video = present(await self._public(info), mint)
        except WatchTogetherError as error:
            return self._failed(error, url, begun)
        except Exception:  # a flight supervises its steps: whoever waits gets an answer, the log gets the bug
            log.exception("flight_broken", site=_site(url))
            return self._failed(resolve_error("unavailable", UNKNOWN), url, begun)
        # As long as a client's URL is good: a room that pauses overnight needs the context to get today's URL.
        await self._contexts.renew(mint.contexts, LIFETIME_S)
        now = self._clock()
        log.info(
            "resolved", site=_site(url), extractor=info.extractor, kind=video.stream_type, seconds=round(now - begun, 2)
        )
        expires_at = cache_until(video.expires_at, now, self._ttl_s)
        return Resolution(video=video, resolved_at=now, expires_at=expires_at)

    def _failed(self, error: WatchTogetherError, url: str, begun: float) -> Resolution:
        now = self._clock()
        log.info("resolve_failed", site=_site(url), code=error.code, seconds=round(now - begun, 2))
        expires_at = now + ttl_s(error.code)
        return Resolution(code=error.code, message=error.message, resolved_at=now, expires_at=expires_at)

    async def _check(self, url: str) -> None:
        """Refuse a link into a private network before any process sees it."""
        target = parse_url(url)
        try:
            await self._guard.addresses(target.host, target.port)
        except Refused as error:
            raise private_address() if error.code == "private_address" else error from None
        except Unavailable as error:
            code: Code = "timeout" if error.code == "upstream_late" else "unavailable"
            raise resolve_error(code, f"{error.message} Check the link, or try again later.") from None

    async def _public(self, info: Info) -> Info:
        """`info` without the formats that lead into a private network.

        The proxy would refuse them; here whoever pasted the link learns why.

        :raises Refused: `private_address` if nothing else is left.
        """
        urls = {url for entry in info.formats for url in (entry.url, entry.manifest_url) if url}
        places = {url: place for url in urls if (place := _place(url)) is not None}
        verdicts = await asyncio.gather(*map(self._leads_inside, set(places.values())))
        inside = {place for place, is_inside in zip(set(places.values()), verdicts, strict=True) if is_inside}
        if not inside:
            return info
        kept = [
            entry
            for entry in info.formats
            if not inside & {places.get(url) for url in (entry.url, entry.manifest_url) if url}
        ]
        if not kept:
            raise private_address()
        return replace(info, formats=kept)

    async def _leads_inside(self, place: tuple[str, int]) -> bool:
        try:
            await self._guard.addresses(*place)
        except Refused:
            return True
        except Unavailable:
            # A name that does not resolve here leads nowhere.
            return False
        return False

    async def _deliver(self, digest: str, result: Resolution) -> None:
        # Each waiter is forgotten only after its room has the result. Whoever comes meanwhile finds the cache.
        for waiter in await self._resolutions.waiters(digest):
            try:
                await self._enter(waiter.room, waiter.item, result)
            except Refused as refusal:
                log.info("resolve_not_wanted", room=waiter.room, item=waiter.item, code=refusal.code)
            await self._resolutions.settled(digest, waiter)
            metrics.DELIVERED.inc()

    async def _enter(self, room: str, item: str, result: Resolution) -> None:
        video = result.video
        if video is None:
            await self._rooms.resolved(room, item, code=result.code, message=result.message)
            return
        await self._rooms.resolved(
            room,
            item,
            title=video.title,
            thumbnail=video.thumbnail,
            duration=video.duration,
            video_json=codec.encode_text(video),
        )

    async def _stage(self, digest: str, stage: Stage) -> None:
        await self._resolutions.announce(digest, stage)


def _place(url: str) -> tuple[str, int] | None:
    try:
        target = parse_url(url)
    except Refused:
        return None
    return target.host, target.port


def _site(url: str) -> str:
    """What of a link may stand in a log: its path and query may be a capability."""
    return urlsplit(url).hostname or ""
