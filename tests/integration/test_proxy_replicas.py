"""Three proxies before one origin: who fetches what, and what happens when one of them, or Redis, dies."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import aiohttp
import pytest
from yarl import URL

from services.common.keyring import KeyRing
from services.common.stream import Kind, StreamRef, StreamSigner, expiry, object_id
from tests.support.node import SECRET, Node
from tests.support.origin import Origin
from tests.support.redis import RedisServer
from tests.support.shelf import blob
from tests.support.waiting import until

SIGNER = StreamSigner(KeyRing((SECRET,)))


@dataclass(frozen=True, slots=True)
class Trio:
    nodes: tuple[Node, ...]
    redis: RedisServer


def three(running: ExitStack, settings: dict[str, str], folders: pytest.TempPathFactory) -> tuple[Node, ...]:
    """Three proxies, started at the same time."""
    names = ("one", "two", "three")
    nodes = [
        Node("services.proxy", folders.mktemp(name) / "log", settings={**settings, "WT_NODE": name}) for name in names
    ]
    with ThreadPoolExecutor(3) as threads:
        return tuple(threads.map(running.enter_context, nodes))


@pytest.fixture(scope="module")
def trio(origin: Origin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trio]:
    with RedisServer() as redis, ExitStack() as running:
        settings = {
            "WT_REDIS_URL": redis.url,
            "WT_ALLOWED_PRIVATE_HOSTS": origin.address,
            "WT_PROXY_FIRST_BYTE_TIMEOUT_S": "5",
        }
        nodes = three(running, settings, tmp_path_factory)
        yield Trio(nodes, redis)


async def know_each_other(http: aiohttp.ClientSession, nodes: tuple[Node, ...]) -> None:
    async def peers(node: Node) -> int:
        async with http.get(f"{node.admin_url}/metrics") as response:
            lines = (await response.text()).splitlines()
        return int(float(next(line for line in lines if line.startswith("wt_proxy_peers ")).split()[1]))

    for _ in range(200):
        if all([await peers(node) == len(nodes) - 1 for node in nodes]):
            return
        await asyncio.sleep(0.05)
    raise TimeoutError("they never met")


def signed(url: str) -> str:
    return SIGNER.path(StreamRef(url, Kind.SEGMENT, object_id(url), "", expiry(time.time())))


@dataclass(frozen=True, slots=True)
class Got:
    status: int
    digest: bytes
    first_s: float


async def get(http: aiohttp.ClientSession, node: Node, path: str, span: str = "") -> Got:
    began, first, digest = time.monotonic(), 0.0, hashlib.sha256()
    headers = {"Range": f"bytes={span}"} if span else {}
    async with http.get(URL(node.url + path, encoded=True), headers=headers) as response:
        async for chunk in response.content.iter_any():
            first = first or time.monotonic() - began
            digest.update(chunk)
        return Got(response.status, digest.digest(), first)


def sha(start: int, stop: int) -> bytes:
    return hashlib.sha256(blob(start, stop)).digest()


def session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), auto_decompress=False)


async def test_a_crowd_on_three_replicas_costs_one_fetch_of_each_block(trio: Trio, origin: Origin) -> None:
    async with session() as http:
        await know_each_other(http, trio.nodes)
        mark = secrets.token_hex(4)
        path = signed(origin.url("blob/4000000.mp4", v=mark, rate=800_000))
        answers = await asyncio.gather(*(get(http, trio.nodes[n % 3], path) for n in range(20)))
        assert {(got.status, got.digest) for got in answers} == {(200, sha(0, 4_000_000))}
        assert len([seen for seen in origin.requests("/blob/") if seen.query.get("v") == mark]) == 1
        # They read while it arrives, which takes five seconds.
        assert sorted(got.first_s for got in answers)[18] < 4

        path = signed(origin.url("blob/100000000.mp4", v=mark, rate=2_000_000))
        answers = await asyncio.gather(*(get(http, trio.nodes[n % 3], path, "50000000-50999999") for n in range(20)))
        assert {(got.status, got.digest) for got in answers} == {(206, sha(50_000_000, 51_000_000))}
        asked = [seen.range for seen in origin.requests("/blob/1000") if seen.query.get("v") == mark]
        assert asked == ["bytes=49807360-52428799"]


async def test_two_hundred_amid_a_cold_file_on_three_replicas_cost_one_fetch(trio: Trio, origin: Origin) -> None:
    async with session() as http:
        await know_each_other(http, trio.nodes)
        mark = secrets.token_hex(4)
        path = signed(origin.url("blob/100000000.mp4", v=mark, rate=2_000_000))
        answers = await asyncio.gather(*(get(http, trio.nodes[n % 3], path, "50000000-50999999") for n in range(200)))
        assert {(got.status, got.digest) for got in answers} == {(206, sha(50_000_000, 51_000_000))}
        asked = [seen.range for seen in origin.requests("/blob/1000") if seen.query.get("v") == mark]
        assert asked == ["bytes=49807360-52428799"]


async def test_a_node_that_is_killed_in_the_middle_costs_no_wrong_byte(
    origin: Origin, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = {
        "WT_REDIS_URL": redis_server.url,
        "WT_KEY_PREFIX": f"killed{secrets.token_hex(3)}",
        "WT_ALLOWED_PRIVATE_HOSTS": origin.address,
    }
    with ExitStack() as running:
        nodes = three(running, settings, tmp_path_factory)
        async with session() as http:
            await know_each_other(http, nodes)
            mark, size = secrets.token_hex(4), 40_000_000
            path = signed(origin.url(f"blob/{size}.mp4", v=mark, rate=8_000_000))
            reading = [asyncio.create_task(get(http, node, path, "0-")) for node in nodes[:2]]

            def fetched() -> int:
                return sum(seen.sent for seen in origin.requests("/blob/") if seen.query.get("v") == mark)

            await until(lambda: fetched() > 6_000_000, 40)
            nodes[2].kill()
            assert {(got.status, got.digest) for got in await asyncio.gather(*reading)} == {(206, sha(0, size))}
            assert fetched() < 2 * size


async def test_without_redis_a_crowd_costs_few_fetches_and_no_wrong_byte(trio: Trio, origin: Origin) -> None:
    async with session() as http:
        await know_each_other(http, trio.nodes)
        mark = secrets.token_hex(4)
        path = signed(origin.url("blob/4000000.mp4", v=mark, rate=2_000_000))
        reading = [asyncio.create_task(get(http, trio.nodes[n % 3], path)) for n in range(20)]
        await until(lambda: [seen for seen in origin.requests("/blob/") if seen.query.get("v") == mark], 40)
        trio.redis.kill()
        try:
            again = signed(origin.url("blob/100000000.mp4", v=mark, rate=2_000_000))
            more = [asyncio.create_task(get(http, trio.nodes[n % 3], again, "70000000-70999999")) for n in range(20)]
            assert {got.digest for got in await asyncio.gather(*reading)} == {sha(0, 4_000_000)}
            assert {got.digest for got in await asyncio.gather(*more)} == {sha(70_000_000, 71_000_000)}
            assert len([seen for seen in origin.requests("/blob/4000000") if seen.query.get("v") == mark]) <= 3
            assert len([seen for seen in origin.requests("/blob/1000") if seen.query.get("v") == mark]) <= 3
        finally:
            trio.redis.start()


async def test_the_door_between_proxies_is_shut_for_everyone_else(trio: Trio, origin: Origin) -> None:
    path = signed(origin.url("blob/1000.mp4", v=secrets.token_hex(4))).replace("/api/proxy", "/internal/proxy")
    async with session() as http:
        for seal in ("", "1.00", f"{int(time.time())}.{'0' * 32}"):
            async with http.get(
                URL(trio.nodes[0].url + path, encoded=True), headers={"x-watch-together-peer": seal}
            ) as response:
                assert response.status == 403
                assert (await response.json())["error"]["code"] == "bad_signature"


async def test_while_secrets_are_being_changed_everybody_gets_their_bytes(
    origin: Origin, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = {
        "WT_REDIS_URL": redis_server.url,
        "WT_KEY_PREFIX": f"changing{secrets.token_hex(3)}",
        "WT_ALLOWED_PRIVATE_HOSTS": origin.address,
    }
    with ExitStack() as running:
        nodes = tuple(
            running.enter_context(
                Node(
                    "services.proxy",
                    tmp_path_factory.mktemp(name) / "log",
                    settings={**settings, "WT_NODE": name, "WT_SECRET": secret},
                )
            )
            for name, secret in (("before", SECRET), ("after", f"{secrets.token_hex(32)},{SECRET}"))
        )
        async with session() as http:
            await know_each_other(http, nodes)
            # So many that each of them is home to some.
            for _ in range(8):
                path = signed(origin.url("blob/400000.mp4", v=secrets.token_hex(4)))
                answers = [await get(http, node, path) for node in nodes]
                assert {(got.status, got.digest) for got in answers} == {(200, sha(0, 400_000))}
