"""What an upstream's answer is: which bytes it brings, of which generation, and whether they may be shared."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Final

from services.common.errors import Unavailable
from services.common.guard import Target
from services.proxy import blocks, heads
from services.proxy.blocks import Representation
from services.proxy.manifests import HEAD_BYTES, form_of, is_manifest_type, is_open
from services.proxy.memory import Entry
from services.proxy.ranges import ByteRange, parse_content_range
from services.proxy.sources import Source
from services.proxy.upstream import Answer

# Where the origin forbids storing, a crowd that asks at the same time still shares one fetch.
NO_STORE_TTL_S: Final = 10.0

_MEDIA_FAMILIES: Final = ("video/", "audio/", "image/")


class NotMediaError(Exception):
    """What was opened is no object of bytes but a manifest, though nothing announced one."""


class Private:
    """That an object can't be shared, with the answer that told so, for the first one who wants just that."""

    def __init__(self, answer: Answer | None, asked: ByteRange | None) -> None:
        self._answer = answer
        self._asked = asked

    def take(self, wanted: ByteRange | None) -> Answer | None:
        """The answer, which is now the caller's to release; None if it is another one or taken."""
        if wanted != self._asked:
            return None
        answer, self._answer = self._answer, None
        return answer

    def discard(self) -> None:
        """Release the answer, if nobody took it."""
        answer = self.take(self._asked)
        if answer is not None:
            answer.release()


class _Peeked:
    """An answer of which the first bytes were read already."""

    def __init__(self, answer: Answer, first: bytes, rest: AsyncIterator[bytes]) -> None:
        self._answer = answer
        self._rest = rest
        self.first = first
        self.status = answer.status
        self.headers: Mapping[str, str] = answer.headers
        self.target: Target = answer.target
        self.via = getattr(answer, "via", "MISS")

    async def chunks(self) -> AsyncIterator[bytes]:
        if self.first:
            yield self.first
        async for chunk in self._rest:
            yield chunk

    def release(self) -> None:
        self._answer.release()


async def looked_at(answer: Answer) -> Answer:
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
    first = more = await anext(chunks, b"")
    while more and is_open(first):
        first += (more := await anext(chunks, b""))
    if form_of(first[:HEAD_BYTES]):
        raise NotMediaError
    return _Peeked(answer, first, chunks)


def first_bytes(answer: Answer) -> bytes:
    """The bytes of a body that were looked at."""
    found = getattr(answer, "first", b"")
    return found if isinstance(found, bytes) else b""


def to_ask(wanted: ByteRange | None) -> ByteRange | None:
    """What to ask of an object of which nothing is known, for a reader who wants `wanted`."""
    if wanted is None or wanted.first is None:
        return wanted
    return ByteRange(blocks.floor(wanted.first), blocks.bucket_stop(wanted.first) - 1)


def span_of(answer: Answer, asked: ByteRange | None) -> tuple[int, int, int] | None:
    """Start, stop and the object's length of what an answer carries; None if it does not say.

    :raises Unavailable: `upstream_failed` if its head contradicts itself or the request: its bytes would come into the
        wrong place of a player's buffer.
    """
    declared = answer.headers.get("Content-Length", "")
    length = int(declared) if declared.isascii() and declared.isdigit() else None
    if answer.status == 200:
        return None if not length else (0, length, length)
    sent = parse_content_range(answer.headers.get("Content-Range"))
    if sent is None or asked is None:
        raise Unavailable("upstream_failed", "The source sends a part without saying which, or unasked.")
    is_right = sent.start == asked.first and (asked.last is None or sent.stop <= asked.last + 1)
    if not is_right or length not in (None, sent.stop - sent.start):
        raise Unavailable("upstream_failed", "The source sends another part than was asked for.")
    if sent.total is None:
        return None
    is_aligned = sent.stop == sent.total or sent.stop % blocks.BLOCK_BYTES == 0
    stop = sent.stop if is_aligned else blocks.floor(sent.stop)
    return (sent.start, stop, sent.total) if stop > sent.start else (sent.start, sent.stop, sent.total)


def is_storable(source: Source, answer: Answer) -> bool:
    """Whether the body is one that may be kept."""
    if answer.headers.get("Content-Encoding", "identity").strip().lower() not in ("identity", ""):
        return False
    return heads.is_cacheable(source.ticket.kind, type_of(source, answer))


def is_volatile(answer: Answer) -> bool:
    """Whether the origin forbids storing."""
    return "no-store" in answer.headers.get("Cache-Control", "").lower()


def is_trusted(source: Source) -> bool:
    """Whether the object's id is a generation in itself: the resolver named video and format."""
    return source.known is not None and source.ticket.object_id == source.known.context.object_id


def representation_of(source: Source, answer: Answer, total: int) -> Representation:
    """The generation that an answer belongs to."""
    headers = answer.headers
    return Representation(
        total,
        type_of(source, answer),
        heads.plain(headers.get("ETag", "")),
        heads.plain(headers.get("Last-Modified", "")),
    )


def entry_of(source: Source, representation: Representation, body: bytes | bytearray, *, is_volatile: bool) -> Entry:
    """An entry for memory."""
    return Entry(
        memoryview(body).toreadonly(),
        representation.content_type,
        heads.shelf(representation.content_type, source.target.url),
        etag=representation.etag,
        last_modified=representation.last_modified,
        ttl_s=NO_STORE_TTL_S if is_volatile else None,
    )


def type_of(source: Source, answer: Answer) -> str:
    """The media type to serve a body under."""
    declared = answer.headers.get("Content-Type", "")
    return heads.media_type(declared, answer.target.url, source.ticket.kind, first_bytes(answer)[:16])
