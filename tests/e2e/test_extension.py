"""The extension in a real Chromium, from its button to a picture that moves. See `extended` for what is granted."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Literal

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.e2e.conftest import local_settings
from tests.support.axe import violations
from tests.support.extension import Extended, extended
from tests.support.installation import Installation
from tests.support.origin import Origin
from tests.support.page import Person
from tests.support.popup import Popup

SITE = "127.0.0.1"
SWITCH = f"Share my sign-in to {SITE}"
NAMES = "__Host-chip, __Secure-mark, session"


@pytest_asyncio.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Extended]:
    async with extended(tmp_path / "profile", granted=[f"*://{SITE}/*"]) as running:
        yield running


@pytest.fixture
def value() -> str:
    """Of a cookie, for the origin to accept and for nobody to see."""
    return f"sample-{secrets.token_hex(8)}"


async def enter(browser: Extended, address: str, room: str) -> Person:
    """Ana, in the browser with the extension."""
    person = Person(await browser.context.new_page(), "Ana")
    await person.page.goto(f"{address}/room/{room}?name=Ana")
    await person.live()
    return person


async def connect(browser: Extended, person: Person) -> Popup:
    """Connect the browser by the code that the page shows."""
    await person.button("Settings").first.click()
    await person.page.get_by_role("button", name="Your sign-ins").click()
    await person.button("Connect a browser").click()
    await expect(person.page.get_by_label("Code for the extension")).to_be_visible()
    popup = await browser.popup(person.page)
    await popup.click("Connect")
    await popup.shows("Connected to")
    return popup


async def share(popup: Popup) -> None:
    """Turn the site on by its address, and wait until its cookies are on the server."""
    await popup.fill("Another site’s address", f"http://{SITE}/somewhere")
    await popup.click("Turn on")
    await popup.shows("Sent just now")


async def come_true(
    condition: Callable[[], Awaitable[bool]], timeout_s: float, failure: str, *, each_s: float = 0.2
) -> None:
    """Wait until it holds, looking `each_s` apart: a server has limits for who asks too often."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while not await condition():
        assert asyncio.get_running_loop().time() < deadline, failure
        await asyncio.sleep(each_s)


async def sign_in(browser: Extended, origin: Origin, value: str) -> Page:
    return await browser.page(origin.url(f"/sign-in/{value}"))


async def sent_to(origin: Origin, installation: Installation, person: Person, wanted: str) -> bool:
    """Whether the server opens a link of the site with the cookie `wanted`, by now."""
    link = origin.url(f"/watch/premium.{secrets.token_hex(4)}")
    answer = await person.page.context.request.post(
        f"{installation.url()}/api/resolve", data=json.dumps({"url": link, "own": True})
    )
    assert answer.ok, await answer.text()
    return any(f"session={wanted}" in seen.headers.get("cookie", "") for seen in origin.requests(_document(link)))


def _document(link: str) -> str:
    return f"/api/video/{link.rpartition('/')[2]}"


async def test_from_nothing_to_a_video_that_wants_a_sign_in_takes_five_clicks(
    installation: Installation, origin: Origin, browser: Extended, room: str, value: str
) -> None:
    (await sign_in(browser, origin, value)).on("console", lambda entry: browser.said.append(entry.text))
    ana = await enter(browser, installation.url(), room)
    await ana.page.get_by_role("textbox", name="Paste a link").fill(origin.url(f"/watch/cookie.{room}"))
    await ana.page.keyboard.press("Enter")
    await expect(ana.button("Share your cookies").first).to_be_visible(timeout=30_000)
    before = await ana.page.content()

    clicks = 0
    await ana.button("Share your cookies").first.click()
    clicks += 1
    await expect(ana.page.get_by_label("Code for the extension")).to_be_visible()
    popup = await browser.popup(ana.page)
    clicks += 1
    await popup.click("Connect")
    clicks += 1
    await popup.shows("Connected to")
    await popup.shows("The video that you want to watch needs it.")
    assert json.loads(await browser.stored())["state"]["sites"] == {}
    await popup.click(SWITCH)
    clicks += 1
    # And once more for the browser's own question.
    clicks += 1
    await ana.playing()
    assert clicks < 6

    await popup.shows("Sent just now")
    assert await popup.is_on(SWITCH)
    assert await popup.evaluate("document.querySelector('.names').textContent") == NAMES
    written = [before, await ana.page.content(), await popup.html(), await browser.stored(), installation.written()]
    assert not [text for text in (*written, *browser.said, *ana.errors) if value in text]


@pytest.mark.timeout(150)
async def test_a_change_is_sent_though_the_worker_that_saw_it_was_killed_or_the_server_was_away(
    installation: Installation, origin: Origin, browser: Extended, room: str, value: str, tmp_path: Path
) -> None:
    # A browser lets an alarm wait for half a minute: both wait for theirs at the same time, in browsers of their own.
    async with extended(tmp_path / "other", granted=[f"*://{SITE}/*"]) as other, asyncio.TaskGroup() as stories:
        stories.create_task(the_next_worker_sends_what_a_killed_one_saw(installation, origin, browser, room, value))
        stories.create_task(a_server_that_was_away_gets_what_changed_meanwhile(origin, other, room, value, tmp_path))


async def the_next_worker_sends_what_a_killed_one_saw(
    installation: Installation, origin: Origin, browser: Extended, room: str, value: str
) -> None:
    site = await sign_in(browser, origin, value)
    ana = await enter(browser, installation.url(), room)
    popup = await connect(browser, ana)
    await share(popup)
    await popup.close()
    await site.goto(origin.url("/sign-in/sample-second"))

    async def noticed() -> bool:
        site_state = json.loads(await browser.stored())["state"]["sites"][SITE]
        return site_state["changedAt"] is not None

    await come_true(noticed, 10, "the change was not noticed")
    await browser.kill_worker()
    # The timer died with the worker. The alarm comes half a minute after the change.
    await come_true(
        lambda: sent_to(origin, installation, ana, "sample-second"), 60, "the change was not sent", each_s=2
    )


async def a_server_that_was_away_gets_what_changed_meanwhile(
    origin: Origin, browser: Extended, room: str, value: str, tmp_path: Path
) -> None:
    installation = Installation(tmp_path / "data", settings=local_settings(origin))
    try:
        await asyncio.to_thread(installation.start)
        site = await sign_in(browser, origin, value)
        ana = await enter(browser, installation.url(), room)
        popup = await connect(browser, ana)
        await share(popup)
        await popup.close()
        installation.kill_everything()
        await site.goto(origin.url("/sign-in/sample-meanwhile"))
        popup = await browser.popup(site)
        await popup.shows("The server does not answer. It is tried again by itself.", timeout_s=40)
        await asyncio.to_thread(installation.start)
        # By the alarm, half a minute after the first attempt.
        await popup.shows("Sent just now", timeout_s=60)
        assert await sent_to(origin, installation, ana, "sample-meanwhile")
    finally:
        installation.kill()


async def test_turning_a_site_off_deletes_its_cookies_on_the_server(
    installation: Installation, origin: Origin, browser: Extended, room: str, value: str
) -> None:
    await sign_in(browser, origin, value)
    ana = await enter(browser, installation.url(), room)
    popup = await connect(browser, ana)
    await share(popup)
    await expect(ana.page.get_by_role("list", name="Sites")).to_contain_text(SITE)
    await popup.click(SWITCH)
    await expect(ana.page.get_by_role("list", name="Sites")).to_have_count(0)
    granted = await (await browser.worker()).evaluate("async () => (await chrome.permissions.getAll()).origins")
    assert granted == []


async def test_a_link_without_a_room_is_brought_to_the_list_of_rooms(
    installation: Installation, origin: Origin, browser: Extended, room: str
) -> None:
    link = origin.url(f"/watch/progressive.{room}", t=1)
    landing = await browser.page(f"{installation.url()}/?add={link.replace('?', '%3F').replace('=', '%3D')}")
    field = landing.get_by_role("textbox", name="Paste a link, or name a room")
    await expect(field).to_have_value(link)
    await field.fill(room)
    await landing.get_by_role("button", name="Open the room").click()
    await landing.get_by_role("textbox", name="Your name").fill("Ana")
    await landing.get_by_role("button", name="Join").click()
    await expect(landing.get_by_role("dialog", name="Add this link?")).to_contain_text(link, timeout=20_000)


async def test_a_code_can_be_typed_and_axe_objects_to_nothing(
    installation: Installation, browser: Extended, room: str
) -> None:
    ana = await enter(browser, installation.url(), room)
    window = await browser.page(f"chrome-extension://{browser.id}/popup.html")
    found = await _judged(window)
    await window.get_by_role("textbox", name="Address of the page").fill("not an address")
    await window.get_by_role("textbox", name="Code").fill("ABCD-EFGH")
    await window.get_by_role("button", name="Connect").click()
    await expect(window.get_by_role("alert").last).to_contain_text("That is no address")
    await window.get_by_role("textbox", name="Address of the page").fill(installation.url())
    await window.get_by_role("button", name="Connect").click()
    await expect(window.get_by_role("alert").first).to_contain_text("This code is wrong, used, or older")
    answer = await ana.page.context.request.post(f"{installation.url()}/api/browsers/code")
    await window.get_by_role("textbox", name="Code").fill((await answer.json())["code"].lower())
    await window.get_by_role("button", name="Connect").click()
    await expect(window.get_by_role("switch", name=SWITCH.replace(SITE, "youtube.com"))).to_be_visible()
    found += await _judged(window)
    assert found == []
    await window.set_viewport_size({"width": 320, "height": 500})
    assert await window.evaluate("document.documentElement.scrollWidth") <= 320


async def test_its_window_speaks_german_and_fits_a_narrow_screen(tmp_path: Path) -> None:
    site = {
        "isLeaving": False, "syncedAt": 1, "names": ["__Host-chip", "session"], "leftOut": 2, "fingerprint": "x",
        "changedAt": None, "waitingSince": None, "problem": None, "failures": 0, "isRushed": False, "retryAt": 0,
    }  # fmt: skip
    server = "http://a-very-long-host-name-of-somebodys-household.example.org:8000"
    state = {
        "pairing": {"server": server, "token": "wt1.a.b", "name": "Ana-Maria von und zu Hohenzollern-Sigmaringen"},
        "sites": {"video.example": site, "a.very-long-name-of-a-video-site.example": {**site, "problem": "too_large"}},
        "problem": "not_unpaired",
        "room": "a-very-long-name-of-a-room-that-does-not-want-to-come-to-an-end",
    }
    async with extended(tmp_path / "profile", language="de") as browser:
        await (await browser.worker()).evaluate("(state) => chrome.storage.local.set({ state })", state)
        window = await browser.page(f"chrome-extension://{browser.id}/popup.html")
        await expect(window.get_by_role("heading", name="Meine Anmeldung teilen")).to_be_visible()
        assert await window.locator("html").get_attribute("lang") == "de"
        await window.set_viewport_size({"width": 320, "height": 500})
        assert await window.evaluate("document.documentElement.scrollWidth") <= 320
        assert await _judged(window) == []


async def _judged(window: Page) -> list[object]:
    found: list[object] = []
    schemes: list[Literal["light", "dark"]] = ["light", "dark"]
    for scheme in schemes:
        await window.emulate_media(color_scheme=scheme)
        found += await violations(window)
    return found
