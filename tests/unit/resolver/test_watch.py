"""What is learnt of sites from links that open, are refused, fail and are given up."""

from __future__ import annotations

import asyncio

import pytest

from services.common.errors import WatchTogetherError
from services.resolver.breaker import FAILURES, FIRST_PAUSE_S
from services.resolver.breakers import OwnBreakers
from services.resolver.errors import Failure, classify, deadline_exceeded
from services.resolver.info import Info, Listed
from services.resolver.watch import WatchedExtractor
from tests.support.clock import Clock as FakeClock

LINK = "https://video.example/1"


class Site:
    """An extractor whose site is as a test says."""

    def __init__(self, clock: FakeClock) -> None:
        self.error: WatchTogetherError | None = None
        self.extractor = "Example"
        self.asked = 0
        self._clock = clock

    async def extract(self, url: str, cookies: str = "", listed: Listed | None = None) -> Info:
        self.asked += 1
        self._clock.advance(2)
        if self.error is not None:
            raise self.error
        return Info(id="1", extractor=self.extractor, title=url, formats=[])


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def site(clock: FakeClock) -> Site:
    return Site(clock)


@pytest.fixture
def watched(site: Site, clock: FakeClock) -> WatchedExtractor:
    return WatchedExtractor(site, OwnBreakers(), clock=clock.monotonic)


async def fails(watched: WatchedExtractor, link: str = LINK) -> WatchTogetherError:
    with pytest.raises(WatchTogetherError) as failure:
        await watched.extract(link)
    return failure.value


async def test_a_site_that_fails_every_time_is_left_alone_and_then_tried_once(
    watched: WatchedExtractor, site: Site, clock: FakeClock
) -> None:
    await watched.extract(LINK)
    site.error = deadline_exceeded()
    for _ in range(FAILURES):
        assert (await fails(watched)).code == "timeout"
    asked = site.asked
    error = await fails(watched, "https://video.example/another")
    assert (error.code, site.asked) == ("unavailable", asked)
    assert error.message.startswith("Example is not answering. Try again in ")
    assert [(each.extractor, each.state) for each in await watched.health()] == [("Example", "open")]
    clock.advance(FIRST_PAUSE_S)
    site.error = None
    await watched.extract(LINK)
    (health,) = await watched.health()
    assert (health.succeeded, health.failed, health.mean_s, health.state) == (2, FAILURES, 2.0, "closed")


@pytest.mark.parametrize(
    "failure",
    [
        Failure(["ExtractorError"], "Private video", expected=True),
        Failure(["GeoRestrictedError"], "not available in your country", expected=True),
        Failure(["ExtractorError"], "HTTP Error 404", 404),
        Failure(["UnsupportedError"], "Unsupported URL"),
        Failure(["MemoryError"], ""),
    ],
)
async def test_links_that_are_refused_say_nothing_against_their_site(
    watched: WatchedExtractor, site: Site, clock: FakeClock, failure: Failure
) -> None:
    site.error = classify(failure)
    for _ in range(FAILURES + 2):
        await fails(watched)
    assert site.asked == FAILURES + 2


async def test_sites_of_the_generic_extractor_do_not_answer_for_each_other_and_are_not_named(
    watched: WatchedExtractor, site: Site, clock: FakeClock
) -> None:
    site.extractor, site.error = "Generic", classify(Failure(["TransportError"], "connection refused"))
    for _ in range(FAILURES):
        await fails(watched)
    site.error = None
    assert (await watched.extract("https://other.example/1")).extractor == "Generic"
    assert {each.extractor for each in await watched.health()} == {"Generic"}


async def test_an_outcome_counts_for_an_hour(watched: WatchedExtractor, clock: FakeClock) -> None:
    await watched.extract(LINK)
    clock.advance(3500)
    assert len(await watched.health()) == 1
    clock.advance(100)
    assert await watched.health() == []


async def test_a_probe_that_is_given_up_leaves_the_next_one_its_turn(clock: FakeClock) -> None:
    class Hanging(Site):
        async def extract(self, url: str, cookies: str = "", listed: Listed | None = None) -> Info:
            if self.error is not None:
                raise self.error
            await asyncio.sleep(60)
            raise AssertionError

    site = Hanging(clock)
    watched = WatchedExtractor(site, OwnBreakers(), clock=clock.monotonic)
    site.error = deadline_exceeded()
    for _ in range(FAILURES):
        await fails(watched)
    clock.advance(FIRST_PAUSE_S)
    site.error = None
    for _ in range(2):
        probing = asyncio.create_task(watched.extract(LINK))
        await asyncio.sleep(0)
        assert not probing.done()
        probing.cancel()
        await asyncio.gather(probing, return_exceptions=True)


async def test_what_somebodys_own_cookies_met_says_nothing_of_the_site(watched: WatchedExtractor, site: Site) -> None:
    site.error = classify(Failure([], "", 429))
    for _ in range(3 * FAILURES):
        with pytest.raises(WatchTogetherError):
            await watched.extract(LINK, "cookies")
    assert site.asked == 3 * FAILURES
    for _ in range(FAILURES):
        await fails(watched)
    asked = site.asked
    await fails(watched)
    assert site.asked == asked
