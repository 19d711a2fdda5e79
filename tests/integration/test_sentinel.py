"""Two replicas on a master, its replica and three sentinels: masters die, hang and are changed in order."""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from typing import Any

import pytest

from services.common.chain import ANONYMOUS
from services.common.jobs import Jobs
from services.common.keys import Keys
from services.common.redis import connect
from services.common.room.store import RoomStore
from tests.support.member import Member
from tests.support.replicas import Replicas, store_on, two_replicas
from tests.support.sentinel import SentinelSet, wait_until
from tests.support.watching import LINK, two_watching

PREFIX = "fail"


@pytest.fixture(scope="module")
def servers() -> Iterator[SentinelSet]:
    with SentinelSet() as running:
        yield running


@pytest.fixture(scope="module")
def replicas(servers: SentinelSet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicas]:
    logs = tmp_path_factory.mktemp("sentinel")
    settings = {
        "WT_REDIS_URL": servers.url,
        "WT_KEY_PREFIX": PREFIX,
        "WT_HEARTBEAT_S": "1",
        "WT_DRAIN_S": "0.2",
    }
    with two_replicas(logs, settings) as running:
        yield running


@pytest.fixture
def whole(servers: SentinelSet) -> None:
    """A fail-over begins with a master and a replica in step; sentinels take ten seconds to bring an old one back."""
    wait_until(servers.is_complete, "complete set", timeout_s=30)


@pytest.fixture
async def store(servers: SentinelSet) -> AsyncIterator[RoomStore]:
    client = connect(servers.url)
    yield await store_on(client, PREFIX)
    await client.aclose()


class Load:
    """A member who changes the rate from when this is entered until it is left, and knows what was acknowledged.

    `gap_s` is the longest time between two acknowledgements.
    """

    def __init__(self, member: Member) -> None:
        self._member = member
        self._task: asyncio.Task[None] | None = None
        self.acknowledged: list[int] = []
        self.gap_s = 0.0

    async def __aenter__(self) -> Load:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        last = time.monotonic()
        n = 0
        while True:
            n += 1
            answer = await self._member.ask("set_rate", rate=1 + n % 2 / 2, timeout_s=20)
            if answer["type"] == "ack":
                now = time.monotonic()
                self.gap_s, last = max(self.gap_s, now - last), now
                self.acknowledged.append(answer["version"])
            await asyncio.sleep(0.1)


async def state_of(member: Member) -> dict[str, Any]:
    """The room as a member's replica has it now."""
    member.skip()
    await member.send("resync")
    state = await member.expect("room_state")
    # The one is a moment; the other is told by snapshots alone.
    state["room"]["timestamp"] = state["room"]["last_active"] = 0
    return {name: state[name] for name in ("room", "version", "run")}


async def survive(
    servers: SentinelSet, replicas: Replicas, store: RoomStore, strike: Callable[[], None]
) -> tuple[Load, set[int], list[str]]:
    """Strike in mid-load. Answers the load, the versions in the room's log, and the runs that a member saw.

    Afterwards both members' rooms are the same, and equal to Redis'.
    """
    room = f"room-{secrets.token_hex(4)}"
    async with two_watching(replicas, store, room) as (ana, ben):
        async with Load(ana) as load:
            await asyncio.sleep(1)
            await asyncio.to_thread(strike)
            await asyncio.sleep(5)
        answer = await ben.ask("set_rate", rate=2)
        await ana.expect("set_rate", version=answer["version"])
        assert await state_of(ana) == await state_of(ben)
        await store.masters.refresh()
        record = await store.snapshot(room)
        assert record is not None
        assert (await state_of(ana))["version"] == record.version
        assert len(record.members) == 2
        async with aclosing(connect(servers.url)) as client:
            logged = await client.xrange(Keys(PREFIX).log(room))
        runs = [message["run"] for message in ben.seen if message["type"] == "heartbeat"]
        assert (ana.close_code, ben.close_code) == (None, None)
    return load, {int(entry.split(b"-")[0]) for entry, _ in logged}, runs


async def test_jobs_are_queued_under_sentinel_too(servers: SentinelSet) -> None:
    async with aclosing(connect(servers.url)) as client:
        jobs = Jobs(client, Keys("jobs"))
        assert await jobs.enqueue("digest", LINK, ANONYMOUS)
        assert not await jobs.enqueue("digest", LINK, ANONYMOUS)
        assert await jobs.depth() == 1


async def test_a_hung_sentinel_delays_nobody(servers: SentinelSet) -> None:
    servers.sentinels[0].pause()
    try:
        async with aclosing(connect(servers.url)) as client:
            begun = time.monotonic()
            await client.ping()
            took = time.monotonic() - begun
    finally:
        servers.sentinels[0].resume()
    assert took < 0.4


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize("how", ["killed", "hung"])
async def test_a_master_that_is_gone_is_replaced_within_4_s_and_no_client_is_left_behind(
    servers: SentinelSet, replicas: Replicas, store: RoomStore, how: str
) -> None:
    old = servers.master
    load, kept, runs = await survive(servers, replicas, store, old.kill if how == "killed" else old.pause)
    lost = [version for version in load.acknowledged if version not in kept]
    sys.stdout.write(
        f"{how}: healed in {load.gap_s:.2f} s; lost {len(lost)} of {len(load.acknowledged)} acknowledged\n"
    )
    if how == "killed":
        old.start()
    else:
        old.resume()
    assert servers.master is not old
    assert load.gap_s < 4
    assert len(set(runs)) == 2
    assert len(lost) <= 10


@pytest.mark.usefixtures("whole")
async def test_a_planned_fail_over_by_the_documented_procedure_loses_nothing(
    servers: SentinelSet, replicas: Replicas, store: RoomStore
) -> None:
    old = servers.master
    load, kept, runs = await survive(servers, replicas, store, servers.fail_over)
    sys.stdout.write(f"planned: paused for {load.gap_s:.2f} s, {len(load.acknowledged)} acknowledged\n")
    assert servers.master is not old
    assert [version for version in load.acknowledged if version not in kept] == []
    assert load.gap_s < 3
    assert len(set(runs)) == 2
