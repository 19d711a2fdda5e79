"""Redis behind TLS, with certificates on both sides and users of few rights: a server, under Sentinel, a Cluster."""

from __future__ import annotations

import asyncio
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.common.chain import ANONYMOUS
from services.common.jobs import Jobs
from services.common.keys import Keys
from services.common.redis import connect
from tests.support.cluster import Cluster
from tests.support.lock import USER, Lock, make_lock
from tests.support.member import Member
from tests.support.node import Node
from tests.support.redis import RedisServer, binary
from tests.support.replicas import Replicas, store_on, two_replicas
from tests.support.sentinel import SentinelSet, wait_until
from tests.support.watching import LINK, two_watching

pytestmark = pytest.mark.skipif(binary("redis") is None, reason="redis-server is not installed")

PREFIX = "locked"


@pytest.fixture(scope="module")
def lock(tmp_path_factory: pytest.TempPathFactory) -> Lock:
    return make_lock(tmp_path_factory.mktemp("lock"), PREFIX)


@pytest.fixture(scope="module")
def server(lock: Lock) -> Iterator[RedisServer]:
    with RedisServer(flavour="redis", lock=lock) as running:
        yield running


def address(lock: Lock, server: RedisServer) -> str:
    return f"rediss://{lock.credentials}127.0.0.1:{server.port}/0?{lock.query}"


def settings_of(url: str, jobs: str = "") -> dict[str, str]:
    return {
        "WT_REDIS_URL": url,
        "WT_JOBS_REDIS_URL": jobs,
        "WT_KEY_PREFIX": PREFIX,
        "WT_HEARTBEAT_S": "1",
        "WT_DRAIN_S": "0.2",
    }


async def watch_together(replicas: Replicas, url: str, room: str) -> None:
    """Two people on two replicas, who talk, play and see each other's commands."""
    async with aclosing(connect(url)) as client:
        store = await store_on(client, PREFIX)
        async with two_watching(replicas, store, room) as (ana, ben):
            await ana.ask("chat", text="hello")
            await ben.expect("chat")
            answer = await ben.ask("seek", timestamp=100)
            await ana.expect("seek", version=answer["version"])
        assert room in {each.id for each in await store.directory.list_rooms(100)}


def fallbacks(replicas: Replicas) -> float:
    """How many commands of the replicas went by redis-py, because the pipe could not."""
    total = 0.0
    for node in replicas:
        with urllib.request.urlopen(f"{node.admin_url}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        total += sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("wt_redis_pipe_fallbacks"))
    return total


async def test_a_room_lives_in_a_server_that_wants_certificates_and_a_user_of_few_rights(
    lock: Lock, server: RedisServer, room: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    url = address(lock, server)
    with two_replicas(tmp_path_factory.mktemp("server"), settings_of(url)) as replicas:
        await watch_together(replicas, url, room)
        with server.client(decodes=True) as keeper:
            users = {each["user"] for each in keeper.client_list() if each["cmd"] != "client|list"}
        assert users == {USER}
        assert fallbacks(replicas) < 10


@pytest.mark.parametrize("service", ["gateway", "resolver", "proxy"])
def test_every_service_is_content_with_those_rights(
    lock: Lock, server: RedisServer, service: str, tmp_path: Path
) -> None:
    with Node(f"services.{service}", tmp_path / "log", settings=settings_of(address(lock, server))) as node:
        time.sleep(3)
        assert node.is_ready()
        assert "NOPERM" not in node.log.read_text()


async def test_jobs_are_queued_behind_tls_too(lock: Lock, server: RedisServer) -> None:
    async with aclosing(connect(address(lock, server))) as client:
        jobs = Jobs(client, Keys(PREFIX))
        assert await jobs.enqueue("digest", LINK, ANONYMOUS)
        assert not await jobs.enqueue("digest", LINK, ANONYMOUS)
        assert await jobs.depth() == 1


async def refused(client: Redis) -> None:
    with pytest.raises((RedisError, OSError)):
        await client.ping()
    # What failed is closed without waiting, and TLS says goodbye first: some turns of the loop.
    await asyncio.sleep(0.2)


@pytest.mark.parametrize("lacks", ["ssl_ca_certs", "ssl_certfile", "password"])
async def test_who_lacks_one_of_the_keys_stays_outside(lock: Lock, server: RedisServer, lacks: str) -> None:
    files = {name: path for name, path in lock.files.items() if name != lacks}
    if lacks == "ssl_certfile":
        del files["ssl_keyfile"]
    who = lock.credentials.replace("p", "q") if lacks == "password" else lock.credentials
    query = "&".join(f"{name}={path}" for name, path in files.items())
    async with aclosing(connect(f"rediss://{who}127.0.0.1:{server.port}/0?{query}")) as client:
        await refused(client)


async def test_a_certificate_of_another_host_is_refused_unless_the_address_says_not_to_look(
    lock: Lock, server: RedisServer
) -> None:
    url = address(lock, server).replace("127.0.0.1", "localhost")
    async with aclosing(connect(url)) as client:
        await refused(client)
    async with aclosing(connect(f"{url}&ssl_check_hostname=no")) as client:
        assert await client.ping()


@pytest.fixture
def sentinels(lock: Lock) -> Iterator[SentinelSet]:
    with SentinelSet(lock=lock) as running:
        yield running


async def test_under_sentinel_with_tls_a_killed_master_is_replaced_and_nobody_is_left_behind(
    sentinels: SentinelSet, room: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with two_replicas(tmp_path_factory.mktemp("sentinel"), settings_of(sentinels.url)) as replicas:
        await watch_together(replicas, sentinels.url, room)
        async with aclosing(connect(sentinels.url)) as client:
            store = await store_on(client, PREFIX)
            async with two_watching(replicas, store, f"{room}-again") as (ana, ben):
                old = sentinels.master
                old.kill()
                wait_until(lambda: sentinels.master is not old, "new master")
                answer = {"type": "error", "version": 0}
                while answer["type"] != "ack":
                    answer = await ana.ask("set_rate", rate=1.5, timeout_s=20)
                beat = await ben.expect("heartbeat", version=answer["version"], timeout_s=10)
                assert beat["rate"] == 1.5
                # As an event, or in the snapshot by which his replica caught up.
                learned = [message["type"] for message in ben.seen if message.get("version") == answer["version"]]
                assert learned[0] in {"set_rate", "room_state"}
                assert (ana.close_code, ben.close_code) == (None, None)


@pytest.fixture
async def cluster(lock: Lock) -> AsyncIterator[Cluster]:
    with Cluster(lock=lock) as running:
        yield running


async def test_a_cluster_with_tls_holds_rooms_on_every_master(
    lock: Lock, cluster: Cluster, server: RedisServer, room: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = settings_of(cluster.url, address(lock, server))
    with two_replicas(tmp_path_factory.mktemp("cluster"), settings) as replicas:
        holders = set()
        for number in range(12):
            name = f"{room}-{number}"
            holders.add(cluster.holder(Keys(PREFIX).room(name)).port)
            async with Member(replicas[0].url, name, "Ana") as ana, Member(replicas[1].url, name, "Ben") as ben:
                await ben.expect("room_state")
                await ana.ask("chat", text="hello")
                await ben.expect("chat")
        assert len(holders) == 3
        assert fallbacks(replicas) < 40
