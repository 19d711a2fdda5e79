"""Hosts that take a `range` parameter, before a server that does."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from services.common.errors import Unavailable
from services.common.guard import Guard, Target, parse_url
from services.proxy import rangeparam
from services.proxy.rangeparam import PART_BYTES, length
from services.proxy.ranges import ByteRange
from services.proxy.upstream import Answer, Upstream
from tests.support.shelf import blob

SIZE = 2 * PART_BYTES + 12_345


class Throttling:
    """Answers `/videoplayback?range=a-b` with 200 and that part, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.shortened_by = 0
        self.is_ignorant = False

    async def answer(self, request: web.Request) -> web.Response:
        if self.is_ignorant:
            self.asked.append(request.headers.get("Range", ""))
            part = request.http_range
            body = blob(0, SIZE)[part]
            if part.start is None:
                return web.Response(body=body)
            told = f"bytes {part.start}-{part.start + len(body) - 1}/{SIZE}"
            return web.Response(body=body, status=206, headers={"Content-Range": told})
        given = request.query["range"]
        self.asked.append(given)
        assert "Range" not in request.headers
        first, last = map(int, given.split("-"))
        response = web.Response(
            body=blob(first, last + 1 - self.shortened_by), content_type="video/mp4", headers={"ETag": '"x"'}
        )
        if self.shortened_by:
            # Its length would give it away.
            response.enable_chunked_encoding()
        return response


@pytest.fixture
async def host() -> AsyncIterator[tuple[Throttling, Upstream, Target]]:
    throttling = Throttling()
    application = web.Application()
    application.router.add_get("/videoplayback", throttling.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    guard = Guard((f"127.0.0.1:{port}",))
    upstream = Upstream(guard)
    await upstream.start()
    yield throttling, upstream, parse_url(f"http://127.0.0.1:{port}/videoplayback?clen={SIZE}&mime=video")
    await upstream.close()
    await runner.cleanup()
    guard.close()


async def opened(upstream: Upstream, target: Target, wanted: ByteRange | None) -> Answer:
    return await rangeparam.open_parts(upstream, target, {}, lambda _: None, wanted, SIZE)


async def read(answer: Answer) -> bytes:
    try:
        return b"".join([chunk async for chunk in answer.chunks()])
    finally:
        answer.release()


@pytest.mark.parametrize(
    ("wanted", "start", "stop"),
    [
        (ByteRange(0, 9), 0, 10),
        (ByteRange(5, None), 5, SIZE),
        (ByteRange(PART_BYTES - 5, PART_BYTES + 5), PART_BYTES - 5, PART_BYTES + 6),
        (ByteRange(None, 7), SIZE - 7, SIZE),
        (ByteRange(SIZE - 1, SIZE + 100), SIZE - 1, SIZE),
    ],
)
async def test_a_range_comes_back_as_a_206_with_the_right_total(
    host: tuple[Throttling, Upstream, Target], wanted: ByteRange, start: int, stop: int
) -> None:
    _, upstream, target = host
    answer = await opened(upstream, target, wanted)
    assert answer.status == 206
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{SIZE}"
    assert answer.headers["Content-Length"] == str(stop - start)
    assert await read(answer) == blob(start, stop)


async def test_the_whole_comes_in_parts_as_one_200(host: tuple[Throttling, Upstream, Target]) -> None:
    throttling, upstream, target = host
    answer = await opened(upstream, target, None)
    assert (answer.status, answer.headers["Content-Length"]) == (200, str(SIZE))
    assert "Content-Range" not in answer.headers
    assert await read(answer) == blob(0, SIZE)
    assert throttling.asked == [
        f"0-{PART_BYTES - 1}",
        f"{PART_BYTES}-{2 * PART_BYTES - 1}",
        f"{2 * PART_BYTES}-{SIZE - 1}",
    ]


async def test_what_lies_past_the_end_needs_no_upstream(host: tuple[Throttling, Upstream, Target]) -> None:
    throttling, upstream, target = host
    answer = await opened(upstream, target, ByteRange(SIZE, None))
    assert (answer.status, answer.headers["Content-Range"]) == (416, f"bytes */{SIZE}")
    assert await read(answer) == b""
    assert throttling.asked == []


@pytest.mark.parametrize("wanted", [ByteRange(0, 99), ByteRange(PART_BYTES - 5, PART_BYTES + 4)])
async def test_a_host_that_does_not_know_the_parameter_is_asked_by_header(
    host: tuple[Throttling, Upstream, Target], wanted: ByteRange
) -> None:
    throttling, upstream, target = host
    throttling.is_ignorant = True
    answer = await opened(upstream, target, wanted)
    assert answer.status == 206
    assert answer.headers["Content-Range"].startswith(f"bytes {wanted.first}-{wanted.last}/")
    assert await read(answer) == blob(wanted.first or 0, (wanted.last or 0) + 1)
    assert throttling.asked == ["", wanted.header]


async def test_a_part_that_is_too_short_is_a_failure(host: tuple[Throttling, Upstream, Target]) -> None:
    throttling, upstream, target = host
    throttling.shortened_by = 1
    with pytest.raises(Unavailable):
        await read(await opened(upstream, target, ByteRange(0, 99)))


@pytest.mark.parametrize(
    ("query", "expected"), [("clen=5", 5), ("a=1&clen=5&b=2", 5), ("xclen=5", None), ("clen=0", None), ("", None)]
)
def test_the_length_is_what_the_url_tells(query: str, expected: int | None) -> None:
    assert length(parse_url(f"http://h.example/videoplayback?{query}")) == expected


def test_a_url_that_names_a_range_already_is_left_alone() -> None:
    assert length(parse_url("http://h.example/videoplayback?clen=5&range=0-1")) is None
