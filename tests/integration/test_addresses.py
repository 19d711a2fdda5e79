"""What is decided by the address that a socket comes from: bans that outlive rotations, and how many there may be."""

from __future__ import annotations

import asyncio
import secrets
import urllib.request
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from redis.asyncio import Redis

from services.common.keyring import KeyRing
from services.common.keys import Keys
from services.sync.addresses import Addresses
from tests.support.member import Member
from tests.support.node import Node
from tests.support.redis import RedisServer

OLD, NEW, THIRD = ("the first secret of this installation", "the second secret of this one", "the third one of it all")
HERE, THERE = "203.0.113.9", "198.51.100.7"
MOST = 3


def coming_from(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address}


def sync(server: RedisServer, folder: Path, prefix: str, **settings: str) -> Node:
    common = {"WT_REDIS_URL": server.url, "WT_KEY_PREFIX": prefix, "WT_DRAIN_S": "0", "WT_TRUSTED_PROXIES": "127.0.0.1"}
    return Node("services.sync", folder / "sync.log", settings={**common, **settings})


async def entering(node: Node, room: str, address: str) -> str:
    """What a new guest from an address hears first: `room_state`, or the code of a refusal."""
    async with Member(node.url, room, headers=coming_from(address)) as guest:
        async with asyncio.timeout(10):
            while True:
                if guest.seen:
                    return str(guest.seen[0].get("code", guest.seen[0]["type"]))
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("somebody_comes", [True, False], ids=["they try at each step", "nobody comes meanwhile"])
async def test_a_ban_by_address_outlives_a_rotation_of_the_secret(
    redis_server: RedisServer, tmp_path: Path, room: str, somebody_comes: bool
) -> None:
    prefix = f"addr{secrets.token_hex(3)}"
    with sync(redis_server, tmp_path, prefix, WT_SECRET=OLD) as node:
        async with AsyncExitStack() as stack:
            ana = await stack.enter_async_context(Member(node.url, room, "Ana", headers=coming_from(THERE)))
            await ana.expect("room_state")
            ben = await stack.enter_async_context(Member(node.url, room, "Ben", headers=coming_from(HERE)))
            ben_id = (await ben.expect("room_state"))["you"]["id"]
            assert (await ana.ask("ban", member=ben_id, address=True))["type"] == "ack"
            assert await ben.closed() == 4502
    for step in (f"{OLD},{NEW}", f"{NEW},{OLD}", NEW):
        with sync(redis_server, tmp_path, prefix, WT_SECRET=step) as node:
            if somebody_comes or step == NEW:
                assert await entering(node, room, HERE) == "banned"
                assert await entering(node, room, THERE) == "room_state"


async def test_an_address_has_one_hash_through_two_rotations_and_on_replicas_a_step_apart(
    redis: Redis, keys: Keys
) -> None:
    rings = [(OLD,), (OLD, NEW), (NEW, OLD), (OLD, NEW), (NEW, OLD), (NEW,), (NEW, THIRD), (THIRD, NEW), (THIRD,)]
    hashes = {await Addresses(redis, keys, KeyRing(ring)).digest(HERE) for ring in rings}
    assert len(hashes) == 1
    assert await Addresses(redis, keys, KeyRing((THIRD,))).digest(THERE) not in hashes


async def test_with_all_secrets_lost_addresses_have_other_hashes_that_outlive_the_next_rotation(
    redis: Redis, keys: Keys
) -> None:
    before = await Addresses(redis, keys, KeyRing((OLD,))).digest(HERE)
    after = [await Addresses(redis, keys, KeyRing(ring)).digest(HERE) for ring in ((NEW,), (THIRD, NEW), (THIRD,))]
    assert len(set(after)) == 1
    assert before not in after


async def test_replicas_that_start_at_once_agree(redis: Redis, keys: Keys) -> None:
    starting = [Addresses(redis, keys, KeyRing(ring)) for ring in [(OLD, NEW), (NEW, OLD)] * 5]
    assert len(set(await asyncio.gather(*(each.digest(HERE) for each in starting)))) == 1


async def test_the_addresses_of_one_network_are_one(redis: Redis, keys: Keys) -> None:
    addresses = Addresses(redis, keys, KeyRing((OLD,)))
    assert await addresses.digest("2001:db8:1:2::3") == await addresses.digest("2001:db8:1:2:4:5:6:7")
    assert await addresses.digest("2001:db8:1:2::3") != await addresses.digest("2001:db8:1:3::3")


@pytest.fixture(scope="module")
def narrow(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A replica that takes few sockets of an address."""
    folder, prefix = tmp_path_factory.mktemp("narrow"), f"narrow{secrets.token_hex(3)}"
    with sync(redis_server, folder, prefix, WT_ADDRESS_SOCKETS_MAX=str(MOST)) as node:
        yield node


async def enter(stack: AsyncExitStack, node: Node, room: str, *addresses: str) -> list[Member]:
    members = [Member(node.url, room, headers=coming_from(address)) for address in addresses]
    for member in members:
        await stack.enter_async_context(member)
        await member.expect("room_state")
    return members


async def test_an_address_that_has_many_sockets_gets_no_more_until_one_is_closed(narrow: Node, room: str) -> None:
    async with AsyncExitStack() as stack:
        first, *_ = await enter(stack, narrow, room, *[HERE] * MOST)
        async with Member(narrow.url, f"{room}-other", headers=coming_from(HERE)) as late:
            assert (await late.expect("error"))["code"] == "too_many_from_address"
            assert await late.closed() == 4505
        await enter(stack, narrow, room, THERE)
        await first.socket.close()
        async with asyncio.timeout(5):
            while True:
                if await entering(narrow, room, HERE) == "room_state":
                    break
                await asyncio.sleep(0.05)

    def told() -> str:
        with urllib.request.urlopen(f"{narrow.admin_url}/metrics", timeout=5) as answer:
            return str(answer.read().decode())

    assert 'wt_sync_limited_total{what="address"}' in await asyncio.to_thread(told)


async def test_sockets_that_are_refused_for_something_else_do_not_count_for_long(narrow: Node, room: str) -> None:
    for _ in range(2 * MOST):
        async with Member(narrow.url, "no%20room", headers=coming_from(HERE)) as lost:
            assert (await lost.expect("error"))["code"] == "bad_room_id"
            await lost.closed()
    assert await entering(narrow, room, HERE) == "room_state"


async def test_an_ipv6_network_is_one_address(narrow: Node, room: str) -> None:
    async with AsyncExitStack() as stack:
        await enter(stack, narrow, room, *(f"2001:db8:7:1::{host}" for host in range(MOST)))
        assert await entering(narrow, room, "2001:db8:7:1:9::9") == "too_many_from_address"
        assert await entering(narrow, room, "2001:db8:7:2::1") == "room_state"


async def test_this_machine_itself_has_no_limit(narrow: Node, room: str) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(2 * MOST):
            await (await stack.enter_async_context(Member(narrow.url, room))).expect("room_state")
