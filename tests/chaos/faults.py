"""What goes wrong at a party. Each fault does its harm, lasts a while and may leave the mending to `Stage.heal`."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final

from tests.chaos.stage import Stage
from tests.support.network import Weather

Fault = Callable[[Stage, random.Random], Awaitable[None]]


async def kill_a_replica(stage: Stage, dice: random.Random) -> None:
    """kill -9; it is back after a while."""
    node = dice.choice(stage.nodes)
    await stage.kill(node)
    await asyncio.sleep(dice.uniform(0, 4))
    await stage.start(node)


async def kill_all_replicas(stage: Stage, dice: random.Random) -> None:
    """Every socket is lost at once."""
    await asyncio.gather(*(stage.kill(node) for node in stage.nodes))
    await asyncio.gather(*(stage.start(node) for node in stage.nodes))


async def freeze_a_replica(stage: Stage, dice: random.Random) -> None:
    """SIGSTOP, and SIGCONT some seconds later."""
    node = dice.choice(stage.nodes)
    stage.freeze(node)
    await asyncio.sleep(dice.uniform(1, 9))
    stage.freeze(node, is_frozen=False)


async def drain_a_replica(stage: Stage, dice: random.Random) -> None:
    """SIGTERM, as a deployment does."""
    node = dice.choice(stage.nodes)
    await stage.drain(node)
    await stage.start(node)


async def pause_redis(stage: Stage, dice: random.Random) -> None:
    """Redis hangs for five seconds."""
    stage.redis.pause()
    await asyncio.sleep(5)
    stage.redis.resume()


async def restart_redis(stage: Stage, dice: random.Random) -> None:
    """kill -9 of Redis; it comes back with what it wrote."""
    await asyncio.to_thread(stage.redis.kill)
    await asyncio.sleep(dice.uniform(0, 3))
    await asyncio.to_thread(stage.redis.start)


async def cut_viewers(stage: Stage, dice: random.Random) -> None:
    """Every connection through one network is reset."""
    dice.choice(stage.fronts).cut()
    await asyncio.sleep(1)


async def cut_replica_from_redis(stage: Stage, dice: random.Random) -> None:
    """A replica's connections to Redis are reset, the subscription with them."""
    dice.choice(stage.backs).cut()
    await asyncio.sleep(1)


async def deafen_a_replica(stage: Stage, dice: random.Random) -> None:
    """What Redis says does not reach one replica, and nothing is closed."""
    back = dice.choice(stage.backs)
    back.freeze("down")
    await asyncio.sleep(dice.uniform(1, 6))
    back.thaw()


async def half_open_viewers(stage: Stage, dice: random.Random) -> None:
    """Nothing passes between viewers and one replica, and nothing is closed."""
    front = dice.choice(stage.fronts)
    front.freeze()
    await asyncio.sleep(dice.uniform(2, 9))
    front.thaw()


async def mute_viewers(stage: Stage, dice: random.Random) -> None:
    """Commands reach the replica; what it says reaches nobody."""
    front = dice.choice(stage.fronts)
    front.freeze("down")
    await asyncio.sleep(dice.uniform(1, 4))
    front.cut()
    front.thaw()


async def bad_weather(stage: Stage, dice: random.Random) -> None:
    """Delay, jitter, resets and a narrow line before every replica."""
    for front in stage.fronts:
        front.become(
            Weather(
                delay_s=dice.uniform(0, 0.3),
                jitter_s=dice.uniform(0, 0.2),
                reset_chance=dice.uniform(0, 0.02),
                bytes_per_s=dice.choice([0, 50_000]),
            )
        )
    await asyncio.sleep(dice.uniform(3, 8))


async def slow_redis(stage: Stage, dice: random.Random) -> None:
    """Redis is far away from one replica."""
    dice.choice(stage.backs).become(Weather(delay_s=dice.uniform(0.02, 0.3), jitter_s=0.1))
    await asyncio.sleep(dice.uniform(2, 6))


FAULTS: Final[dict[str, Fault]] = {
    "replica killed": kill_a_replica,
    "all replicas killed": kill_all_replicas,
    "replica frozen": freeze_a_replica,
    "replica drained": drain_a_replica,
    "Redis paused 5 s": pause_redis,
    "Redis killed, restarted": restart_redis,
    "viewers cut": cut_viewers,
    "replica cut from Redis": cut_replica_from_redis,
    "replica deaf to Redis": deafen_a_replica,
    "viewers half open": half_open_viewers,
    "viewers hear nothing": mute_viewers,
    "bad weather": bad_weather,
    "Redis far away": slow_redis,
}
