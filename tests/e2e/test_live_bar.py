"""A live stream that can be gone back in has a seek bar, for everybody in the room."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any, Final

import pytest
from playwright.async_api import Browser, Locator, expect

from tests.e2e.test_live import IN_BAND
from tests.e2e.test_phones import Finger
from tests.support.installation import Installation
from tests.support.live import LONG_WINDOW
from tests.support.media import SEGMENT_S
from tests.support.origin import Origin
from tests.support.page import PHONE, Person

# What is between the window's beginning and where everybody who watches it live has pictures.
LENGTH_S: Final = (LONG_WINDOW - 3) * SEGMENT_S
_PLACES: Final = """async (slider) => {
  const places = [];
  for (let count = 0; count < 40; count += 1) {
    await new Promise((done) => setTimeout(done, 200));
    const { min, max, value } = slider;
    places.push((value - min) / (max - min));
  }
  return places;
}"""


def bar(person: Person) -> Locator:
    return person.page.get_by_role("slider", name="Seek")


async def behind(person: Person) -> float:
    return -float(await bar(person).input_value())


async def stands_at(person: Person, seconds: float, within_s: float = 3.0) -> None:
    """Wait until the bar says that the room is so far behind live."""
    near = f"(slider) => Math.abs(Number(slider.value) + {seconds}) <= {within_s}"
    handle = await bar(person).element_handle()
    await person.page.wait_for_function(near, arg=handle, timeout=10_000, polling=50)


async def place(person: Person, share: float) -> tuple[float, float]:
    box: Any = await bar(person).bounding_box()
    # The native slider is wider than the painted track, by its thumb.
    return box["x"] + 7 + share * (box["width"] - 14), box["y"] + box["height"] / 2


@pytest.mark.parametrize("name", ["long.m3u8", "long.mpd"])
async def test_the_bar_of_a_live_stream_moves_the_room_through_what_it_offers(
    installation: Installation,
    origin: Origin,
    chromium: Browser,
    room: str,
    name: str,
    figure: Callable[[str], None],
) -> None:
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana")
    await ana.add(origin.url(f"live/{name}"))
    await ana.playing()
    ben = await Person.enter(chromium, installation.urls[1], room, "Ben", size=PHONE, has_touch=True, is_mobile=True)
    await ben.playing()
    await asyncio.gather(ana.until(IN_BAND), ben.until(IN_BAND))
    for person in (ana, ben):
        await expect(bar(person)).to_be_enabled()
        await expect(person.button("Live")).to_be_visible()
        assert await behind(person) < 4
    assert abs(float(await bar(ana).get_attribute("min") or 0) + LENGTH_S) <= SEGMENT_S

    # Window and room go on with one speed: nothing is seen to move.
    places: list[float] = await bar(ana).evaluate(_PLACES)
    figure(f"{name}: the thumb moves by {(max(places) - min(places)) * 100:.2f} % of the bar in 8 s of playing live")
    assert max(places) - min(places) < 0.02

    # Dragged: told while it lasts, sought once, on release, for everybody.
    await ana.wake()
    await ana.page.mouse.move(*await place(ana, 0.9))
    await ana.page.mouse.down()
    for step in range(8, 4, -1):
        await ana.page.mouse.move(*await place(ana, step / 10))
    await ana.page.mouse.move(*await place(ana, 0.4))
    await expect(bar(ana)).to_have_attribute("aria-valuetext", re.compile(r"^(4\d|5\d) seconds behind live$"))
    assert await behind(ben) < 4
    await ana.page.mouse.up()
    target_s = 0.6 * LENGTH_S
    await asyncio.gather(stands_at(ana, target_s), stands_at(ben, target_s))
    await asyncio.gather(ana.playing(), ben.playing())
    await asyncio.gather(ana.until(IN_BAND), ben.until(IN_BAND))
    for person in (ana, ben):
        await expect(person.page.get_by_text(re.compile(r"^-0:(4|5)\d$")).first).to_be_visible()
        await expect(person.button("Go live")).to_be_visible()

    # Fingers.
    finger = await Finger.on(ben)
    x, y = await place(ben, 0.8)
    await finger.tap_at(x, y)
    await asyncio.gather(stands_at(ana, 0.2 * LENGTH_S), stands_at(ben, 0.2 * LENGTH_S))

    # Keys: the bar's own, and the room's tenths.
    await bar(ana).focus()
    await ana.page.keyboard.press("Home")
    await asyncio.gather(stands_at(ana, LENGTH_S, 5), stands_at(ben, LENGTH_S, 5))
    await ana.playing()
    await ana.page.keyboard.press("ArrowRight")
    await asyncio.gather(stands_at(ana, LENGTH_S - 7, 5), stands_at(ben, LENGTH_S - 7, 5))
    await ana.key("5")
    await stands_at(ben, LENGTH_S / 2)
    await bar(ana).focus()
    await ana.page.keyboard.press("End")
    for person in (ana, ben):
        await stands_at(person, 0, 4)
        await expect(person.button("Live")).to_be_visible()
    await expect(bar(ana)).to_have_attribute("aria-valuetext", re.compile(r"^(Live|\d seconds? behind live)$"))
    assert ana.errors == []
    assert ben.errors == []


async def test_a_pause_falls_behind_live_and_the_badge_leads_back(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana")
    await ana.add(origin.url("live/long.m3u8"))
    await ana.playing()
    await ana.until(IN_BAND)
    await ana.press("Pause")
    await ana.paused()
    await expect(ana.page.get_by_text(re.compile(r"^-0:0[5-9]$"))).to_be_visible(timeout=15_000)
    await ana.button("Go live").click()
    await stands_at(ana, 0, 2)
    await expect(ana.button("Live")).to_be_visible()


@pytest.mark.parametrize("name", ["index.m3u8", "index.mpd"])
async def test_a_live_stream_that_offers_no_more_than_players_need_has_no_bar(
    installation: Installation, origin: Origin, chromium: Browser, room: str, name: str
) -> None:
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana")
    await ana.add(origin.url(f"live/{name}"))
    await ana.playing()
    await ana.until(IN_BAND)
    await expect(ana.button("Live")).to_be_visible()
    await expect(bar(ana)).to_have_count(0)
    await ana.paste(origin.url("clip.mp4"))
    await ana.page.get_by_role("tab", name="Queue").click()
    await ana.page.get_by_role("button", name="Play now").last.click()
    await expect(bar(ana)).to_be_enabled(timeout=20_000)
