"""The extension in a real Firefox, where that differs from Chromium: grants, cookies, origin and background."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.firefox import Firefox, Tab, firefox, missing
from tests.support.installation import Installation
from tests.support.origin import Origin

SITE = "127.0.0.1"
SWITCH = f"Share my sign-in to {SITE}"

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


@pytest_asyncio.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Firefox]:
    # Its background is ended after two seconds of rest: before anything that it waits for.
    async with firefox(tmp_path / "profile", **{"extensions.background.idle.timeout": 2000}) as running:
        yield running


async def sent(page: Tab, origin: Origin, value: str, timeout_s: float) -> bool:
    """Whether the server opens links of the site with the cookie `value`, in time."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while asyncio.get_running_loop().time() < deadline:
        video = f"premium.{secrets.token_hex(4)}"
        body = json.dumps(json.dumps({"url": origin.url(f"/watch/{video}"), "own": True}))
        await page.evaluate(
            f"fetch('/api/resolve', {{ method: 'POST', body: {body} }}).then((answer) => answer.text())"
        )
        asked = origin.requests(f"/api/video/{video}")
        if any(f"session={value}" in seen.headers.get("cookie", "") for seen in asked):
            return True
        await asyncio.sleep(2)
    return False


@pytest.mark.timeout(180)
async def test_firefox_shares_a_sign_in_keeps_it_fresh_and_takes_it_back(
    installation: Installation, origin: Origin, browser: Firefox
) -> None:
    first, second = (f"sample-{secrets.token_hex(6)}" for _ in range(2))
    site = await browser.tab(origin.url(f"/sign-in/{first}"))
    page = await browser.tab(f"{installation.url()}/")
    await page.fetch("/api/session")
    code = (await page.fetch("/api/browsers/code", ""))["code"]

    popup = await browser.popup()
    await popup.fill("Address of the page", installation.url())
    await popup.fill("Code", code)
    await popup.click("Connect")
    await popup.shows(f"Connected to {installation.url().removeprefix('http://')}")
    granted = "chrome.permissions.getAll().then(({ origins }) => origins)"
    assert await popup.evaluate(granted) == []

    await popup.fill("Another site’s address", f"http://{SITE}/somewhere")
    await popup.click("Turn on")
    await popup.shows("Sent just now")
    assert await popup.evaluate(granted) == [f"*://{SITE}/*"]
    names = await popup.evaluate("document.querySelector('.names').textContent")
    assert {"session", "__Host-chip"} <= set(names.split(", "))
    assert await sent(page, origin, first, 20)
    connected = (await page.fetch("/api/browsers"))["browsers"]
    assert [each["name"] for each in connected] == ["Firefox on Linux"]

    await site.goto(origin.url(f"/sign-in/{second}"))
    assert await sent(page, origin, second, 70)
    told = await popup.evaluate("document.documentElement.outerHTML") + json.dumps(
        await popup.evaluate("chrome.storage.local.get()")
    )
    assert first not in told
    assert second not in told

    await popup.click(SWITCH)
    await popup.shows("Off")
    assert await popup.evaluate(granted) == []
    deadline = asyncio.get_running_loop().time() + 20
    while (await page.fetch("/api/cookies"))["sites"]:
        assert asyncio.get_running_loop().time() < deadline, "its cookies are still on the server"
        await asyncio.sleep(0.2)
