"""Live streams, watched by two people."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest
from playwright.async_api import Browser

from tests.support.installation import Installation
from tests.support.live import AHEAD_S, WAYS
from tests.support.origin import Origin
from tests.support.page import Person, spread

IN_TIME = "() => window.__wt.drift !== null && Math.abs(window.__wt.drift) < 0.15"
# Where sync is not tight, players leave each other alone within this band once they have settled.
IN_BAND = "() => window.__wt.drift !== null && Math.abs(window.__wt.drift) < 0.5"
APART_S = 30.0


async def dates(*people: Person) -> list[float]:
    """Where each one's picture is, as of one moment of the room."""
    return list(await asyncio.gather(*(person.told("drift") for person in people)))


async def test_two_who_join_one_live_stream_half_a_minute_apart_see_pictures_of_one_date(
    installation: Installation, origin: Origin, chromium: Browser, room: str, figure: Callable[[str], None]
) -> None:
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana")
    await ana.add(origin.url("live/index.m3u8"))
    await ana.playing()
    began = time.monotonic()
    await ana.until(IN_TIME)
    # Meanwhile another room watches a stream whose playlist has no dates: the proxy gives it some.
    await undated_stream_is_watched_together(installation, origin, chromium, f"{room}-undated", figure)
    await asyncio.sleep(max(0.0, APART_S - (time.monotonic() - began)))

    # By now every picture that Ana began with has left the playlist.
    ben = await Person.enter(chromium, installation.urls[1], room, "Ben")
    await ben.playing()
    await asyncio.gather(ana.until(IN_TIME), ben.until(IN_TIME))
    drifts = await dates(ana, ben)
    figure(f"a live stream, joined {APART_S:.0f} s apart: {abs(drifts[0] - drifts[1]) * 1000:.0f} ms apart")

    # A pause stands at a date, and play goes on from there.
    await ana.press("Pause")
    await asyncio.gather(ana.paused(), ben.paused())
    assert await ben.told("position") > 1e9
    await asyncio.sleep(1)
    assert abs(await ben.told("drift")) < 0.15
    await ben.press("Play")
    await asyncio.gather(ana.playing(), ben.playing())
    await asyncio.gather(ana.until(IN_TIME), ben.until(IN_TIME))


async def undated_stream_is_watched_together(
    installation: Installation, origin: Origin, chromium: Browser, room: str, figure: Callable[[str], None]
) -> None:
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana")
    await ana.add(origin.url("live/undated.m3u8"))
    await ana.playing()
    await ana.until(IN_TIME)
    ben = await Person.enter(chromium, installation.urls[1], room, "Ben")
    await ben.playing()
    await asyncio.gather(ana.until(IN_TIME), ben.until(IN_TIME))
    drifts = await dates(ana, ben)
    figure(f"a live stream without dates: {abs(drifts[0] - drifts[1]) * 1000:.0f} ms apart")
    # One step back lands inside of what the stream offers, for both.
    before = await ana.told("position")
    await ana.page.keyboard.press("ArrowLeft")
    await ana.until(f"() => window.__wt.position < {before}")
    await asyncio.gather(ana.until(IN_TIME), ben.until(IN_TIME))
    await asyncio.gather(ana.page.close(), ben.page.close())


@pytest.mark.timeout(120)
async def test_two_who_join_one_live_dash_stream_half_a_minute_apart_see_the_same_picture(
    installation: Installation, origin: Origin, chromium: Browser, room: str, figure: Callable[[str], None]
) -> None:
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana")
    await ana.add(origin.url("live/index.mpd"))
    await ana.playing()
    began = time.monotonic()
    await ana.until(IN_BAND)
    await asyncio.sleep(max(0.0, APART_S - (time.monotonic() - began)))

    ben = await Person.enter(chromium, installation.urls[1], room, "Ben")
    await ben.playing()
    await asyncio.gather(ana.until(IN_BAND), ben.until(IN_BAND))
    # One stream has one timeline for all of its players: what they show can be compared as it is.
    apart_s = await spread([ana, ben])
    figure(f"live DASH, joined {APART_S:.0f} s apart: {apart_s * 1000:.0f} ms apart")
    assert apart_s < 0.5
    assert ana.errors == []
    assert ben.errors == []


@pytest.mark.timeout(120)
@pytest.mark.parametrize("way", WAYS)
async def test_a_live_dash_stream_is_watched_together_however_its_mpd_tells_the_time(
    installation: Installation,
    origin: Origin,
    chromium: Browser,
    room: str,
    way: str,
    figure: Callable[[str], None],
) -> None:
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana")
    await ana.add(origin.url(f"live/{way}.mpd"))
    await ana.playing()
    ben = await Person.enter(chromium, installation.urls[1], room, "Ben")
    await ben.playing()
    await asyncio.gather(ana.until(IN_BAND), ben.until(IN_BAND))
    apart_s = await spread([ana, ben])
    behind_s = time.time() + (AHEAD_S if way == "ahead" else 0) - await ana.told("position")
    figure(f"live DASH, {way}: {apart_s * 1000:.0f} ms apart, {behind_s:.1f} s behind")
    assert apart_s < 0.5
    # The date of the picture, whatever way it is told: a few segments behind what is sent now.
    assert 0 < behind_s < 15
    await asyncio.gather(ana.page.close(), ben.page.close())
