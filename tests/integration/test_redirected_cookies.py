"""Cookies of a stream after a redirect: each hop gets those that a browser would send there, and no others."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from services.common.contexts import StreamContext
from services.common.cookies import Cookie
from services.common.guard import Guard, parse_url
from services.proxy.streams import Known
from services.proxy.upstream import Upstream
from tests.support.origin import Origin

VALUE = "a-value-of-nobody"


@pytest_asyncio.fixture
async def upstream() -> AsyncIterator[Upstream]:
    guard = Guard(("127.0.0.1", "localhost"))
    upstream = Upstream(guard)
    await upstream.start()
    yield upstream
    await upstream.close()
    guard.close()


@pytest.fixture
def other() -> Iterator[Origin]:
    with Origin() as running:
        yield running


def cookie(domain: str, path: str = "/", **more: object) -> Cookie:
    return Cookie(domain=domain, path=path, name=f"at{path.replace('/', '-')}", value=VALUE, **more)  # type: ignore[arg-type]


async def sent(upstream: Upstream, first: str, last: Origin, path: str, *cookies: Cookie, **headers: str) -> list[str]:
    """The headers of interest that reached `path` at the last hop."""
    root = parse_url(first)
    context = StreamContext(page_url=first, format_id="1", url=first, headers=headers, cookies=list(cookies))
    known = Known(context, root, 0.0)
    now = time.time()
    answer = await upstream.open(root, known.headers_for(root, now), jar=lambda target: known.cookies_for(target, now))
    answer.release()
    assert answer.status == 200
    (seen,) = last.requests(path)
    return [seen.headers.get(name, "") for name in ("cookie", "referer", "authorization")]


async def test_another_port_of_the_same_host_gets_its_cookies_again(
    upstream: Upstream, origin: Origin, other: Origin
) -> None:
    there = other.url("clip.mp4")
    first = origin.url("redirect", to=there)
    got = await sent(upstream, first, other, "/clip.mp4", cookie("127.0.0.1"), Referer="http://page.example/")
    assert got == [f"at-={VALUE}", "", ""]


async def test_a_host_that_the_cookies_are_not_for_gets_none(upstream: Upstream, origin: Origin, other: Origin) -> None:
    there = f"http://localhost:{other.address.partition(':')[2]}/clip.mp4"
    first = origin.url("redirect", to=there)
    mine = (cookie("127.0.0.1"), cookie(".0.0.1"), cookie(".example.com"))
    assert await sent(upstream, first, other, "/clip.mp4", *mine, Authorization="Basic x") == ["", "", ""]


async def test_on_the_way_back_the_first_host_gets_its_own(upstream: Upstream, origin: Origin, other: Origin) -> None:
    back = other.url("redirect", to=origin.url("clip.mp4", v="back")).replace("127.0.0.1", "localhost", 1)
    first = origin.url("redirect", to=back)
    before = len(origin.requests("/clip.mp4"))
    root = parse_url(first)
    known = Known(StreamContext(page_url=first, format_id="1", url=first, cookies=[cookie("127.0.0.1")]), root, 0.0)
    now = time.time()
    answer = await upstream.open(root, known.headers_for(root, now), jar=lambda target: known.cookies_for(target, now))
    answer.release()
    assert origin.requests("/clip.mp4")[before:][-1].headers.get("cookie") == f"at-={VALUE}"
    assert "cookie" not in other.requests("/redirect")[-1].headers


async def test_a_cookie_for_a_path_stays_with_it(upstream: Upstream, origin: Origin, other: Origin) -> None:
    first = other.url("redirect", to="/clip.mp4")
    mine = (cookie("127.0.0.1", "/redirect"), cookie("127.0.0.1", "/clip.mp4"), cookie("127.0.0.1", "/x"))
    assert await sent(upstream, first, other, "/clip.mp4", *mine) == [f"at-clip.mp4={VALUE}", "", ""]


async def test_a_secure_or_expired_cookie_goes_nowhere_without_tls(upstream: Upstream, other: Origin) -> None:
    first = other.url("redirect", to="/clip.mp4")
    mine = (cookie("127.0.0.1", secure=True), cookie("127.0.0.1", "/clip.mp4", expires=1))
    assert await sent(upstream, first, other, "/clip.mp4", *mine) == ["", "", ""]
