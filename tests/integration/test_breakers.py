"""What one worker learns of a site, all know: over a real Redis, and in one worker's memory, the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from redis.asyncio import Redis

from services.common.errors import WatchTogetherError
from services.common.keys import Keys, url_digest
from services.resolver.breaker import FAILURES, FIRST_PAUSE_S, Breaker
from services.resolver.breakers import Breakers, OwnBreakers, SharedBreakers
from services.resolver.errors import deadline_exceeded
from services.resolver.info import Info, Listed
from services.resolver.watch import WatchedExtractor
from tests.support.clock import Clock
from tests.support.waiting import until

LINK = "https://video.example/1"


class Site:
    """An extractor whose site fails, or hangs until it is let go."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_failing = True
        self.go = asyncio.Event()

    async def extract(self, url: str, cookies: str = "", listed: Listed | None = None) -> Info:
        self.asked += 1
        if self.is_failing:
            raise deadline_exceeded()
        await self.go.wait()
        return Info(id="1", extractor="Example", title=url, formats=[])


@pytest.fixture(params=["own", "shared"])
def breakers(request: pytest.FixtureRequest, redis: Redis, keys: Keys) -> Callable[[], Breakers]:
    """One worker's after another: those of one memory are the same."""
    own = OwnBreakers()
    return lambda: own if request.param == "own" else SharedBreakers(redis, keys)


async def test_workers_learn_from_each_other_and_one_of_them_probes(breakers: Callable[[], Breakers]) -> None:
    clock, site = Clock(), Site()
    workers = [WatchedExtractor(site, breakers(), clock=clock.monotonic) for _ in range(4)]
    for number in range(FAILURES):
        with pytest.raises(WatchTogetherError):
            await workers[number % 4].extract(LINK)
    for worker in workers:
        with pytest.raises(WatchTogetherError, match="is not answering"):
            await worker.extract(LINK)
    assert site.asked == FAILURES
    clock.advance(FIRST_PAUSE_S)
    site.is_failing = False
    tries = [asyncio.create_task(worker.extract(LINK)) for worker in workers for _ in range(5)]
    refused = asyncio.as_completed(tries)
    for _ in range(19):
        with pytest.raises(WatchTogetherError, match="is not answering"):
            await next(refused)
    # Who may ask can hear of it after all the others.
    await until(lambda: site.asked > FAILURES, 5, "nobody asks the site")
    assert site.asked == FAILURES + 1
    site.go.set()
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(each, Info) for each in outcomes) == 1
    # It answered one of them: all may ask again, and know whose links these are.
    for worker in workers:
        await worker.extract(LINK)
    assert {health.extractor for worker in workers for health in await worker.health()} >= {"Example"}


async def test_changes_at_the_same_time_are_all_counted(breakers: Callable[[], Breakers]) -> None:
    await asyncio.gather(*(breakers().change("site", lambda breaker: breaker.failed(0)) for _ in range(4)))
    assert await breakers().change("site", lambda breaker: breaker.failures) == 4


async def test_a_site_that_answers_leaves_nothing_behind(redis: Redis, keys: Keys) -> None:
    shared = SharedBreakers(redis, keys)
    await shared.change("site", lambda breaker: breaker.failed(0))
    await shared.change("site", Breaker.succeeded)
    assert not await redis.exists(keys.site(url_digest("site")))


@pytest.mark.parametrize(
    ("raw", "failures"),
    [(b'{"failures":3}', 3), (b'{"failures":3,"open_until":9.5,"colour":"red"}', 3), (b"{", 0), (b"[1]", 0)],
)
async def test_records_of_other_versions_are_read_or_begun_anew(
    redis: Redis, keys: Keys, raw: bytes, failures: int
) -> None:
    await redis.set(keys.site(url_digest("site")), raw)
    shared = SharedBreakers(redis, keys)
    assert await shared.change("site", lambda breaker: breaker.failures) == failures
    await shared.change("site", lambda breaker: breaker.failed(0))
    assert await shared.change("site", lambda breaker: breaker.failures) == failures + 1


async def test_without_redis_every_link_passes(keys: Keys) -> None:
    nowhere = Redis.from_url("redis://127.0.0.1:1/0")
    shared = SharedBreakers(nowhere, keys)
    assert await shared.change("site", lambda breaker: breaker.admit(0)) == 0
    assert await shared.name("video.example") == ""
    await shared.learn("video.example", "Example")
    await nowhere.aclose()
