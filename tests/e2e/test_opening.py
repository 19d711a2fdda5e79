"""What is seen before the page's scripts run, and how they take over from it."""

from __future__ import annotations

import asyncio

from playwright.async_api import Browser, Route, expect

from tests.support.installation import Installation
from tests.support.page import Person

_COUNT_SOCKETS = """
  const Own = window.WebSocket;
  window.WebSocket = class extends Own {
    constructor(...args) { super(...args); (window.sockets ??= []).push(args[0]); }
  };
"""
_NO_CLIPBOARD = "delete Navigator.prototype.clipboard;"
_SHIFTS = """
  window.shifts = 0;
  new PerformanceObserver((list) => list.getEntries().forEach((each) => { window.shifts += each.value; }))
    .observe({ type: 'layout-shift', buffered: true });
"""


async def test_the_first_page_and_a_room_show_themselves_without_a_script(
    installation: Installation, chromium: Browser, room: str
) -> None:
    context = await chromium.new_context(java_script_enabled=False, locale="de-AT")
    page = await context.new_page()
    await page.goto(installation.urls[0])
    await expect(page.get_by_role("heading", level=1)).to_contain_text("gemeinsam")
    await expect(page.get_by_role("textbox")).to_be_visible()
    await context.add_cookies([{"name": "wt_look", "value": "light.en", "url": installation.urls[0]}])
    await page.goto(f"{installation.urls[0]}/room/{room}")
    await expect(page.get_by_role("heading", name=room)).to_be_visible()
    await expect(page.get_by_text("Opening the room…")).to_be_visible()
    await expect(page.locator("html")).to_have_attribute("data-theme", "light")
    await expect(page.locator("html")).to_have_attribute("lang", "en")


async def test_what_is_typed_before_the_scripts_run_is_kept(installation: Installation, chromium: Browser) -> None:
    page = await chromium.new_page()
    await page.add_init_script(_SHIFTS)
    held = asyncio.Event()

    async def hold(route: Route) -> None:
        await held.wait()
        await route.continue_()

    await page.route("**/assets/main-*.js", hold)
    await page.goto(installation.urls[0], wait_until="commit")
    field = page.get_by_role("textbox")
    await field.fill("Film night")
    held.set()
    await expect(page.get_by_role("button", name="Your library")).to_be_visible()
    await expect(field).to_have_value("Film night")
    await expect(field).to_be_focused()
    await page.keyboard.type(" two")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/room/Film-night-two")
    assert await page.evaluate("window.shifts") < 0.02


async def test_one_socket_serves_from_the_first_script_on(
    installation: Installation, chromium: Browser, room: str
) -> None:
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana", script=_COUNT_SOCKETS + _SHIFTS)
    await ana.page.reload()
    await ana.live()
    assert len(await ana.page.evaluate("window.sockets")) == 1
    assert await ana.page.evaluate("window.shifts") < 0.02
    assert ana.errors == []


async def test_a_chosen_theme_and_language_are_there_before_the_scripts(
    installation: Installation, chromium: Browser, room: str
) -> None:
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana")
    await ana.button("Settings").click()
    dialog = ana.page.get_by_role("dialog", name="Settings")
    await dialog.get_by_role("button", name="Light").click()
    await dialog.get_by_role("combobox", name="Language of the page").select_option("de")
    await expect(ana.page.get_by_role("dialog", name="Einstellungen")).to_be_visible()
    answer = await ana.page.context.request.get(f"{installation.urls[0]}/room/{room}")
    assert '<html lang="de" data-theme="light">' in await answer.text()


async def test_an_address_that_leads_nowhere_says_so_and_the_way_out(
    installation: Installation, chromium: Browser
) -> None:
    page = await chromium.new_page()
    answer = await page.goto(f"{installation.urls[0]}/rooms/film")
    assert answer is not None
    assert answer.status == 404
    await expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    await page.goto(f"{installation.urls[0]}/room/film%20night")
    await expect(page.get_by_role("heading", name="No such room")).to_be_visible()
    await page.get_by_role("button", name="Other rooms").click()
    await expect(page.get_by_role("textbox", name="Paste a link, or name a room")).to_be_visible()
    await page.go_back()
    await expect(page.get_by_role("heading", name="No such room")).to_be_visible()


async def test_addresses_and_reports_are_copied_where_plain_http_has_no_clipboard(
    installation: Installation, chromium: Browser, room: str
) -> None:
    granted = ["clipboard-read", "clipboard-write"]
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana", script=_NO_CLIPBOARD, permissions=granted)
    assert await ana.page.evaluate("navigator.clipboard") is None
    await ana.button("Invite").click()
    await ana.button("Copy").click()
    await expect(ana.button("Copied")).to_be_visible()
    await ana.page.keyboard.press("Escape")
    # What was copied is pasted where it can be read.
    field = ana.page.get_by_role("textbox", name="Paste a link")
    await field.focus()
    await ana.page.keyboard.press("Control+v")
    await expect(field).to_have_value(f"{installation.urls[0]}/room/{room}")
    assert ana.errors == []
    await ana.page.goto(f"{installation.urls[0]}/doctor")
    await ana.button("Copy for a report").click()
    await expect(ana.button("Copied")).to_be_visible()
