"""From a ticket to an upstream's answer: who may fetch what, with which headers, from where today."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

from services.common.errors import Refused, Unavailable
from services.common.guard import Guard, Target, Whitelist, parse_url
from services.proxy import rangeparam
from services.proxy.inline import InlineAnswer
from services.proxy.memory import CacheKey
from services.proxy.ranges import ByteRange
from services.proxy.relisting import Relisting
from services.proxy.renewal import Renewal, rebased
from services.proxy.streams import Known, Streams
from services.proxy.tickets import OPEN_SCOPE, Ticket
from services.proxy.turns import TurnAnswer, Turns
from services.proxy.upstream import Answer, Upstream

USER_AGENT: Final = "Mozilla/5.0 (compatible; watch-together)"
# Playlists that block until a segment exists (RFC 8216bis §6.2.5.2) answer within a few target durations.
BLOCKING_FIRST_BYTE_S: Final = 30.0
# The longest wait for a URL that is not available yet.
MAX_WAIT_S: Final = 10.0

ABSENT: Final = "The source does not have this."

# The upstream doesn't know us (any more): its URL may have changed since.
_STALE: Final = frozenset({401, 403, 410})


@dataclass(frozen=True, slots=True)
class Source:
    """Where a ticket's bytes come from, and under which key they are cached."""

    ticket: Ticket
    key: CacheKey
    target: Target
    headers: Mapping[str, str]
    known: Known | None
    # Asked for by another node, and so never asked of a third one.
    is_internal: bool = False

    def jar(self, target: Target) -> str:
        """The cookies for a target, wherever a redirect leads."""
        return "" if self.known is None else self.known.cookies_for(target, time.time())


class Sources:
    """Opens what a ticket names, as its context says."""

    def __init__(
        self,
        upstream: Upstream,
        streams: Streams,
        renewal: Renewal,
        guard: Guard,
        whitelist: Whitelist,
        by_parameter: Whitelist,
        turns: Turns,
        relisting: Relisting,
    ) -> None:
        self._upstream = upstream
        self._turns = turns
        self._relisting = relisting
        self._streams = streams
        self._renewal = renewal
        self._guard = guard
        self._whitelist = whitelist
        self._by_parameter = by_parameter

    def cached_key(self, ticket: Ticket) -> CacheKey | None:
        """The key under which memory may hold the object; None where the context must be read first.

        :raises Refused: as `locate`.
        """
        if not ticket.is_signed:
            self._check_open(parse_url(ticket.url))
        if not ticket.context:
            return CacheKey(OPEN_SCOPE, ticket.cached_as)
        known = self._streams.known(ticket.context)
        return None if known is None else CacheKey(known.context.scope, ticket.cached_as)

    async def locate(self, ticket: Ticket) -> Source:
        """Where the bytes are today.

        :raises Refused: `bad_url`, `refused_target`; `expired_signature` if the context is gone.
        :raises Unavailable: if the context is not known and Redis does not answer.
        """
        if ticket.context:
            return _located(ticket, await self._streams.get(ticket.context))
        target = _with_directives(parse_url(ticket.url), ticket.directives)
        if not ticket.is_signed:
            self._check_open(target)
        key = CacheKey(OPEN_SCOPE, ticket.cached_as)
        return Source(ticket, key, target, {"User-Agent": USER_AGENT}, None)

    async def open(
        self, source: Source, *, method: str = "GET", wanted: ByteRange | None = None, if_range: str = ""
    ) -> Answer:
        """Ask the upstream. If it refuses, the context is renewed, and what changed is tried once.

        The status of the answer is 200, 206 or 416.

        :raises Refused: `not_found`, `private_address`, `refused_target`.
        :raises Unavailable: `upstream_failed`, `upstream_late`, `unavailable`.
        """
        if source.known is not None and source.known.is_inline:
            return await self._inline(source)
        await _until_available(source.known)
        whose = source.ticket.context or source.ticket.object_id
        place = source.target.host, source.target.port
        turn = await self._turns.take(place, whose)
        try:
            return TurnAnswer(await self._open(source, method, wanted, if_range), turn)
        except BaseException:
            turn.release()
            raise

    async def _inline(self, source: Source) -> Answer:
        text = await self._streams.text(source.ticket.context)
        if not text:
            raise Refused("not_found", ABSENT)
        return InlineAnswer(text, source.target)

    async def _open(self, source: Source, method: str, wanted: ByteRange | None, if_range: str) -> Answer:
        ticket, known = source.ticket, source.known
        if known is not None and (moved := self._relisting.today(ticket.context, source.target.url)) is not None:
            source = _moved(source, known, moved)
        answer = await self._ask(source, method, wanted, if_range)
        if answer.status in _STALE and known is not None:
            async with aclosing(self._elsewhere(source, known)) as places:
                async for place in places:
                    answer.release()
                    answer = await self._ask(place, method, wanted, if_range)
                    if answer.status not in _STALE:
                        break
        try:
            _accept_status(answer)
        except (Refused, Unavailable):
            answer.release()
            raise
        return answer

    async def _elsewhere(self, source: Source, known: Known) -> AsyncGenerator[Source, None]:
        """Where what is refused may be by now: a piece that was signed by itself, else the stream opened again."""
        if (relisted := await self._relisted(source, known)) is not None:
            yield relisted
        renewed = await self._renewed(source, known)
        if renewed is None:
            return
        yield renewed
        if (relisted := await self._relisted(renewed, renewed.known or known)) is not None:
            yield relisted

    async def _renewed(self, source: Source, seen: Known) -> Source | None:
        context = source.ticket.context
        fresh = await self._streams.reread(context, seen) or await self._renewal.renew(context, seen)
        if fresh is None:
            return None
        self._relisting.forget(context)
        return _located(source.ticket, fresh)

    async def _relisted(self, source: Source, known: Known) -> Source | None:
        """Where a playlist lists a piece now; None for the stream itself, and for what is where it was."""
        if source.ticket.object_id == known.context.object_id:
            return None
        there = await self._relisting.find(source.ticket.context, known, source.target.url)
        return None if there is None or there == source.target else _moved(source, known, there)

    async def _ask(self, source: Source, method: str, wanted: ByteRange | None, if_range: str) -> Answer:
        gate = self._check_target if source.ticket.is_signed else self._check_open
        by_parameter = self._by_parameter.allows(source.target.host, source.target.port)
        total = rangeparam.length(source.target) if by_parameter else None
        if total is not None and method == "GET":
            headers = source.headers
            return await rangeparam.open_parts(self._upstream, source.target, headers, gate, wanted, total, source.jar)
        headers = dict(source.headers)
        if wanted is not None:
            headers["Range"] = wanted.header
            if if_range:
                headers["If-Range"] = if_range
        first_byte_s = BLOCKING_FIRST_BYTE_S if source.ticket.directives else None
        return await self._upstream.open(
            source.target, headers, method=method, gate=gate, jar=source.jar, first_byte_s=first_byte_s
        )

    def _check_target(self, target: Target) -> None:
        self._guard.check_literal(target.host, target.port)

    def _check_open(self, target: Target) -> None:
        """:raises Refused: `refused_target` if the host is on no list; `private_address`."""
        if not self._whitelist.allows(target.host, target.port):
            raise Refused("refused_target", "This host is not open to unsigned requests.")
        self._guard.check_literal(target.host, target.port)


def _located(ticket: Ticket, known: Known) -> Source:
    is_root = ticket.object_id == known.context.object_id
    there = known.root if is_root else rebased(ticket.url, known.context.earlier, known.context.url)
    target = _with_directives(there, ticket.directives)
    headers = {"User-Agent": USER_AGENT, **known.headers_for(target, time.time())}
    return Source(ticket, CacheKey(known.context.scope, ticket.cached_as), target, headers, known)


def _moved(source: Source, known: Known, there: Target) -> Source:
    target = _with_directives(there, source.ticket.directives)
    headers = {"User-Agent": USER_AGENT, **known.headers_for(target, time.time())}
    return replace(source, target=target, headers=headers, known=known)


async def _until_available(known: Known | None) -> None:
    """Some sites refuse a URL for some seconds after they gave it out, and say so."""
    available_at = None if known is None else known.context.available_at
    if available_at is not None:
        await asyncio.sleep(min(available_at - time.time(), MAX_WAIT_S))


def _with_directives(target: Target, directives: str) -> Target:
    if not directives:
        return target
    joint = "&" if "?" in target.path_and_query else "?"
    return replace(target, path_and_query=f"{target.path_and_query}{joint}{directives}")


def _accept_status(answer: Answer) -> None:
    match answer.status:
        case 200 | 206 | 416:
            return
        case 404 | 410:
            raise Refused("not_found", ABSENT)
        case 429 | 503:
            raise Unavailable("unavailable", "The source is busy.", retry_after_ms=2000)
        case 408 | 504:
            raise Unavailable("upstream_late", "The source does not answer in time.")
        case status:
            raise Unavailable("upstream_failed", f"The source answers {status}.")
