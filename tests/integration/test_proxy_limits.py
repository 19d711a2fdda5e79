"""What one caller, and all of them together, may ask of a proxy."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import aiohttp
import pytest

from services.common.identity import Identity, Sessions
from services.common.keys import MemberId
from tests.support.asking import PREFIX, RING, asked, code_of, fetched, signed, unique
from tests.support.node import Node
from tests.support.origin import Origin
from tests.support.redis import RedisServer
from tests.support.shelf import blob


@pytest.fixture(scope="module")
def proxy(origin: Origin, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    settings = {
        "WT_REDIS_URL": redis_server.url,
        "WT_KEY_PREFIX": PREFIX,
        "WT_ALLOWED_PRIVATE_HOSTS": origin.address,
        "WT_TRUSTED_PROXIES": "127.0.0.1",
        "WT_PROXY_ADDRESS_REQUESTS_PER_S": "5",
        "WT_PROXY_ADDRESS_STREAMS": "4",
        "WT_PROXY_PERSON_REQUESTS_PER_S": "0",
        "WT_PROXY_PERSON_STREAMS": "2",
        "WT_PROXY_STREAMS": "10",
        "WT_PROXY_CONNECTIONS_PER_HOST": "3",
        "WT_PROXY_CONNECT_TIMEOUT_S": "2",
    }
    with Node("services.proxy", tmp_path_factory.mktemp("proxy") / "log", settings=settings) as node:
        yield node


def session_of(name: str) -> str:
    """The cookie of a guest."""
    return Sessions(RING).cookie(Identity(MemberId(f"guest-{name}"), name, is_guest=True), secure=False).split(";")[0]


async def test_an_address_that_asks_too_often_is_told_when_to_come_back_and_others_go_on(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    path = signed(origin.url("blob/2000.mp4", v=unique()))
    answers = [await fetched(http, proxy, path, X_Forwarded_For="203.0.113.1") for _ in range(40)]
    assert {answer.status for answer, _ in answers} == {200, 429}
    refused = next(answer for answer, _ in answers if answer.status == 429)
    assert refused.headers["Retry-After"] == "1"
    assert refused.headers["X-Watch-Together-Code"] == "too_many_requests"
    assert (await fetched(http, proxy, path, X_Forwarded_For="203.0.113.2"))[0].status == 200
    # Nor can anyone free themselves by writing a hop of their own in front.
    spoofed = await code_of(http, proxy, path, X_Forwarded_For="198.51.100.7, 203.0.113.1")
    assert spoofed == (429, "too_many_requests")


async def test_a_person_has_so_many_answers_at_a_time_at_any_address(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    url = origin.url("blob/30000000.mp4", v=unique(), rate=100_000)
    cookie = session_of("ana")
    async with (
        asked(http, proxy, signed(url), Cookie=cookie, X_Forwarded_For="203.0.113.11"),
        asked(http, proxy, signed(url), Cookie=cookie, X_Forwarded_For="203.0.113.12"),
    ):
        path = signed(url)
        assert await code_of(http, proxy, path, Cookie=cookie, X_Forwarded_For="203.0.113.13") == (
            429,
            "too_many_requests",
        )
        async with asked(http, proxy, path, Cookie=session_of("ben"), X_Forwarded_For="203.0.113.13") as other:
            assert other.status == 200
    for _ in range(100):
        async with asked(http, proxy, path, Cookie=cookie, Range="bytes=0-9", X_Forwarded_For="203.0.113.14") as again:
            if again.status == 206:
                return
        await asyncio.sleep(0.3)
    raise AssertionError("the answers are over and still count")


async def test_readers_of_what_is_here_come_before_those_for_whom_it_must_be_fetched(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    here = signed(origin.url("blob/600000.mp4", v=unique()))
    await fetched(http, proxy, here)
    slow = signed(origin.url("blob/30000000.mp4", v=unique(), rate=100_000))
    readers = [asked(http, proxy, slow, X_Forwarded_For=f"203.0.113.{20 + n}") for n in range(8)]
    for reader in readers:
        await reader.__aenter__()
    try:
        async with asked(http, proxy, slow, X_Forwarded_For="203.0.113.30") as turned_away:
            assert turned_away.status == 503
            assert int(turned_away.headers["Retry-After"]) >= 1
        answer, body = await fetched(http, proxy, here, X_Forwarded_For="203.0.113.31")
        assert (answer.status, answer.headers["X-Cache"], body) == (200, "L1", blob(0, 600_000))
    finally:
        for reader in readers:
            await reader.__aexit__(None, None, None)


async def test_a_stream_gets_its_turn_at_an_origin_that_another_one_keeps_busy(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    def slow() -> str:
        return signed(origin.url("blob/300000.mp4", v=unique(), rate=300_000))

    begun = [asyncio.create_task(fetched(http, proxy, slow(), X_Forwarded_For=f"203.0.113.{40 + n}")) for n in range(6)]
    answers = await asyncio.gather(*begun)
    assert {(answer.status, body) for answer, body in answers} == {(200, blob(0, 300_000))}
