"""Two replicas date one live playlist that has no dates."""

from __future__ import annotations

import itertools
import re
import secrets
import time
from datetime import datetime

import pytest
from redis.asyncio import Redis

from services.common.contexts import StreamContext
from services.common.guard import parse_url
from services.common.keys import Keys
from services.common.stream import Kind
from services.proxy.dates import Dates
from services.proxy.memory import CacheKey
from services.proxy.sources import Source
from services.proxy.streams import Known
from services.proxy.tickets import Ticket
from tests.support.redis import free_port

URL = "http://93.184.216.34/live.m3u8"
SEGMENT_S = 4.0


@pytest.fixture
def keys() -> Keys:
    return Keys(f"dates{secrets.token_hex(4)}")


def source(object_id: str = "720p", page: str = "https://site/live", kind: Kind = Kind.MANIFEST) -> Source:
    ticket = Ticket(URL, kind, object_id, "ctx", 0, "", is_signed=True)
    context = StreamContext(page_url=page, format_id="hls", url=URL)
    target = parse_url(URL)
    return Source(ticket, CacheKey("public", object_id), target, {}, Known(context, target, 0.0))


def window(first: int, count: int = 6, *, duration_s: float = SEGMENT_S, ends: bool = False) -> str:
    lines = ["#EXTM3U", f"#EXT-X-TARGETDURATION:{duration_s:.0f}", f"#EXT-X-MEDIA-SEQUENCE:{first}"]
    for number in range(first, first + count):
        lines += ["#EXT-X-DISCONTINUITY"] * (number % 5 == 0) + [f"#EXTINF:{duration_s},", f"{number}.ts"]
    return "\n".join([*lines, *["#EXT-X-ENDLIST"] * ends, ""])


def dates_of(playlist: str) -> dict[str, float]:
    """By segment, Unix seconds."""
    found = re.findall(r"#EXT-X-PROGRAM-DATE-TIME:(\S+)\n(?:#.*\n)*(\d+\.ts)", playlist)
    return {name: datetime.fromisoformat(date).timestamp() for date, name in found}


async def test_replicas_agree_on_the_date_of_every_segment_as_the_window_slides(redis: Redis, keys: Keys) -> None:
    first, second = Dates(redis, keys), Dates(redis, keys)
    seen: dict[str, float] = {}
    for number in range(100, 130, 2):
        for replica in (first, second) if number % 4 else (second,):
            dates = dates_of(await replica.add(window(number), source()))
            assert len(dates) == 6
            for name, date in dates.items():
                assert seen.setdefault(name, date) == pytest.approx(date, abs=0.0005)
    for before, after in itertools.pairwise(range(100, 134)):
        assert seen[f"{after}.ts"] - seen[f"{before}.ts"] == pytest.approx(SEGMENT_S, abs=0.09)


async def test_the_newest_segment_of_a_stream_that_is_seen_first_ends_now(redis: Redis, keys: Keys) -> None:
    dates = dates_of(await Dates(redis, keys).add(window(7), source()))
    assert dates["12.ts"] + SEGMENT_S == pytest.approx(time.time(), abs=5)


async def test_renditions_that_count_alike_share_their_dates(redis: Redis, keys: Keys) -> None:
    replica = Dates(redis, keys)
    tall = dates_of(await replica.add(window(50), source("1080p")))
    small = dates_of(await replica.add(window(51), source("360p")))
    assert {name: tall[name] for name in tall if name in small} == {name: small[name] for name in tall if name in small}


async def test_a_variant_that_counts_otherwise_has_dates_of_its_own(redis: Redis, keys: Keys) -> None:
    replica = Dates(redis, keys)
    await replica.add(window(50), source("1080p"))
    dates = dates_of(await replica.add(window(53, 12, duration_s=1.0), source("160p")))
    assert dates["64.ts"] + 1 == pytest.approx(time.time(), abs=5)
    later = dates_of(await Dates(redis, keys).add(window(54, 12, duration_s=1.0), source("160p")))
    assert later["64.ts"] == dates["64.ts"]


async def test_another_page_has_other_dates(redis: Redis, keys: Keys) -> None:
    replica = Dates(redis, keys)
    one = dates_of(await replica.add(window(50), source()))
    other = dates_of(await replica.add(window(48), source("other", page="https://site/other")))
    assert one["50.ts"] - other["50.ts"] == pytest.approx(-2 * SEGMENT_S, abs=3)


async def test_an_ended_stream_keeps_the_dates_it_had_and_gets_no_first_ones(redis: Redis, keys: Keys) -> None:
    text = window(50, ends=True)
    assert await Dates(redis, keys).add(text, source()) == text
    before = dates_of(await Dates(redis, keys).add(window(49), source()))
    after = dates_of(await Dates(redis, keys).add(text, source()))
    assert after["54.ts"] == before["54.ts"]
    assert len(after) == 6


async def test_a_rendition_of_sound_is_left_to_lie_beside_the_pictures(redis: Redis, keys: Keys) -> None:
    text = window(50)
    assert await Dates(redis, keys).add(text, source(kind=Kind.RENDITION)) == text


async def test_dates_go_on_without_redis_where_they_had_begun(redis: Redis, keys: Keys) -> None:
    async with Redis(port=free_port(), socket_connect_timeout=0.2) as nobody:
        replica = Dates(nobody, keys)
        assert await replica.add(window(50), source()) == window(50)
        replica = Dates(redis, keys)
        before = dates_of(await replica.add(window(50), source()))
        replica._redis = nobody
        after = dates_of(await replica.add(window(52), source()))
    assert after["55.ts"] == before["55.ts"]
    assert after["57.ts"] == pytest.approx(before["55.ts"] + 2 * SEGMENT_S)


async def test_rounded_durations_do_not_carry_dates_away_from_the_clock(redis: Redis, keys: Keys) -> None:
    """What says 1 s and lasts 1.1 s: a chain of dates alone would fall behind by a tenth."""
    await Dates(redis, keys).add(window(0, duration_s=1.0), source())
    # By now the dates are four and a half segments behind the clock.
    async for stored in redis.scan_iter(f"{keys.prefix}:dates:*"):
        for member, score in await redis.zrange(stored, 0, -1, withscores=True):
            await redis.zadd(stored, {member: score - 4500})
    dates = dates_of(await Dates(redis, keys).add(window(3, duration_s=1.0), source()))
    assert 1.01 < dates["7.ts"] - dates["6.ts"] < 1.03
