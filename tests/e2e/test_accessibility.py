"""The main screens, in both themes, have nothing that axe objects to. Pictures go to `WT_SCREENSHOTS`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page

from tests.support.axe import violations
from tests.support.installation import Installation
from tests.support.page import Person


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


async def test_axe_objects_to_nothing_in_a_room_its_dialogs_and_the_list_of_rooms(
    installation: Installation, chromium: Browser, room: str
) -> None:
    looker = Looker("desktop")
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana", size=(1280, 800))
    page = ana.page
    await looker.look(page, "room-empty")
    for name in ("Settings", "Invite"):
        await ana.button(name).first.click()
        await page.get_by_role("dialog").wait_for()
        await looker.look(page, f"dialog-{name.lower()}")
        await page.keyboard.press("Escape")
        await page.get_by_role("dialog").wait_for(state="detached")
    await page.keyboard.press("?")
    await page.get_by_role("dialog", name="Keys").wait_for()
    await looker.look(page, "dialog-keys")
    await page.goto(f"{installation.urls[0]}/")
    await page.get_by_role("textbox").first.wait_for()
    await looker.look(page, "landing")
    assert looker.found == []
