"""Fingers, small screens, a browser that wants a tap before it is heard, and another language."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import Browser, CDPSession, expect

from tests.support import page as browsers
from tests.support.installation import Installation
from tests.support.origin import Origin
from tests.support.page import PHONE, Person

SILENT_S = 6.0
_OUTSIDE = """() => [...document.querySelectorAll('button, input, a, [role=tab], [role=slider]')]
  .filter((element) => element.checkVisibility({ opacityProperty: false, visibilityProperty: true }))
  .map((element) => [element.getAttribute('aria-label') ?? element.textContent, element.getBoundingClientRect()])
  .filter(([, box]) => box.width > 1 && (box.left < -0.5 || box.right > innerWidth + 0.5))
  .map(([name, box]) => `${name}: ${Math.round(box.left)} to ${Math.round(box.right)}`)"""


class Finger:
    """One finger on a touch screen, in shares of the picture."""

    def __init__(self, session: CDPSession, box: dict[str, float]) -> None:
        self._session = session
        self._box = box

    @classmethod
    async def on(cls, person: Person) -> Finger:
        session = await person.page.context.new_cdp_session(person.page)
        box: Any = await person.page.locator('video[data-role="stage"]').bounding_box()
        return cls(session, box)

    async def _send(self, kind: str, *points: tuple[float, float]) -> None:
        box = self._box
        places = [{"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]} for x, y in points]
        await self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    async def tap(self, x: float, y: float) -> None:
        await self._send("touchStart", (x, y))
        await self._send("touchEnd")

    async def tap_at(self, x: float, y: float) -> None:
        """At a point of the window."""
        await self._session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        await self._session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    async def swipe(self, x: float, from_y: float, to_y: float) -> None:
        await self._send("touchStart", (x, from_y))
        for step in range(1, 9):
            await self._send("touchMove", (x, from_y + (to_y - from_y) * step / 8))
        await self._send("touchEnd")


async def test_two_taps_skip_and_a_swipe_sets_the_volume(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana", size=PHONE, has_touch=True, is_mobile=True)
    await ana.add(origin.url("clip.mp4"))
    await ana.playing()
    await ana.page.get_by_role("button", name="Pause").tap()
    await ana.paused()
    finger = await Finger.on(ana)
    started = float(await ana.told("position"))
    for _ in range(2):
        await finger.tap(0.85, 0.4)
    await ana.until(f"() => Math.abs(window.__wt.position - {started + 10}) < 0.5")
    for _ in range(2):
        await finger.tap(0.15, 0.4)
    await ana.until(f"() => Math.abs(window.__wt.position - {started}) < 0.5")
    await finger.swipe(0.8, 0.3, 0.7)
    await ana.until(
        "() => { const { volume } = JSON.parse(localStorage['wt:prefs']); return volume > 0.3 && volume < 0.7; }"
    )
    assert ana.errors == []


async def test_a_thumb_finds_play_in_the_middle_of_the_picture_and_words_stand_clear_of_it(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana = await Person.enter(
        chromium, installation.urls[0], room, "Ana", size=(320, 640), has_touch=True, is_mobile=True
    )
    # Before there is a film there is nothing to play, and no bar that pretends otherwise.
    for name in ("Play", "Quality", "Full screen"):
        await expect(ana.button(name)).to_be_hidden()
    await ana.add(origin.url("clip.mp4"))
    await ana.playing()
    await ana.page.get_by_role("button", name="Pause").tap()
    await ana.paused()
    play: Any = await ana.button("Play").bounding_box()
    stage: Any = await ana.page.locator('video[data-role="stage"]').bounding_box()
    slider: Any = await ana.page.get_by_role("slider", name="Seek").bounding_box()
    assert min(play["width"], play["height"]) >= 44
    assert abs(play["x"] + play["width"] / 2 - (stage["x"] + stage["width"] / 2)) < 1
    assert play["y"] >= stage["y"]
    assert play["y"] + play["height"] <= slider["y"]
    await ana.button("Play").tap()
    await ana.playing()
    assert ana.errors == []


async def test_the_settings_keep_their_way_out_in_view(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana = await Person.enter(
        chromium, installation.urls[0], room, "Ana", size=(320, 640), has_touch=True, is_mobile=True
    )
    await ana.button("Settings").tap()
    dialog = ana.page.get_by_role("dialog", name="Settings")
    last = dialog.get_by_role("heading", name="In time")
    await last.scroll_into_view_if_needed()
    await expect(last).to_be_in_viewport()
    await expect(dialog.get_by_role("button", name="Close")).to_be_in_viewport(ratio=1)
    await dialog.get_by_role("button", name="Close").tap()
    await expect(dialog).to_have_count(0)
    await expect(ana.button("Settings")).to_be_focused()


async def test_a_phone_that_is_turned_shows_the_picture_alone_until_the_panel_is_asked_for(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana", size=PHONE, has_touch=True, is_mobile=True)
    await ana.add(origin.url("clip.mp4"))
    await ana.playing()
    panel = ana.page.get_by_role("tab", name="Queue")
    await expect(panel).to_be_visible()
    await ana.page.set_viewport_size({"width": PHONE[1], "height": PHONE[0]})
    await expect(panel).to_be_hidden()
    await ana.page.get_by_role("button", name="Show the panel").tap()
    await expect(panel).to_be_visible()
    await ana.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    await expect(panel).to_be_visible()
    assert ana.errors == []


async def test_at_320_px_nothing_stands_over_the_edge_and_all_can_be_reached(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana = await Person.enter(
        chromium, installation.urls[0], room, "Ana", size=(320, 640), has_touch=True, is_mobile=True
    )
    await ana.add(origin.url("watch/pair.small"))
    await ana.playing()
    assert await ana.page.evaluate(_OUTSIDE) == []
    for tab in ("Chat", "People"):
        await ana.page.get_by_role("tab", name=tab, exact=True).tap()
        assert await ana.page.evaluate(_OUTSIDE) == []
    assert await ana.page.evaluate("() => document.documentElement.scrollWidth") == 320
    # What has no place in the bar is in the settings.
    await ana.button("Settings").first.tap()
    dialog = ana.page.get_by_role("dialog", name="Settings")
    await expect(dialog.get_by_role("combobox", name="Language", exact=True)).to_be_visible()
    await dialog.get_by_role("combobox", name="Speed, for everyone").select_option("1.25")
    await ana.until("() => window.__wt.rate === 1.25")
    assert await ana.page.evaluate(_OUTSIDE) == []
    await dialog.get_by_role("button", name="Close").tap()
    await ana.button("Invite").tap()
    await expect(ana.page.get_by_role("dialog", name="Invite friends")).to_be_visible()
    assert await ana.page.evaluate(_OUTSIDE) == []


@pytest.mark.parametrize("link", ["clip.mp4", "hls/master.m3u8", "watch/pair.tap"])
async def test_where_sound_needs_a_tap_the_picture_starts_and_one_button_brings_it(
    link: str, installation: Installation, origin: Origin, room: str
) -> None:
    async with browsers.browser() as free, browsers.browser(may_autoplay=False) as strict:
        ana = await Person.enter(free, installation.urls[0], room, "Ana")
        await ana.add(origin.url(link))
        await ana.playing()
        page = await strict.new_page()
        # Of a pair it is the second element that is heard.
        await page.add_init_script("localStorage['wt:prefs'] ??= JSON.stringify({ joinsPairs: false })")
        ben = Person(page, "Ben")
        await page.goto(f"{installation.urls[1]}/room/{room}?name=Ben")
        # Whatever a test asks a page counts as a gesture: until the page has tried to play, it is asked nothing.
        await asyncio.sleep(SILENT_S)
        tap = ben.button("Tap for sound")
        await expect(tap).to_be_visible()
        is_heard = "() => [...document.querySelectorAll('video, audio')].some((media) => !media.muted && !media.paused)"
        assert await ben.page.evaluate(is_heard) is False
        await ben.playing()
        await tap.click()
        await expect(tap).to_have_count(0)
        await ben.until(is_heard)
        await ben.playing()
        assert await ana.button("Tap for sound").count() == 0


async def test_the_page_speaks_german_to_who_does_and_whatever_was_chosen(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana", locale="de-AT")
    page = ana.page
    await expect(page.get_by_role("tab", name="Liste")).to_be_visible()
    assert await page.evaluate("() => document.documentElement.lang") == "de"
    await page.get_by_role("textbox", name="Link einfügen").fill(origin.url("watch/geo.de"))
    await ana.button("Hinzufügen").click()
    await expect(page.get_by_text("im Land des Servers").first).to_be_visible(timeout=20_000)
    await ana.button("Einstellungen").click()
    dialog = page.get_by_role("dialog", name="Einstellungen")
    await dialog.get_by_role("combobox", name="Sprache der Seite").select_option("en")
    await expect(page.get_by_role("dialog", name="Settings")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("tab", name="Queue")).to_be_visible()
    await page.reload()
    await ana.live()
    await expect(page.get_by_role("tab", name=re.compile("Queue"))).to_be_visible()
    assert ana.errors == []
