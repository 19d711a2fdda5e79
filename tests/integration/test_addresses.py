"""What is decided by the address that a socket comes from: bans that outlive rotations."""

from __future__ import annotations

import asyncio
import secrets
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
