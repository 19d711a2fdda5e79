"""A live stream, watched by two people."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from playwright.async_api import Browser

from tests.support.installation import Installation
from tests.support.origin import Origin
from tests.support.page import Person

IN_TIME = "() => window.__wt.drift !== null && Math.abs(window.__wt.drift) < 0.15"


async def test_two_viewers_of_a_live_stream_see_pictures_of_one_date(
    installation: Installation, origin: Origin, chromium: Browser, room: str, figure: Callable[[str], None]
) -> None:
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana")
    await ana.add(origin.url("live/index.m3u8"))
    await ana.playing()
    # Whoever comes later has another window, and so another time of the element for the same picture.
    await asyncio.sleep(5)
    ben = await Person.enter(chromium, installation.urls[1], room, "Ben")
    await ben.playing()
    await asyncio.gather(ana.until(IN_TIME), ben.until(IN_TIME))
    drifts = [await person.told("drift") for person in (ana, ben)]
    figure(f"a live stream, two viewers by date: {abs(drifts[0] - drifts[1]) * 1000:.0f} ms apart")

    # A pause gives the room a date, and play goes on from there.
    await ana.press("Pause")
    await asyncio.gather(ana.paused(), ben.paused())
    assert await ben.told("position") > 1e9
    await asyncio.sleep(1)
    assert abs(await ben.told("drift")) < 0.15
    await ben.press("Play")
    await asyncio.gather(ana.playing(), ben.playing())
    await asyncio.gather(ana.until(IN_TIME), ben.until(IN_TIME))


async def test_a_live_stream_without_dates_plays_at_its_edge(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana")
    await ana.add(origin.url("live/undated.m3u8"))
    await ana.playing()
    await asyncio.sleep(3)
    assert await ana.told("drift") is None
    before = await ana.sample()
    await ana.page.keyboard.press("l")
    await asyncio.sleep(1)
    assert (await ana.sample()).position - before.position < 5
