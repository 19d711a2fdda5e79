"""Every screen, in both themes and on a phone, has nothing that axe objects to. Pictures go to `WT_SCREENSHOTS`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.support.axe import violations
from tests.support.installation import Installation
from tests.support.origin import Origin
from tests.support.page import PHONE, Person

SIZES = {"desktop": (1280, 800), "phone": PHONE}


class Looker:
    """Judges each screen in both themes, and keeps pictures where somebody wants to look."""

    def __init__(self, size: str) -> None:
        self.size = size
        self.found: list[tuple[str, Any]] = []
        folder = os.environ.get("WT_SCREENSHOTS")
        self.folder = Path(folder) if folder else None

    async def look(self, page: Page, screen: str) -> None:
        for theme in ("dark", "light"):
            await page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
            self.found += [(f"{screen}, {self.size}, {theme}", each) for each in await violations(page)]
            if self.folder is not None:
                self.folder.mkdir(parents=True, exist_ok=True)
                await page.screenshot(path=self.folder / f"{screen}-{self.size}-{theme}.png")


@pytest.mark.parametrize("size", SIZES)
async def test_axe_objects_to_nothing_on_any_screen(
    size: str, installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    looker = Looker(size)
    base = installation.urls[0]
    ana = await Person.enter(chromium, base, room, "Ana", size=SIZES[size])
    page = ana.page
    await looker.look(page, "room-empty")
    await ana.add(origin.url("watch/pair.axe"))
    await ana.playing()
    await ana.add(origin.url("watch/private.axe"))
    await page.get_by_role("button", name="Try again").first.wait_for(timeout=30_000)
    await ana.press("Pause")
    await looker.look(page, "room-queue")
    await page.get_by_role("tab", name="Chat").click()
    await page.get_by_role("textbox", name="Message").fill("Hello there")
    await ana.button("Send").click()
    await page.get_by_text("Hello there").first.wait_for()
    await looker.look(page, "room-chat")
    await page.get_by_role("tab", name="People").click()
    await looker.look(page, "room-people")
    for name in ("Quality", "Subtitles"):
        await ana.press(name)
        await page.get_by_role("menu").wait_for()
        await looker.look(page, f"menu-{name.lower()}")
        await page.keyboard.press("Escape")
        await page.get_by_role("menu").wait_for(state="detached")
    for name in ("Settings", "Invite"):
        await ana.button(name).first.click()
        await page.get_by_role("dialog").wait_for()
        await looker.look(page, f"dialog-{name.lower()}")
        await page.keyboard.press("Escape")
        await page.get_by_role("dialog").wait_for(state="detached")
    await page.keyboard.press("?")
    await page.get_by_role("dialog", name="Keys").wait_for()
    await looker.look(page, "dialog-keys")
    await page.keyboard.press("Escape")
    await page.get_by_role("dialog").wait_for(state="detached")
    await page.keyboard.press("Shift+D")
    await page.get_by_role("region", name="Figures").wait_for()
    await looker.look(page, "figures")
    await page.goto(f"{base}/")
    await page.get_by_role("textbox").first.wait_for()
    await looker.look(page, "landing")
    await page.goto(f"{base}/doctor")
    await page.get_by_role("status").get_by_text("Everything works").wait_for(timeout=20_000)
    await looker.look(page, "doctor")
    stranger = await (await chromium.new_context(viewport=page.viewport_size)).new_page()
    await stranger.goto(f"{base}/room/{room}")
    await stranger.get_by_role("textbox", name="Your name").wait_for()
    await looker.look(stranger, "name")
    assert looker.found == []
