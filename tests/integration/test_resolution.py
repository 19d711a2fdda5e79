"""The client of the resolver against a real Redis; each test plays the worker itself."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing

import pytest
from redis.asyncio import Redis

from services.common import codec
from services.common.chain import ANONYMOUS, PUBLIC, Resolution
from services.common.errors import Refused, Unavailable
from services.common.jobs import Jobs
from services.common.keys import Keys, url_digest
from services.common.redis import connect
from services.common.resolution import Resolutions
from services.common.waiting import Waiter
from services.common.wire.models import VideoState
from tests.support.redis import RedisServer

LINK = "https://Site.example/watch?v=1#:~:text=film"
CANONICAL = "https://site.example/watch?v=1"
DIGEST = url_digest(CANONICAL)


def result(lifetime_s: float = 60) -> Resolution:
    now = time.time()
    video = VideoState(url=CANONICAL, title="A film", stream_type="direct")
    return Resolution(video=video, resolved_at=now, expires_at=now + lifetime_s)


async def queued(redis: Redis, keys: Keys) -> None:
    """Return when a job is in the queue."""
    async with asyncio.timeout(5):
        while await Jobs(redis, keys).depth() == 0:  # noqa: ASYNC110 - it happens in Redis
            await asyncio.sleep(0.01)


async def test_the_queue_tells_its_depth_and_its_oldest_jobs_age(redis: Redis, keys: Keys) -> None:
    jobs = Jobs(redis, keys)
    assert await jobs.oldest_age_s(time.time()) == 0
    await jobs.enqueue(DIGEST, CANONICAL, ANONYMOUS)
    assert await jobs.depth() == 1
    assert 29 < await jobs.oldest_age_s(time.time() + 30) < 60


@pytest.fixture
def resolutions(redis: Redis, keys: Keys) -> Resolutions:
    return Resolutions(redis, keys)


async def test_links_that_differ_in_form_only_share_a_result(resolutions: Resolutions) -> None:
    await resolutions.results.put(DIGEST, PUBLIC, result())
    for link in (LINK, "HTTPS://SITE.EXAMPLE:443/watch?v=1"):
        known = await resolutions.cached(link)
        assert known is not None
    assert await resolutions.cached("https://site.example/watch?v=2") is None
    assert await resolutions.cached(f"{CANONICAL}#/another") is None


async def test_scopes_share_nothing(resolutions: Resolutions) -> None:
    await resolutions.results.put(DIGEST, "owner", result())
    assert await resolutions.cached(LINK) is None
    assert await resolutions.cached(LINK, "owner") is not None


async def test_an_expired_result_is_no_result(resolutions: Resolutions) -> None:
    await resolutions.results.put(DIGEST, PUBLIC, result(-1))
    assert await resolutions.cached(LINK) is None


@pytest.mark.parametrize("record", [b"", b"not json", b"{}", b'{"resolved_at":1,"expires_at":99999999999,"v":9}'])
async def test_a_record_that_cannot_be_read_is_no_result(
    resolutions: Resolutions, redis: Redis, keys: Keys, record: bytes
) -> None:
    await redis.set(keys.format(DIGEST, PUBLIC), record)
    assert await resolutions.cached(LINK) is None


async def test_who_wants_an_unknown_link_waits_and_makes_one_job(
    resolutions: Resolutions, redis: Redis, keys: Keys
) -> None:
    for item in ("one", "two", "one"):
        assert await resolutions.want(LINK, "room", item) is None
    assert await resolutions.waiting.of(DIGEST) == [Waiter("room", "one"), Waiter("room", "two")]
    assert await Jobs(redis, keys).depth() == 1
    assert 0 < await redis.ttl(keys.waiters(DIGEST, PUBLIC)) <= 600


async def test_who_wants_a_known_link_has_it_at_once_and_waits_for_nothing(
    resolutions: Resolutions, redis: Redis, keys: Keys
) -> None:
    await resolutions.results.put(DIGEST, PUBLIC, result())
    known = await resolutions.want(LINK, "room", "item")
    assert known is not None
    assert known.video is not None
    assert known.video.url == LINK
    assert await resolutions.waiting.of(DIGEST) == []
    assert await Jobs(redis, keys).depth() == 0


async def test_a_cached_error_is_an_answer(resolutions: Resolutions) -> None:
    now = time.time()
    failed = Resolution(code="private", message="It is private.", resolved_at=now, expires_at=now + 20)
    await resolutions.results.put(DIGEST, PUBLIC, failed)
    assert await resolutions.want(LINK, "room", "item") == failed
    assert await resolutions.resolve(LINK, 1) == failed


async def test_many_who_resolve_one_link_wake_together(resolutions: Resolutions, redis: Redis, keys: Keys) -> None:
    asking = [asyncio.create_task(resolutions.resolve(LINK, 10)) for _ in range(40)]
    await queued(redis, keys)
    await asyncio.sleep(0.3)
    begun = time.monotonic()
    await resolutions.results.put(DIGEST, PUBLIC, result())
    answers = await asyncio.gather(*asking)
    assert {answer.video.title for answer in answers if answer.video} == {"A film"}
    assert await Jobs(redis, keys).depth() == 1
    assert time.monotonic() - begun < 2


async def test_who_waits_says_so_for_seconds_only(resolutions: Resolutions, redis: Redis, keys: Keys) -> None:
    assert not await resolutions.is_wanted(DIGEST)
    asking = asyncio.create_task(resolutions.resolve(LINK, 10))
    await queued(redis, keys)
    assert await resolutions.is_wanted(DIGEST)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert 0 < await redis.ttl(keys.wanted(DIGEST, PUBLIC)) <= 5


async def test_a_lost_completion_costs_about_a_second(resolutions: Resolutions, redis: Redis, keys: Keys) -> None:
    asking = asyncio.create_task(resolutions.resolve(LINK, 10))
    await queued(redis, keys)
    begun = time.monotonic()
    await redis.set(keys.format(DIGEST, PUBLIC), codec.encode(result()))
    await asking
    assert time.monotonic() - begun < 2.5


async def test_a_queue_that_was_lost_is_filled_again(resolutions: Resolutions, redis: Redis, keys: Keys) -> None:
    asking = asyncio.create_task(resolutions.resolve(LINK, 10))
    jobs = Jobs(redis, keys)
    await queued(redis, keys)
    await redis.delete(keys.jobs(), f"arq:job:{jobs.job_id(DIGEST, PUBLIC)}")
    await queued(redis, keys)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)


async def test_a_link_that_takes_too_long_is_a_timeout(resolutions: Resolutions) -> None:
    begun = time.monotonic()
    with pytest.raises(Unavailable) as late:
        await resolutions.resolve(LINK, 0.3)
    assert (late.value.code, late.value.retry_after_ms) == ("timeout", 5000)
    assert time.monotonic() - begun < 1.5


async def test_a_full_queue_is_busy_but_joins_what_is_queued(redis: Redis, keys: Keys) -> None:
    resolutions = Resolutions(redis, keys, max_depth=1)
    assert await resolutions.want(LINK, "room", "item") is None
    assert await resolutions.want(LINK, "room", "other") is None
    for attempt in (resolutions.want("https://b.example/", "room", "c"), resolutions.resolve("https://b.example/", 1)):
        with pytest.raises(Unavailable) as busy:
            await attempt
        assert busy.value.code == "busy"
        assert busy.value.retry_after_ms is not None
        assert 4000 <= busy.value.retry_after_ms <= 8000
    assert await resolutions.waiting.of(url_digest("https://b.example/")) == []


@pytest.mark.parametrize(
    ("link", "code"),
    [("ftp://a.example/", "bad_url"), ("", "bad_url"), ("http://user:pw@a.example/", "refused_target")],
)
async def test_what_is_no_link_is_refused(resolutions: Resolutions, link: str, code: str) -> None:
    for attempt in (resolutions.want(link, "room", "i"), resolutions.resolve(link, 1), resolutions.cached(link)):
        with pytest.raises(Refused) as refusal:
            await attempt
        assert refusal.value.code == code


async def test_stages_are_told_until_the_flight_is_done(resolutions: Resolutions) -> None:
    stages: list[str] = []

    async def listen() -> None:
        async for stage in resolutions.stages(LINK):
            stages.append(stage)  # noqa: PERF401 - shown while it runs, not at its end

    listening = asyncio.create_task(listen())
    while not stages:
        await resolutions.announce(DIGEST, "extracting")
        await asyncio.sleep(0.02)
    await resolutions.announce(DIGEST, "reading")
    await resolutions.results.put(DIGEST, PUBLIC, result())
    async with asyncio.timeout(5):
        await listening
    assert set(stages[:-1]) == {"extracting"}
    assert stages[-1] == "reading"


async def test_without_redis_every_question_is_unavailable_soon(keys: Keys) -> None:
    with RedisServer() as server:
        client = connect(server.url)
        resolutions = Resolutions(client, keys)
        assert await resolutions.cached(LINK) is None
    async with aclosing(client):
        begun = time.monotonic()
        for attempt in (resolutions.want(LINK, "room", "i"), resolutions.resolve(LINK, 9), resolutions.cached(LINK)):
            with pytest.raises(Unavailable) as failure:
                await attempt
            assert failure.value.code == "unavailable"
        await resolutions.announce(DIGEST, "extracting")
        assert time.monotonic() - begun < 10


async def test_what_many_paste_at_once_is_read_from_redis_once(redis: Redis, keys: Keys) -> None:
    remembering = Resolutions(redis, keys, remember_s=0.5)
    await remembering.results.put(DIGEST, PUBLIC, result())
    assert await remembering.known(LINK) is not None
    await redis.delete(keys.format(DIGEST, PUBLIC))
    known = await remembering.known(LINK)
    assert known is not None
    assert known.video is not None
    assert known.video.url == LINK
    await asyncio.sleep(0.5)
    assert await remembering.known(LINK) is None


async def test_private_short_and_failed_results_are_never_remembered(redis: Redis, keys: Keys) -> None:
    remembering = Resolutions(redis, keys, remember_s=60)
    now = time.time()
    failed = Resolution(code="private", message="It is private.", resolved_at=now, expires_at=now + 60)
    for scope, known in (("somebody", result()), (PUBLIC, failed)):
        await remembering.results.put(DIGEST, scope, known)
        assert await remembering.results.peek(DIGEST, scope) is not None
        await redis.delete(keys.format(DIGEST, scope))
        assert await remembering.results.peek(DIGEST, scope) is None
    await remembering.results.put(DIGEST, PUBLIC, result(0.3))
    assert await remembering.results.peek(DIGEST, PUBLIC) is not None
    await asyncio.sleep(0.3)
    assert await remembering.results.peek(DIGEST, PUBLIC) is None
