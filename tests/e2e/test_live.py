"""Live streams, watched by two people."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from playwright.async_api import Browser

from tests.support.installation import Installation
from tests.support.origin import Origin
from tests.support.page import Person

IN_TIME = "() => window.__wt.drift !== null && Math.abs(window.__wt.drift) < 0.15"
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
