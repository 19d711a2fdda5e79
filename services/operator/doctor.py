"""`doctor`: whether Redis, the resolver, the disk and the settings are as they should be."""

from __future__ import annotations

import asyncio
import shutil
import statistics
import time
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.common.config import CommonSettings, SettingsError
from services.common.errors import Unavailable
from services.common.redis import masters
from services.common.vitals import VitalsStore
from services.operator import checks
from services.operator.answer import Answer
from services.operator.checks import Check
from services.operator.place import keyring
from services.operator.stores import REACH_S, Stores

_TRIES: Final = 5


async def examine(stores: Stores) -> Answer:
    """Look at everything. What does not answer is a line of the report, too."""
    found = [*_settings(stores.settings), _disk(stores.settings)]
    servers = [("rooms' Redis" if not stores.is_one else "Redis", stores.rooms_redis, True)]
    if not stores.is_one:
        servers.append(("jobs' Redis", stores.jobs_redis, False))
    for what, redis, keeps_rooms in servers:
        found += await _server(what, redis, keeps_rooms=keeps_rooms)
    return checks.answer([*found, *await _resolver(stores)])


def misconfigured(error: SettingsError) -> Answer:
    """The report where settings don't parse: nothing else can be looked at."""
    return checks.answer(Check("fail", "settings", problem) for problem in error.problems)


def _settings(settings: CommonSettings) -> list[Check]:
    try:
        keyring(settings)
    except SettingsError as error:
        return [Check("fail", "settings", problem) for problem in error.problems]
    return [Check("ok", "settings", "what all services share can be read, and there is a secret")]


def _disk(settings: CommonSettings) -> Check:
    folder = settings.data_dir.resolve()
    try:
        usage = shutil.disk_usage(folder)
    except OSError as error:
        return Check("warn", "disk", f"WT_DATA_DIR={folder}: {error.strerror}")
    return checks.disk(str(folder), usage.free, usage.total)


async def _server(what: str, redis: Redis, *, keeps_rooms: bool) -> list[Check]:
    try:
        async with asyncio.timeout(REACH_S):
            nodes = await masters(redis)
            found = []
            for name, node in nodes.items():
                called = f"{what} {name}".rstrip()
                found += await _node(called, node, keeps_rooms=keeps_rooms)
            return found
    except TimeoutError:
        return [Check("fail", what, f"does not answer within {REACH_S:.0f} s")]
    except (RedisError, OSError) as error:
        return [Check("fail", what, f"can't be asked: {type(error).__name__}")]


async def _node(what: str, redis: Redis, *, keeps_rooms: bool) -> list[Check]:
    delays, offsets = [], []
    for _ in range(_TRIES):
        began = time.perf_counter()
        whole, micros = await redis.time()
        delays.append(time.perf_counter() - began)
        offsets.append(float(whole) + float(micros) / 1e6 - (time.time() - delays[-1] / 2))
    info = await redis.info()
    return [
        *checks.reach(what, statistics.median(delays), offsets[delays.index(min(delays))]),
        *checks.server(what, info, await _appendfsync(redis), keeps_rooms=keeps_rooms),
    ]


async def _appendfsync(redis: Redis) -> str:
    """Its policy; '' where this user may not ask, as with managed services."""
    try:
        told = await redis.config_get("appendfsync")
    except RedisError:
        return ""
    return str(next(iter(told.values()), ""))


async def _resolver(stores: Stores) -> list[Check]:
    try:
        async with asyncio.timeout(REACH_S):
            health = await VitalsStore(stores.jobs_redis, stores.keys).read()
    except (Unavailable, TimeoutError):
        return [Check("fail", "resolver", "nothing is known of it: the Redis of jobs does not answer")]
    return checks.resolver(health, checks.today(time.time()))
