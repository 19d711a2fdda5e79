"""A proxy that leaves by another one: everything goes that way, and the guard still decides where to."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from services.common.errors import Refused, Unavailable
from services.common.guard import Guard, parse_url
from services.common.tunnel import EgressProxy
from services.proxy.upstream import Timeouts, Upstream
from tests.support.asking import code_of, fetched, signed, unique
from tests.support.egress import Way
from tests.support.node import Node
from tests.support.origin import Origin
from tests.support.redis import RedisServer
from tests.support.shelf import blob


@pytest.fixture
async def way() -> AsyncIterator[Way]:
    async with Way().open() as way:
        yield way


async def test_every_byte_comes_by_the_way_out_that_was_set(
    way: Way, origin: Origin, redis_server: RedisServer, tmp_path: Path
) -> None:
    settings = {
        "WT_REDIS_URL": redis_server.url,
        "WT_KEY_PREFIX": unique(),
        "WT_ALLOWED_PRIVATE_HOSTS": origin.address,
        "WT_EGRESS_PROXY": f"http://ana:se%40cret@{way.address}",
    }
    node = Node("services.proxy", tmp_path / "log", settings=settings)
    await asyncio.to_thread(node.start)
    try:
        async with aiohttp.ClientSession(auto_decompress=False) as http:
            path = signed(origin.url("blob/700000.mp4", v=unique()))
            answer, body = await fetched(http, node, path)
            assert (answer.status, body) == (200, blob(0, 700_000))
            assert way.asked == [f"CONNECT {origin.address} HTTP/1.1"]
            assert way.logins == [f"Basic {base64.b64encode(b'ana:se@cret').decode()}"]
            # What the guard refuses is not asked of the other proxy.
            assert await code_of(http, node, signed("http://127.0.0.1:8099/x.mp4")) == (403, "private_address")
            leading_in = origin.url("redirect", to="http://10.0.0.1/x.mp4", v=unique())
            assert await code_of(http, node, signed(leading_in)) == (403, "private_address")
            assert len(way.asked) <= 2
    finally:
        await asyncio.to_thread(node.stop)
    assert "se@cret" not in (tmp_path / "log").read_text()
    assert "se%40cret" not in (tmp_path / "log").read_text()


async def test_a_name_that_leads_inside_is_refused_before_the_way_out_hears_of_it(way: Way) -> None:
    guard = Guard()
    upstream = Upstream(guard, Timeouts(2, 2, 2), egress=EgressProxy.of(f"http://{way.address}"))
    await upstream.start()
    try:
        with pytest.raises(Refused) as refused:
            await upstream.open(parse_url("http://localhost/x"), {})
        assert refused.value.code == "private_address"
    finally:
        await upstream.close()
        guard.close()
    assert way.asked == []


@pytest.mark.parametrize("is_there", [False, True])
async def test_a_way_out_that_is_not_there_or_refuses_is_a_failure_of_the_source(
    is_there: bool, way: Way, origin: Origin
) -> None:
    way.refuses = True
    guard = Guard((origin.address,))
    address = way.address if is_there else "127.0.0.1:1"
    upstream = Upstream(guard, Timeouts(2, 2, 2), egress=EgressProxy.of(f"http://{address}"))
    await upstream.start()
    try:
        with pytest.raises(Unavailable) as failed:
            await upstream.open(parse_url(origin.url("clip.mp4")), {})
        assert failed.value.code == "upstream_failed"
    finally:
        await upstream.close()
        guard.close()


@pytest.mark.parametrize("raw", ["https://a:1", "socks5://a:1", "a:1", "http://", "http://a:99999"])
def test_an_address_that_is_no_http_proxy_is_refused(raw: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        EgressProxy.of(raw)
