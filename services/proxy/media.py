"""Bytes: from memory, from a fill that others share, or passed through from the upstream as they come."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

from services.common.errors import Unavailable
from services.common.guard import Target
from services.proxy import heads, metrics
from services.proxy.client import Client
from services.proxy.fills import Fill, Fills, NotMediaError
from services.proxy.manifests import form_of, is_manifest_type
from services.proxy.memory import MAX_ENTRY_BYTES, Entry, Memory
from services.proxy.ranges import ByteRange, ContentRange, parse_content_range, parse_unsatisfied
from services.proxy.sources import Source, Sources
from services.proxy.upstream import Answer

# Where the origin forbids storing, a crowd that asks at the same time still shares one fetch.
NO_STORE_TTL_S: Final = 10.0
_MEDIA_FAMILIES: Final = ("video/", "audio/", "image/")


@dataclass(frozen=True, slots=True)
class Extent:
    """Which bytes an upstream's answer carries. `length` None: told by nobody; `content_range` of a 206 only."""

    length: int | None
    content_range: ContentRange | None

    @property
    def whole_length(self) -> int | None:
        """The object's length if these are all its bytes."""
        if self.content_range is None:
            return self.length
        start, stop, total = self.content_range.start, self.content_range.stop, self.content_range.total
        return total if start == 0 and stop == total else None


class Media:
    """Answers requests for bytes."""

    def __init__(self, sources: Sources, memory: Memory, fills: Fills, clock: Callable[[], float]) -> None:
        self._sources = sources
        self._memory = memory
        self._fills = fills
        self._clock = clock

    async def serve(self, source: Source, client: Client) -> None:
        """Answer `client` with the bytes of `source`.

        :raises NotMediaError: before anything was sent.
        :raises WatchTogetherError: as `Sources.open`; once the head was sent the connection must be dropped.
        """
        wish = client.wish
        if wish.is_head:
            await self._head(source, client)
            return
        fill = self._fills.running(source.key)
        if fill is not None and _is_near(fill, client):
            metrics.SHARED_FILLS.inc()
            await self._follow(fill, client)
            return
        if wish.range is None or (wish.range.is_whole and not wish.if_range):
            found = await self._fills.open(
                source.key, lambda: self._open(source, client), lambda answer: _entry_of(source, answer, wish.range)
            )
        else:
            found = await self._open(source, client)
        match found:
            case Entry():
                await client.entry(found, self._clock())
            case Fill():
                await self._follow(found, client)
            case answer:
                try:
                    await self._relay(source, client, answer)
                finally:
                    answer.release()

    async def _open(self, source: Source, client: Client) -> Answer:
        answer = await self._sources.open(source, wanted=client.wish.range, if_range=client.wish.if_range)
        try:
            return await _looked_at(answer)
        except BaseException:
            answer.release()
            raise

    async def _head(self, source: Source, client: Client) -> None:
        try:
            answer = await self._sources.open(source, method="HEAD")
        except Unavailable as error:
            if error.code != "upstream_failed":
                raise
            # Some CDNs know GET alone: its head tells the same.
            answer = await self._sources.open(source)
        answer.release()
        if is_manifest_type(answer.headers.get("Content-Type", "")):
            raise NotMediaError
        metrics.REQUESTS.labels("PASS").inc()
        await client.whole(200, _head_of(source, answer, "PASS", _extent(answer, None)))

    async def _follow(self, fill: Fill, client: Client) -> None:
        with fill.reading():
            span = client.span(fill.entry, fill.total)
            if span is None:
                await client.whole(416, heads.unsatisfiable_head(fill.total))
                return
            metrics.REQUESTS.labels("MISS").inc()
            await client.head(*client.span_head(fill.entry, "MISS", *span, fill.total))
            await client.body(fill.chunks(*span), "MISS", span[1] - span[0])

    async def _relay(self, source: Source, client: Client, answer: Answer) -> None:
        """Send an answer as it comes, or as a fill if it turns out to be a whole small object."""
        wanted = client.wish.range
        if answer.status == 416:
            total = parse_unsatisfied(answer.headers.get("Content-Range"))
            await client.whole(416, heads.unsatisfiable_head(total))
            return
        extent = _extent(answer, wanted)
        made = _entry_of(source, answer, wanted)
        if made is not None and not client.wish.if_range:
            fill = self._fills.adopt(source.key, answer, *made)
            if fill is not None:
                await self._follow(fill, client)
                return
        metrics.REQUESTS.labels("PASS").inc()
        head = _head_of(source, answer, "PASS", extent, ignores_ranges=wanted is not None and answer.status == 200)
        await client.head(answer.status, head)
        is_kept = answer.status == 200 and extent.length is None and _is_storable(source, answer)
        chunks = self._kept(source, answer) if is_kept else answer.chunks()
        await client.body(chunks, "PASS", extent.length)

    async def _kept(self, source: Source, answer: Answer) -> AsyncIterator[bytes]:
        """The body of unknown length, put into memory if it ends well and is small."""
        parts: list[bytes] | None = []
        size = 0
        async for chunk in answer.chunks():
            size += len(chunk)
            if size >= MAX_ENTRY_BYTES:
                parts = None
            elif parts is not None:
                parts.append(chunk)
            yield chunk
        if parts:
            entry = _entry(source, answer)
            entry.body = b"".join(parts)
            self._memory.put(source.key, entry, self._clock())


class _Peeked:
    """An answer of which the first bytes were read already."""

    def __init__(self, answer: Answer, first: bytes, rest: AsyncIterator[bytes]) -> None:
        self._answer = answer
        self._rest = rest
        self.first = first
        self.status = answer.status
        self.headers = answer.headers
        self.target: Target = answer.target

    async def chunks(self) -> AsyncIterator[bytes]:
        if self.first:
            yield self.first
        async for chunk in self._rest:
            yield chunk

    def release(self) -> None:
        self._answer.release()


async def _looked_at(answer: Answer) -> Answer:
    """`answer`, whose first bytes are looked at where its type leaves open what it is.

    :raises NotMediaError: if it is a manifest.
    """
    declared = answer.headers.get("Content-Type", "").lower()
    if answer.status == 416 or (declared.startswith(_MEDIA_FAMILIES) and not is_manifest_type(declared)):
        return answer
    if is_manifest_type(declared):
        raise NotMediaError
    sent = parse_content_range(answer.headers.get("Content-Range")) if answer.status == 206 else None
    if sent is not None and sent.start > 0:
        return answer
    chunks = answer.chunks()
    first = await anext(chunks, b"")
    if form_of(first[:4096]):
        raise NotMediaError
    return _Peeked(answer, first, chunks)


def _is_near(fill: Fill, client: Client) -> bool:
    span = client.span(fill.entry, fill.total)
    return span is None or fill.is_near(span[0])


def _extent(answer: Answer, wanted: ByteRange | None) -> Extent:
    """Which bytes an answer to `wanted` carries.

    :raises Unavailable: `upstream_failed` if its head contradicts itself or the request: relayed, it would put bytes
        into the wrong place of a player's buffer.
    """
    declared = answer.headers.get("Content-Length", "")
    length = int(declared) if declared.isascii() and declared.isdigit() else None
    if answer.status != 206:
        return Extent(length, None)
    sent = parse_content_range(answer.headers.get("Content-Range"))
    if sent is None or wanted is None:
        raise Unavailable("upstream_failed", "The source sends a part without saying which, or unasked.")
    if wanted.first is None:
        span = None if sent.total is None else wanted.within(sent.total)
        is_right = span is None or span[0] == sent.start
    else:
        is_right = sent.start == wanted.first and (wanted.last is None or sent.stop <= wanted.last + 1)
    if not is_right or length not in (None, sent.stop - sent.start):
        raise Unavailable("upstream_failed", "The source sends another part than was asked for.")
    return Extent(sent.stop - sent.start, sent)


def _entry_of(source: Source, answer: Answer, wanted: ByteRange | None) -> tuple[Entry, int] | None:
    """An entry for memory and its length, if `answer` brings a whole small object that may be kept."""
    if answer.status not in (200, 206) or not _is_storable(source, answer):
        return None
    total = _extent(answer, wanted).whole_length
    return None if not total or total >= MAX_ENTRY_BYTES else (_entry(source, answer), total)


def _is_storable(source: Source, answer: Answer) -> bool:
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        return False
    return heads.is_cacheable(source.ticket.kind, _type_of(source, answer))


def _entry(source: Source, answer: Answer) -> Entry:
    content_type = _type_of(source, answer)
    is_volatile = "no-store" in answer.headers.get("Cache-Control", "").lower()
    return Entry(
        b"",
        content_type,
        heads.shelf(content_type, source.target.url),
        etag=answer.headers.get("ETag", ""),
        last_modified=answer.headers.get("Last-Modified", ""),
        ttl_s=NO_STORE_TTL_S if is_volatile else None,
    )


def _head_of(
    source: Source, answer: Answer, cache: str, extent: Extent, *, ignores_ranges: bool = False
) -> heads.Headers:
    head = heads.body_head(
        cache,
        _type_of(source, answer),
        length=extent.length,
        content_range=extent.content_range,
        has_ranges=not ignores_ranges,
        etag=answer.headers.get("ETag", ""),
        last_modified=answer.headers.get("Last-Modified", ""),
    )
    encoding = answer.headers.get("Content-Encoding", "")
    return [*head, (b"content-encoding", encoding.encode("latin-1", "replace"))] if encoding else head


def _type_of(source: Source, answer: Answer) -> str:
    first = answer.first if isinstance(answer, _Peeked) else b""
    declared = answer.headers.get("Content-Type", "")
    return heads.media_type(declared, answer.target.url, source.ticket.kind, first[:16])
