"""What goes wrong in a house. Each does its harm, lasts a while and leaves the mending to `House.heal`."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final

from tests.chaos.house import SERVICES, House
from tests.support.network import Weather
from tests.support.node import Node

Calamity = Callable[[House, random.Random], Awaitable[None]]


async def kill_a_replica(house: House, dice: random.Random) -> None:
    """kill -9 of any process; it is back after a while."""
    node = _any(house, dice)
    await house.kill(node)
    await asyncio.sleep(dice.uniform(0, 4))
    await house.start(node)


async def kill_a_service(house: House, dice: random.Random) -> None:
    """Every replica of one service at once."""
    nodes = house.nodes[dice.choice(SERVICES)]
    await asyncio.gather(*(house.kill(node) for node in nodes))
    await asyncio.gather(*(house.start(node) for node in nodes))


async def drain_a_replica(house: House, dice: random.Random) -> None:
    """SIGTERM, as a deployment does."""
    node = _any(house, dice)
    await house.drain(node)
    await house.start(node)


async def freeze_a_replica(house: House, dice: random.Random) -> None:
    """SIGSTOP, and SIGCONT some seconds later."""
    node = _any(house, dice)
    house.freeze(node)
    await asyncio.sleep(dice.uniform(1, 9))
    house.freeze(node, is_frozen=False)


async def kill_the_master(house: House, dice: random.Random) -> None:
    """kill -9 of the Redis that all write to; its replica is promoted."""
    async with house.masters:
        # One failure at a time: with its replica gone too nobody could keep what it alone has.
        await asyncio.to_thread(house.wait_in_step)
        await asyncio.to_thread(lambda: house.take_master().kill())
        await asyncio.sleep(dice.uniform(3, 6))


async def hang_the_master(house: House, dice: random.Random) -> None:
    """It keeps its connections and answers nothing, for so long that it is replaced."""
    async with house.masters:
        # One failure at a time: with its replica gone too nobody could keep what it alone has.
        await asyncio.to_thread(house.wait_in_step)
        await asyncio.to_thread(lambda: house.take_master().pause())
        await asyncio.sleep(dice.uniform(3, 8))


async def pause_the_master(house: House, dice: random.Random) -> None:
    """A hiccup that nobody is replaced for."""
    async with house.masters:
        master = await asyncio.to_thread(lambda: house.redis.master)
        master.pause()
        await asyncio.sleep(dice.uniform(0.2, 0.6))
        master.resume()


async def fail_over(house: House, dice: random.Random) -> None:
    """A planned fail-over, as docs/redis.md says: first see that the replica is in step."""
    async with house.masters:
        await asyncio.to_thread(house.wait_in_step)
        await asyncio.to_thread(house.redis.fail_over)
        await asyncio.sleep(dice.uniform(2, 4))


async def kill_a_sentinel(house: House, dice: random.Random) -> None:
    """One of three."""
    async with house.masters:
        await asyncio.to_thread(dice.choice(house.redis.sentinels).kill)
        await asyncio.sleep(dice.uniform(1, 4))


async def cut_from_redis(house: House, dice: random.Random) -> None:
    """Connections to the master are reset: those that listen, which lose what is published meanwhile, or all."""
    kinds = dice.choice([["pubsub"], ["normal"], ["pubsub", "normal"]])
    async with house.masters:
        await asyncio.to_thread(house.cut_redis, kinds)
    await asyncio.sleep(1)


async def cut_everybody(house: House, dice: random.Random) -> None:
    """Every connection of every page and player is reset."""
    house.front.cut()
    await asyncio.sleep(1)


async def cut_behind_the_edge(house: House, dice: random.Random) -> None:
    """Every connection between nginx and one sync replica is reset."""
    dice.choice(house.hops).cut()
    await asyncio.sleep(1)


async def half_open_behind_the_edge(house: House, dice: random.Random) -> None:
    """Nothing passes between nginx and one sync replica, and nothing is closed."""
    hop = dice.choice(house.hops)
    hop.freeze()
    await asyncio.sleep(dice.uniform(2, 9))
    hop.thaw()


async def bad_weather(house: House, dice: random.Random) -> None:
    """Delay, jitter, resets and narrow lines before the house."""
    house.front.become(
        Weather(
            delay_s=dice.uniform(0, 0.3),
            jitter_s=dice.uniform(0, 0.2),
            reset_chance=dice.uniform(0, 0.01),
            bytes_per_s=dice.choice([0, 200_000]),
        )
    )
    await asyncio.sleep(dice.uniform(3, 8))


async def slow_behind_the_edge(house: House, dice: random.Random) -> None:
    """One sync replica is far from nginx, and not always equally far."""
    dice.choice(house.hops).become(Weather(delay_s=dice.uniform(0.05, 0.4), jitter_s=dice.uniform(0, 0.3)))
    await asyncio.sleep(dice.uniform(3, 8))


async def fill_a_disk(house: House, dice: random.Random) -> None:
    """A proxy can write nothing any more."""
    node = dice.choice(house.nodes["proxy"])
    house.fill_disk(node)
    await asyncio.sleep(dice.uniform(3, 8))
    house.fill_disk(node, is_full=False)


async def jump_a_clock(house: House, dice: random.Random) -> None:
    """The wall clock of one replica of each service is hours wrong, and right again."""
    house.clock.set(dice.choice([-1, 1]) * dice.uniform(30, 10_000))
    await asyncio.sleep(dice.uniform(3, 8))
    house.clock.set(0.0)


def _any(house: House, dice: random.Random) -> Node:
    return dice.choice(house.nodes[dice.choice(SERVICES)])


CALAMITIES: Final[dict[str, Calamity]] = {
    "replica killed": kill_a_replica,
    "service killed": kill_a_service,
    "replica drained": drain_a_replica,
    "replica frozen": freeze_a_replica,
    "master killed": kill_the_master,
    "master hung": hang_the_master,
    "master paused": pause_the_master,
    "planned fail-over": fail_over,
    "sentinel killed": kill_a_sentinel,
    "cut from Redis": cut_from_redis,
    "everybody cut": cut_everybody,
    "cut behind the edge": cut_behind_the_edge,
    "half open behind the edge": half_open_behind_the_edge,
    "bad weather": bad_weather,
    "slow behind the edge": slow_behind_the_edge,
    "disk full": fill_a_disk,
    "clock jumps": jump_a_clock,
}
