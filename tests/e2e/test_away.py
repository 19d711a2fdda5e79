"""Tabs behind others, frozen tabs and closed laptops: they come back to where the room is, and never move it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from tests.support.installation import Installation
from tests.support.member import Member
from tests.support.origin import Origin
from tests.support.rooms import add
from tests.support.tabs import Tab, TabBrowser
from tests.support.viewer import Viewer
from tests.support.waiting import until

VIDEO: Final = "document.querySelector('video[data-role=\"stage\"]')"
PLAYS: Final = f"{VIDEO} && !{VIDEO}.paused && {VIDEO}.readyState >= 3 && {VIDEO}.currentTime > 0.2"
LIVE: Final = "window.__wt && window.__wt.connection === 'open' && window.__wt.version > 0"
WITHIN_S: Final = 0.5

Figure = Callable[[str], None]


class Pair:
    """Ana at a browser, and Ben, who is no browser and knows where the room is."""

    def __init__(self, browser: TabBrowser, ana: Tab, ben: Viewer, ana_id: str) -> None:
        self.browser, self.ana, self.ben, self.ana_id = browser, ana, ben, ana_id

    async def off_s(self) -> float:
        """How far Ana's picture is from where the room is."""
        position = await self.ana.evaluate(f"{VIDEO}.currentTime")
        return abs(float(position) - self.ben.picture.position_at(time.time()))

    async def back_within_s(self, limit_s: float = 10.0) -> float:
        """How long it takes from now until Ana's picture is where the room is, and stays there."""
        began = time.monotonic()
        right_since: float | None = None
        while time.monotonic() - began < limit_s:
            if await self.off_s() > WITHIN_S:
                right_since = None
            elif right_since is None:
                right_since = time.monotonic()
            elif time.monotonic() - right_since > 1:
                return right_since - began
            await asyncio.sleep(0.05)
        raise AssertionError(f"{await self.off_s():.1f} s off after {limit_s:g} s")

    def told_state(self) -> str:
        """What others are told of Ana's player."""
        digests = [notice["members"] for notice in self.ben.notices if notice["type"] == "statuses"]
        return next((digest[self.ana_id]["state"] for digest in reversed(digests) if self.ana_id in digest), "")

    async def commands_of_ana(self) -> list[dict[str, Any]]:
        """What the room's log says that Ana did."""
        async with Member(self.ben.addresses[0], self.ben.room, "Cleo") as cleo:
            log = (await cleo.expect("room_state"))["log"]
        assert any(entry["by"] == self.ben.id for entry in log)
        return [entry for entry in log if entry["by"] == self.ana_id]


@asynccontextmanager
async def watching(installation: Installation, origin: Origin, room: str) -> AsyncIterator[Pair]:
    """Ben has put a film on, and Ana watches it, with another tab behind hers."""
    async with TabBrowser() as browser, Viewer([installation.urls[1]], room, "Ben") as ben:
        await ben.joined()
        await add(ben, origin.url("clip.mp4"))
        ana = await browser.open(f"{installation.urls[0]}/room/{room}?name=Ana")
        await ana.until(LIVE)
        await ana.until(PLAYS, timeout_s=30)
        ana_id = next(member for member in ben.picture.members if member != ben.id)
        await ben.ask("seek", timestamp=5)
        pair = Pair(browser, ana, ben, ana_id)
        await pair.back_within_s()
        yield pair


async def test_a_hidden_tab_comes_back_to_the_room_within_a_second_and_never_moved_it(
    installation: Installation, origin: Origin, room: str, figure: Figure
) -> None:
    async with watching(installation, origin, room) as pair:
        other = await pair.browser.open("about:blank")
        await other.show()
        assert await pair.ana.evaluate("document.visibilityState") == "hidden"
        await until(lambda: pair.told_state() == "hidden", 5, "the light did not turn")
        await asyncio.sleep(6)
        await pair.ben.ask("seek", timestamp=25)
        await asyncio.sleep(6)
        await pair.ana.show()
        took_s = await pair.back_within_s()
        figure(f"a tab that was hidden for 12 s: on position {took_s:.2f} s after it is shown")
        assert took_s < 1
        await until(lambda: pair.told_state() == "ready", 8, "the light did not turn back")
        assert await pair.commands_of_ana() == []
        assert await pair.ana.evaluate("window.__wt.connection") == "open"


async def test_a_frozen_tab_comes_back_to_the_room_and_never_moved_it(
    installation: Installation, origin: Origin, room: str, figure: Figure
) -> None:
    async with watching(installation, origin, room) as pair:
        await pair.ana.freeze()
        await asyncio.sleep(5)
        await pair.ben.ask("seek", timestamp=30)
        await asyncio.sleep(5)
        await pair.ana.freeze(is_frozen=False)
        took_s = await pair.back_within_s()
        figure(f"a tab that was frozen for 10 s: on position {took_s:.2f} s after it goes on")
        assert took_s < 2
        assert await pair.commands_of_ana() == []
        assert pair.ana_id in pair.ben.picture.members
        assert not pair.ben.picture.left


async def test_a_laptop_that_wakes_comes_back_to_the_room_and_never_moved_it(
    installation: Installation, origin: Origin, room: str, figure: Figure
) -> None:
    async with watching(installation, origin, room) as pair:
        pair.browser.sleep()
        await asyncio.sleep(10)
        await pair.ben.ask("seek", timestamp=10)
        await asyncio.sleep(10)
        pair.browser.sleep(is_asleep=False)
        took_s = await pair.back_within_s()
        figure(f"a laptop that slept for 20 s: on position {took_s:.2f} s after it wakes")
        assert took_s < 3
        assert await pair.commands_of_ana() == []
        assert not pair.ben.picture.left
        assert await pair.ana.evaluate("window.__wt.connection") == "open"
