"""Redis stops answering for a while, and people watch on."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from time import monotonic

from playwright.async_api import Browser, Locator, expect

from tests.support.installation import Installation
from tests.support.origin import Origin
from tests.support.page import PHONE, Person

AWAY = "The room’s store can’t be reached. The picture plays on; changes have to wait."


def status(person: Person) -> Locator:
    return person.page.get_by_role("status", name="Connection")


async def test_people_are_told_that_the_store_is_away_and_watch_on_until_it_is_back(
    installation: Installation, origin: Origin, chromium: Browser, room: str, figure: Callable[[str], None]
) -> None:
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana")
    ben = await Person.enter(chromium, installation.urls[1], room, "Ben", size=PHONE, has_touch=True, is_mobile=True)
    await ana.add(origin.url("clip.mp4"))
    await asyncio.gather(ana.playing(), ben.playing())
    valkey = installation.wait_for_child("valkey")
    os.kill(valkey, signal.SIGSTOP)
    began = monotonic()
    try:
        for person in (ana, ben):
            await expect(status(person)).to_have_text(AWAY, timeout=15_000)
        figure(f"Redis stands still: people are told after {monotonic() - began:.1f} s")
        box = await status(ben).bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= PHONE[0]
        # The picture goes on, and the same socket with it.
        before = (await ana.sample()).position
        await asyncio.sleep(3)
        after = await ana.sample()
        assert after.position > before + 2
        assert not after.paused
        # A command is refused in words, and what it showed at once is taken back.
        await ana.press("Pause")
        await expect(ana.page.get_by_text("Controls are paused for a moment")).to_be_visible(timeout=15_000)
        await expect(ana.button("Pause").first).to_be_visible()
        await asyncio.gather(ana.playing(), ben.playing())
        await expect(status(ana)).to_have_text(AWAY)
    finally:
        os.kill(valkey, signal.SIGCONT)
    back = monotonic()
    for person in (ana, ben):
        await expect(status(person)).to_have_text("Connected", timeout=15_000)
    figure(f"Redis is back: the notice is gone after {monotonic() - back:.1f} s")
    await ana.press("Pause")
    await asyncio.gather(ana.paused(), ben.paused())


async def test_a_store_that_is_killed_and_comes_back_at_once_is_no_news(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana")
    await ana.add(origin.url("clip.mp4"))
    await ana.playing()
    valkey = installation.wait_for_child("valkey")
    os.kill(valkey, signal.SIGKILL)
    await asyncio.to_thread(installation.wait_for_child, "valkey", other_than=valkey)
    await ana.until("() => window.__wt.connection === 'open'", 20)
    await expect(status(ana)).to_have_text("Connected", timeout=15_000)
    await ana.press("Pause")
    await ana.paused()
