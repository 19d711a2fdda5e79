"""The page keeps to its own content security policy in everything it does."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.support.installation import Installation
from tests.support.origin import Origin
from tests.support.page import Person

_COLLECT = """
  window.violations = [];
  document.addEventListener("securitypolicyviolation", (event) =>
    window.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
"""


@pytest.mark.parametrize("link", ["hls/master.m3u8", "watch/pair.policy", "dash/template.mpd"])
async def test_playing_and_opening_menus_violates_nothing(
    installation: Installation, origin: Origin, chromium: Browser, room: str, link: str
) -> None:
    page = await chromium.new_page()
    await page.add_init_script(_COLLECT)
    ana = Person(page, "Ana")
    await page.goto(f"{installation.shared_url}/room/{room}?name=Ana")
    await ana.live()
    await ana.add(origin.url(link))
    await ana.playing()
    for name in ("Settings", "Quality", "Subtitles"):
        await ana.wake()
        if await ana.button(name).count():
            await ana.button(name).first.click()
            await page.wait_for_timeout(300)
            await page.keyboard.press("Escape")
    assert await page.evaluate("window.violations") == []
    assert ana.errors == []


async def test_every_place_and_dialog_violates_nothing(
    installation: Installation, chromium: Browser, room: str
) -> None:
    page = await chromium.new_page()
    await page.add_init_script(_COLLECT)
    ana = Person(page, "Ana")
    for path in ("/", "/doctor"):
        await page.goto(installation.shared_url + path)
        await page.wait_for_timeout(1500)
        assert await page.evaluate("window.violations") == []
    # The doctor asks for what must be refused.
    ana.errors.clear()
    await page.goto(f"{installation.shared_url}/room/{room}")
    await page.get_by_role("textbox", name="Your name").fill("Ana")
    await page.keyboard.press("Enter")
    await ana.live()
    for opener in ("Invite", "Settings", "Your library"):
        await ana.button(opener).first.click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
    await ana.key("?")
    await expect(page.get_by_role("dialog", name="Keys")).to_contain_text("Add a copied link")
    assert await page.evaluate("window.violations") == []
    assert ana.errors == []
