"""The page keeps to its own content security policy in everything it does."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

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
