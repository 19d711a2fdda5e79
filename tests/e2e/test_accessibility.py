"""No screen, in either theme, has anything that axe objects to. Pictures go to `WT_SCREENSHOTS`."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.axe import violations
from tests.support.installation import Installation
from tests.support.origin import Origin
from tests.support.page import DESKTOP, PHONE, Person

LANDSCAPE = (844, 390)
SMALL = (320, 640)
# Ended by a page's script: the socket is gone as when the network is, and comes back when it is allowed to.
_NO_SOCKETS = """
  const Own = window.WebSocket;
  window.WebSocket = class extends Own {
    constructor(...args) { super(...args); (window.sockets ??= []).push(this); if (window.isCut) this.close(); }
  };
"""


class Looker:
    """Judges each screen in both themes, and keeps pictures where somebody wants to look."""

    def __init__(self, size: str) -> None:
        self.size = size
        self.found: list[str] = []
        folder = os.environ.get("WT_SCREENSHOTS")
        self.folder = Path(folder) if folder else None

    async def look(self, page: Page, screen: str) -> None:
        for theme in ("dark", "light"):
            await page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
            for each in await violations(page):
                self.found.append(f"{screen}, {self.size}, {theme}: {each['id']}: {each['help']}: {each['nodes']}")
            if self.folder is not None:
                self.folder.mkdir(parents=True, exist_ok=True)
                await page.screenshot(path=self.folder / f"{screen}-{self.size}-{theme}.png")


async def look_at_dialog(looker: Looker, person: Person, opener: str, screen: str) -> None:
    """Open a dialog by a button of the page, judge it, close it by the keyboard; the focus goes back."""
    button = person.button(opener).first
    await button.click()
    await expect(person.page.get_by_role("dialog")).to_be_visible()
    await looker.look(person.page, screen)
    await person.page.keyboard.press("Escape")
    await expect(person.page.get_by_role("dialog")).to_have_count(0)
    await expect(button).to_be_focused()


@pytest.mark.parametrize(
    ("size", "name"), [(DESKTOP, "desktop"), (PHONE, "phone"), (LANDSCAPE, "landscape"), (SMALL, "small")]
)
async def test_axe_objects_to_nothing_in_a_room(
    installation: Installation, origin: Origin, chromium: Browser, room: str, size: tuple[int, int], name: str
) -> None:
    looker = Looker(name)
    device: dict[str, Any] = {} if name == "desktop" else {"has_touch": True, "is_mobile": True}
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana", size=size, script=_NO_SOCKETS, **device)
    page = ana.page
    await looker.look(page, "room-empty")
    await ana.paste(origin.url("watch/pair.axe"))
    await ana.playing()
    await ana.paste(origin.url("clip.webm"))
    await ana.paste(origin.url("watch/age.axe"))
    await ana.until("() => window.__wt.replica.queue.length === 3 && window.__wt.replica.queue[2].status === 'failed'")
    await looker.look(page, "room-playing")
    if name != "landscape":
        for tab in ("Chat", "People", "Queue"):
            await page.get_by_role("tab", name=tab, exact=True).click()
            await looker.look(page, f"tab-{tab.lower()}")
        for opener in ("Settings", "Invite"):
            await look_at_dialog(looker, ana, opener, f"dialog-{opener.lower()}")
    for menu in ("Quality", "Subtitles"):
        await ana.press(menu)
        await expect(page.get_by_role("menu")).to_be_visible()
        await looker.look(page, f"menu-{menu.lower()}")
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("menu")).to_have_count(0)
    if name == "desktop":
        await ana.key("?")
        await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
        await looker.look(page, "dialog-keys")
        await page.keyboard.press("Escape")
        await ana.key("Shift+D")
        await expect(page.get_by_role("region", name="Figures")).to_be_visible()
        await looker.look(page, "figures")
        await ana.key("Shift+D")
        await ana.key("t")
        await looker.look(page, "theatre")
        await ana.key("t")
    await page.evaluate("() => { window.isCut = true; window.sockets.forEach((each) => each.close()); }")
    await ana.until("() => window.__wt.connection === 'reconnecting'")
    await looker.look(page, "room-reconnecting")
    assert not looker.found, "\n".join(looker.found)


@pytest.mark.parametrize(("size", "name"), [(DESKTOP, "desktop"), (PHONE, "phone")])
async def test_axe_objects_to_nothing_before_a_room_and_after_it(
    installation: Installation, origin: Origin, chromium: Browser, room: str, size: tuple[int, int], name: str
) -> None:
    looker = Looker(name)
    base = installation.urls[0]
    visitor = await chromium.new_page(viewport={"width": size[0], "height": size[1]})
    await visitor.goto(f"{base}/")
    await visitor.get_by_role("textbox").first.wait_for()
    await looker.look(visitor, "landing")
    await visitor.goto(f"{base}/doctor")
    await visitor.get_by_role("button", name="Copy for a report").and_(visitor.locator(":enabled")).wait_for()
    await looker.look(visitor, "doctor")
    await visitor.goto(f"{base}/room/{room}")
    await visitor.get_by_role("dialog").wait_for()
    await looker.look(visitor, "name")

    ana = await Person.enter(chromium, base, room, "Ana", size=size)
    await ana.add(origin.url("watch/age.ways"))
    await ana.button("Share your cookies").first.click()
    await expect(ana.page.get_by_role("dialog", name="Your sign-ins")).to_be_visible()
    await looker.look(ana.page, "dialog-sign-ins")
    await ana.page.keyboard.press("Escape")
    await looker.look(ana.page, "room-failed")

    ben = await Person.enter(chromium, base, room, "Ben", size=size)
    await ana.page.get_by_role("tab", name="People", exact=True).click()
    await ana.button("Manage Ben").click()
    await expect(ana.page.get_by_role("menu")).to_be_visible()
    await looker.look(ana.page, "menu-member")
    await ana.page.get_by_role("menuitem", name="Kick", exact=True).click()
    await expect(ben.page.get_by_role("heading", name="You were sent out")).to_be_visible()
    await looker.look(ben.page, "kicked")
    await ben.button("Come back").click()
    await ben.live()
    await ana.button("Manage Ben").click()
    await ana.page.get_by_role("menuitem", name="Ban", exact=True).click()
    confirm = ana.page.get_by_role("dialog", name="Ban Ben?")
    await expect(confirm).to_be_visible()
    await looker.look(ana.page, "dialog-ban")
    await confirm.get_by_role("button", name="Ban", exact=True).click()
    await expect(ben.page.get_by_role("heading", name="You are banned")).to_be_visible()
    await looker.look(ben.page, "banned")

    await ana.button("Settings").first.click()
    settings = ana.page.get_by_role("dialog", name="Settings")
    await expect(settings.get_by_role("button", name="Let in again: Ben")).to_be_visible()
    await looker.look(ana.page, "dialog-settings-banned")
    await settings.get_by_label("Room password").fill("popcorn")
    await settings.get_by_role("button", name="Set", exact=True).click()
    await expect(settings.get_by_role("button", name="Remove")).to_be_visible()
    await visitor.get_by_role("textbox", name="Your name").fill("Cleo")
    await visitor.keyboard.press("Enter")
    await expect(visitor.get_by_role("heading", name="This room has a password")).to_be_visible()
    await visitor.get_by_label("Password").fill("no")
    await visitor.get_by_role("button", name="Come in").click()
    await expect(visitor.get_by_role("alert")).to_contain_text(re.compile("not the password"))
    await looker.look(visitor, "password")
    assert not looker.found, "\n".join(looker.found)
