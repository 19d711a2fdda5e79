"""One flight: from a link to a result in the cache and in every room that waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Final, Literal
from urllib.parse import urlsplit

import structlog
from msgspec.structs import replace

from services.common.chain import Entry, Link, Resolution, attempt, audience_of, concluded, scope_of
from services.common.contexts import ContextStore
from services.common.cookies import sites_of, write_netscape
from services.common.errors import Refused, Unavailable, WatchTogetherError
from services.common.guard import Guard, page_url, parse_url
from services.common.loans import Loan, Loans
from services.common.resolution import Resolutions
from services.common.room.entering import enter, extend
from services.common.room.store import RoomStore
from services.common.stream import LIFETIME_S, Kind, StreamSigner
from services.common.tracing import item_span
from services.common.vault import Jar, Vault
from services.common.waiting import Waiter
from services.resolver import metrics
from services.resolver.errors import UNKNOWN, Code, cookies_gone, may_mend, private_address, resolve_error, ttl_s
from services.resolver.expiry import cache_until
from services.resolver.formats import Mint, present, readable
from services.resolver.info import Entry as Named
from services.resolver.info import Info
from services.resolver.watch import Extracts

log = structlog.get_logger(__name__)

Stage = Literal["extracting", "reading"]
# How often a flight looks whether anybody still waits.
LOOK_S: Final = 2.0
# Whoever sees a list's pictures needs no cookies for them.
_NOBODYS: Final = Info(id="", extractor="", title="", formats=[])
# What a queue item's link may have.
MOST_URL_CHARS: Final = 2048


class Flights:
    """Runs flights. Every step may be repeated, so that a worker's death in the middle costs time and nothing else."""

    def __init__(
        self,
        resolutions: Resolutions,
        contexts: ContextStore,
        vault: Vault,
        loans: Loans,
        rooms: RoomStore,
        extractor: Extracts,
        guard: Guard,
        signer: StreamSigner,
        *,
        ttl_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._resolutions = resolutions
        self._contexts = contexts
        self._vault = vault
        self._loans = loans
        self._rooms = rooms
        self._extractor = extractor
        self._guard = guard
        self._signer = signer
        self._ttl_s = ttl_s
        self._clock = clock

    async def run(self, digest: str, url: str, link: Link) -> None:
        """Open a URL by one way unless its result is cached, then give the result to those who wait for it.

        :raises Unavailable: if a Redis does not answer; running it again goes on from there.
        """
        result = await self._resolutions.results.peek(digest, link.scope)
        shown: set[Waiter] = set()
        if result is None:
            waiting = await self._resolutions.waiting.of(digest, link.scope)
            # A flight has many passengers; it is told of in the trace of the first.
            with item_span("resolve", waiting[0].item if waiting else ""):
                result = await self._while_wanted(digest, link.scope, self._fly(digest, url, link, shown))
            if result is None:
                metrics.RESOLVES.labels("abandoned").inc()
                log.info("resolve_abandoned", site=_site(url))
                return
            await self._resolutions.results.put(digest, link.scope, result)
            metrics.RESOLVES.labels(result.code or "ok").inc()
            metrics.EXTRACTIONS.labels(metrics.site_of(_site(url)), result.code or "ok").inc()
            await self._replace(digest, link, result)
        else:
            metrics.RESOLVES.labels("cached").inc()
        await self._deliver(digest, url, link, result, shown)

    async def _while_wanted(
        self, digest: str, scope: str, flight: Coroutine[None, None, Resolution]
    ) -> Resolution | None:
        """The flight's result; None if it was ended because nobody waited any more."""
        if not await self._is_wanted(digest, scope):
            flight.close()
            return None
        flying = asyncio.ensure_future(flight)
        try:
            idle = 0
            while not (await asyncio.wait({flying}, timeout=LOOK_S))[0]:
                idle = 0 if await self._is_wanted(digest, scope) else idle + 1
                # Twice: whoever has just come is not there yet in the very moment that another one leaves.
                if idle == 2:
                    return None
            return flying.result()
        finally:
            flying.cancel()
            await asyncio.gather(flying, return_exceptions=True)

    async def _is_wanted(self, digest: str, scope: str) -> bool:
        try:
            if await self._resolutions.is_wanted(digest, scope):
                return True
            for waiter in await self._resolutions.waiting.of(digest, scope):
                if await self._rooms.has_item(waiter.room, waiter.item):
                    return True
                await self._resolutions.waiting.settled(digest, waiter)
        except Unavailable:
            # Not knowing is no reason to stop.
            return True
        return False

    async def _fly(self, digest: str, url: str, link: Link, shown: set[Waiter]) -> Resolution:
        begun = self._clock()
        try:
            mint = Mint(self._signer, url, link, begun)
            await self._stage(digest, "extracting")
            await self._check(url)
            jar = await self._jar(digest, url, link)
            # A list that somebody's cookies opened is told when it is known that they still may.
            listed = None if jar else partial(self._list, digest, mint, shown)
            info = await self._extractor.extract(url, write_netscape(jar.cookies) if jar else "", listed)
            await self._stage(digest, "reading")
            video = present(await self._public(info), mint)
            entries = _entries(info, info.entries, mint)
        except WatchTogetherError as error:
            return self._failed(error, url, link, begun)
        except Exception:  # a flight supervises its steps: whoever waits gets an answer, the log gets the bug
            log.exception("flight_broken", site=_site(url))
            return self._failed(resolve_error("unavailable", UNKNOWN), url, link, begun)
        if jar is not None:
            await self._lend(digest, url, link, info, list(mint.contexts))
        # As long as a client's URL is good: a room that pauses overnight needs the context to get today's URL.
        await self._contexts.renew(mint.contexts, LIFETIME_S)
        if jar is not None:
            await self._vault.refresh(link.owner, _site(url), jar, info.jar)
            # Who deletes cookies deletes them first and what they opened then: one of us sees the other.
            if await self._vault.salt(link.owner, _site(url)) != jar.salt:
                await self._loans.drop(link.owner, scope=link.scope)
                return self._failed(cookies_gone(), url, link, begun)
        now = self._clock()
        log.info(
            "resolved",
            site=_site(url),
            extractor=info.extractor,
            kind=video.stream_type,
            with_cookies=jar is not None,
            seconds=round(now - begun, 2),
        )
        expires_at = cache_until(video.expires_at, now, self._ttl_s)
        return Resolution(video=video, resolved_at=now, expires_at=expires_at, opened_with=link.owner, entries=entries)

    async def _list(self, digest: str, mint: Mint, shown: set[Waiter], named: list[Named]) -> None:
        """Show what a list names in the queues that wait for its first video, while that is being opened.

        `shown` gains whose queues those are: what somebody removes meanwhile must not come back with the video.
        """
        entries = _entries(_NOBODYS, named, mint)
        with contextlib.suppress(Unavailable, Refused):
            for waiter in await self._resolutions.waiting.of(digest, mint.link.scope):
                await extend(self._rooms, waiter.room, waiter.item, entries)
                shown.add(waiter)

    async def _jar(self, digest: str, url: str, link: Link) -> Jar | None:
        """The cookies of a link's owner; None for the way without any.

        :raises Refused: if they are no longer those that the way was named after.
        """
        if not link.owner:
            return None
        jar = await self._vault.jar(link.owner, _site(url))
        if jar is None or scope_of(jar.salt, link.owner, link.audience, digest) != link.scope:
            raise cookies_gone()
        return jar

    async def _lend(self, digest: str, url: str, link: Link, info: Info, contexts: list[str]) -> None:
        loan = Loan(
            owner=link.owner,
            audience=link.audience,
            sites=list(sites_of(_site(url))),
            digest=digest,
            cookies=info.cookies,
            contexts=contexts,
        )
        await self._loans.put(link.scope, loan, LIFETIME_S)

    def _failed(self, error: WatchTogetherError, url: str, link: Link, begun: float) -> Resolution:
        now = self._clock()
        log.info(
            "resolve_failed",
            site=_site(url),
            code=error.code,
            with_cookies=bool(link.owner),
            seconds=round(now - begun, 2),
        )
        return Resolution(
            code=error.code,
            message=error.message,
            resolved_at=now,
            expires_at=now + ttl_s(error, with_cookies=bool(link.owner)),
            may_mend=may_mend(error),
        )

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

    async def _deliver(self, digest: str, url: str, link: Link, result: Resolution, shown: set[Waiter]) -> None:
        # Each waiter is forgotten only after its room has the result. Whoever comes meanwhile finds the cache.
        for waiter in await self._resolutions.waiting.of(digest, link.scope):
            following = waiter.after(result)
            if following is not None:
                final = await self._resolutions.pass_on(digest, url, following, is_forced=True)
            else:
                final = concluded(result, [*waiter.attempts, attempt(link, result)])
            if final is not None:
                with item_span("deliver", waiter.item):
                    await self._enter(digest, waiter, replace(final, entries=[]) if waiter in shown else final)
                metrics.DELIVERED.inc()
            await self._resolutions.waiting.settled(digest, waiter)

    async def _replace(self, digest: str, link: Link, result: Resolution) -> None:
        """Give rooms what replaces the streams that they have: a proxy had them opened again, perhaps as others."""
        if result.video is None:
            return
        for player in await self._resolutions.waiting.players(digest, link.scope):
            item = await self._rooms.item(player.room, player.item)
            # One that is opened with others' cookies by now keeps what those opened.
            if item is None or item.opened_with != result.opened_with or not await self._enter(digest, player, result):
                await self._resolutions.waiting.forget_player(digest, player)

    async def _enter(self, digest: str, waiter: Waiter, result: Resolution) -> bool:
        try:
            has_entered = await enter(self._rooms, waiter.room, waiter.item, result)
        except Refused as refusal:
            has_entered = False
            log.info("resolve_not_wanted", room=waiter.room, item=waiter.item, code=refusal.code)
        if has_entered:
            await self._resolutions.waiting.note_player(digest, waiter, result)
        elif result.opened_with:
            # Nobody is left whom these cookies may serve.
            await self._loans.drop(result.opened_with, audience=audience_of(waiter.room, waiter.item))
        return has_entered

    async def _stage(self, digest: str, stage: Stage) -> None:
        await self._resolutions.announce(digest, stage)


def _entries(info: Info, named: Sequence[Named], mint: Mint) -> list[Entry]:
    found = []
    for entry in named:
        try:
            url = page_url(entry.url)
        except Refused:
            continue
        if len(url) <= MOST_URL_CHARS:
            picture = mint.plain(info, entry.thumbnail, Kind.IMAGE) if entry.thumbnail else ""
            title = readable(entry.title) or url
            found.append(Entry(url=url, title=title, thumbnail=picture, duration=entry.duration or 0))
    return found


def _place(url: str) -> tuple[str, int] | None:
    try:
        target = parse_url(url)
    except Refused:
        return None
    return target.host, target.port


def _site(url: str) -> str:
    """What of a link may stand in a log: its path and query may be a capability."""
    return urlsplit(url).hostname or ""
