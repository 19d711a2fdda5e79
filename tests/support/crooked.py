"""An origin that breaks the rules of HTTP, one way for each path: `/<defect>/<id>/<size>.mp4`.

The bytes of an object are `shelf.blob`, moved on by its generation, which its ETag names: whoever mixes two of them, or
puts bytes into the wrong place, is found out.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Final

from tests.support.shelf import blob

_REQUEST: Final = re.compile(r"(GET|HEAD) /(\w+)/(\w+)/(\d+)\.mp4\S* HTTP/1\.1")
_RANGE: Final = re.compile(r"range: *bytes=(\d*)-(\d*)", re.IGNORECASE)
_CHUNK: Final = 64 * 1024


def content(generation: int, start: int, stop: int) -> bytes:
    """Bytes of one generation of every object."""
    return blob(start + (generation << 40), stop + (generation << 40))


@dataclass(frozen=True, slots=True)
class Reply:
    """What will be sent; defects change it. `cut` is how many bytes of the body come before the connection breaks."""

    total: int
    start: int
    stop: int
    count: int
    status: int = 200
    generation: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    is_chunked: bool = False
    cut: int | None = None
    resets: bool = False
    stalls: bool = False
    extra: bytes = b""
    raw: bytes = b""
    # What comes before the status line, and whether only the connection's end tells the body's.
    before: str = ""
    closes: bool = False
    chunk_bytes: int = _CHUNK
    pause_s: float = 0.0

    def told(self, **headers: str) -> Reply:
        """With headers added or, where empty, taken away."""
        changed = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return replace(self, headers={name: value for name, value in changed.items() if value})

    @property
    def middle(self) -> int:
        return (self.stop - self.start) // 2


def _generation(reply: Reply, generation: int) -> Reply:
    return replace(reply, generation=generation).told(ETag=f'"g{generation}"')


def _range(reply: Reply, start: int, stop: int, total: str = "") -> Reply:
    if reply.status != 206:
        return reply
    told = f"bytes {start}-{stop - 1}/{total or reply.total}"
    return replace(reply, start=start, stop=stop).told(Content_Range=told, Content_Length=str(stop - start))


def _whole(reply: Reply) -> Reply:
    if reply.status != 206:
        return reply
    return replace(reply, status=200, start=0, stop=reply.total).told(Content_Range="", Content_Length=str(reply.total))


def _at_times(reply: Reply, status: int) -> Reply:
    return replace(reply, status=status, start=0, stop=0).told(Content_Length="0") if reply.count % 2 else reply


DEFECTS: Final[dict[str, Callable[[Reply], Reply]]] = {
    "none": lambda r: r,
    "ignores_ranges": _whole,
    "ignores_ranges_and_cuts": lambda r: replace(_whole(r), cut=_whole(r).middle if r.count % 2 else None),
    "shifted": lambda r: _range(r, min(r.start + 1, r.total - 1), min(r.stop + 1, r.total)),
    "earlier": lambda r: _range(r, max(r.start - 1, 0), r.stop),
    "short_range": lambda r: _range(r, r.start, r.start + max(1, r.middle)),
    "cut": lambda r: replace(r, cut=r.middle),
    "cut_at_once": lambda r: replace(r, cut=0 if r.count % 3 else None),
    "reset": lambda r: replace(r, cut=r.middle, resets=True),
    "stall": lambda r: replace(r, cut=r.middle, stalls=True) if r.count % 3 == 1 else r,
    "drip": lambda r: replace(r, chunk_bytes=1999, pause_s=0.0001),
    "chunked": lambda r: replace(r, is_chunked=True).told(Content_Length=""),
    "chunked_cut": lambda r: replace(r, is_chunked=True, cut=r.middle if r.count % 2 else None).told(Content_Length=""),
    "changes": lambda r: _generation(r, r.count),
    "changes_once": lambda r: _generation(r, int(r.count > 2)),
    "changes_on_resume": lambda r: replace(_generation(r, r.count // 2), cut=r.middle if r.count % 2 else None),
    "grows": lambda r: _range(r, r.start, r.stop, str(r.total + r.count)),
    "unknown_total": lambda r: _range(r, r.start, r.stop, "*"),
    "total_too_small": lambda r: _range(r, r.start, r.stop, str(max(1, r.stop - 1))),
    "no_content_range": lambda r: r.told(Content_Range=""),
    "garbled_content_range": lambda r: r.told(Content_Range="bytes 5-1/x") if r.status == 206 else r,
    "length_lies": lambda r: r.told(Content_Length=str(r.stop - r.start + 7)),
    "length_lies_low": lambda r: r.told(Content_Length=str(max(1, r.stop - r.start - 7))),
    "two_lengths": lambda r: replace(r, headers={**r.headers, "content-length": str(r.stop - r.start + 7)}),
    "close_delimited": lambda r: replace(r, closes=True).told(Content_Length=""),
    "early_hints": lambda r: replace(r, before="HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"),
    "multipart_answer": lambda r: (
        r.told(Content_Type="multipart/byteranges; boundary=x", Content_Range="") if r.status == 206 else r
    ),
    "longer": lambda r: replace(r, extra=b"?" * 1000),
    "unasked_part": lambda r: (
        r if r.status == 206 else replace(r, status=206).told(Content_Range=f"bytes 0-{r.total - 1}/{r.total}")
    ),
    "always_416": lambda r: replace(r, status=416, start=0, stop=0).told(
        Content_Range=f"bytes */{r.total}", Content_Length="0"
    ),
    "fails_at_times": lambda r: _at_times(r, 500),
    "forbids_at_times": lambda r: _at_times(r, 403),
    "ignores_ranges_at_times": lambda r: _whole(r) if r.count % 2 else r,
    "busy_at_times": lambda r: _at_times(r, 503),
    "gone_at_times": lambda r: _at_times(r, 404),
    "empty_at_times": lambda r: _at_times(r, 204),
    "claims_gzip": lambda r: r.told(Content_Encoding="gzip"),
    "weak_etag": lambda r: r.told(ETag='W/"g0"', Last_Modified=""),
    "no_validators": lambda r: r.told(ETag="", Last_Modified=""),
    "date_only": lambda r: r.told(ETag=""),
    "no_store": lambda r: r.told(Cache_Control="no-store"),
    "no_answer": lambda r: replace(r, raw=b"" if r.count % 2 else b" "),
    "garbage": lambda r: replace(r, raw=b"HTTP/9 hello\r\n\r\n" if r.count % 2 else b" "),
    "loops": lambda r: replace(r, status=302, start=0, stop=0).told(Location="/loops/x/1.mp4", Content_Length="0"),
}
# Of these nothing can be had, or not always: an honest failure is right.
_BROKEN_RAW: Final = frozenset({"no_answer", "garbage"})


class Crooked:
    """The origin. `asked` counts requests by path."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.address = ""

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[Crooked]:
        """Serve while the block runs."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        self.address = f"{host}:{port}"
        try:
            yield self
        finally:
            server.close()

    def url(self, defect: str, size: int, mark: str) -> str:
        return f"http://{self.address}/{defect}/{mark}/{size}.mp4"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Cancelled only when the origin ends.
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._answer((await reader.readuntil(b"\r\n\r\n")).decode(), writer):
                pass
        writer.transport.abort()

    async def _answer(self, head: str, writer: asyncio.StreamWriter) -> bool:
        """Answer one request. Whether the connection goes on."""
        asked = _REQUEST.match(head)
        if asked is None:
            return False
        method, defect, mark, size = asked[1], asked[2], asked[3], int(asked[4])
        self.asked[f"{defect}/{mark}"] += 1
        reply = DEFECTS[defect](_honest(head, size, self.asked[f"{defect}/{mark}"]))
        if defect in _BROKEN_RAW and reply.raw != b" ":
            writer.write(reply.raw)
            await writer.drain()
            return False
        lines = [
            f"{reply.before}HTTP/1.1 {reply.status} Whatever",
            *(f"{name}: {value}" for name, value in reply.headers.items()),
        ]
        lines += ["Transfer-Encoding: chunked"] if reply.is_chunked else []
        writer.write("\r\n".join([*lines, "", ""]).encode())
        return method == "HEAD" or await self._body(reply, writer)

    async def _body(self, reply: Reply, writer: asyncio.StreamWriter) -> bool:
        stop = reply.stop if reply.cut is None else reply.start + reply.cut
        for position in range(reply.start, stop, reply.chunk_bytes):
            data = content(reply.generation, position, min(position + reply.chunk_bytes, stop))
            writer.write(b"%x\r\n%b\r\n" % (len(data), data) if reply.is_chunked else data)
            await writer.drain()
            if reply.pause_s:
                await asyncio.sleep(reply.pause_s)
        if reply.cut is not None:
            if reply.stalls:
                await asyncio.sleep(30)
            if not reply.resets:
                writer.close()
            return False
        writer.write(reply.extra + (b"0\r\n\r\n" if reply.is_chunked else b""))
        await writer.drain()
        if reply.closes:
            writer.close()
            await writer.wait_closed()
        return not reply.extra and not reply.closes


def _honest(head: str, size: int, count: int) -> Reply:
    headers = {"Content-Type": "video/mp4", "ETag": '"g0"', "Accept-Ranges": "bytes"}
    headers["Last-Modified"] = "Thu, 01 Jan 2026 00:00:00 GMT"
    wanted = _RANGE.search(head)
    if wanted is None:
        return Reply(size, 0, size, count, headers=headers).told(Content_Length=str(size))
    first = int(wanted[1]) if wanted[1] else max(0, size - int(wanted[2]))
    if first >= size:
        told = {**headers, "Content-Range": f"bytes */{size}", "Content-Length": "0"}
        return Reply(size, 0, 0, count, 416, headers=told)
    stop = min(int(wanted[2]) + 1, size) if wanted[1] and wanted[2] else size
    return _range(Reply(size, first, stop, count, 206, headers=headers), first, stop)


def pick(rng: random.Random) -> str:
    """One of the ways to be wrong."""
    return rng.choice(list(DEFECTS))
