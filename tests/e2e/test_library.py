"""Playlists and the watch history on the page: from a queue into a playlist, from there into a room."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from playwright.async_api import Browser, Locator, Page, expect

from tests.support.axe import violations
from tests.support.installation import Installation
from tests.support.origin import Origin
from tests.support.page import Person


async def library_of(page: Page) -> Locator:
    await page.get_by_role("button", name="Your library", exact=True).click()
    dialog = page.get_by_role("dialog", name="Your library")
    await expect(dialog).to_be_visible()
    return dialog


async def order_of(page: Page, base: str) -> list[str]:
    """The links of one's only playlist, by their queries, as the server has them."""
    asked = page.context.request
    (line,) = (await (await asked.get(f"{base}/api/playlists")).json())["playlists"]
    playlist = await (await asked.get(f"{base}/api/playlists/{line['id']}")).json()
    return [item["url"].rpartition("?")[2] for item in playlist["items"]]


async def poll(ask: Callable[[], Awaitable[list[str]]], wanted: list[str]) -> None:
    """Wait until it is what is wanted, for at most five seconds."""
    for _ in range(50):
        if (found := await ask()) == wanted:
            return
        await asyncio.sleep(0.1)
    assert found == wanted


async def test_a_queue_becomes_a_playlist_and_the_playlist_a_room(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana")
    page = ana.page
    await ana.add(origin.url("clip.mp4?one"))
    await ana.playing()
    await ana.add(origin.url("clip.mp4?two"))
    queue = page.get_by_role("list", name="Queue").get_by_role("listitem")
    await expect(queue).to_have_count(2)

    # The queue into a new playlist, which is then named, ordered and added to.
    await ana.button("Save as playlist").click()
    dialog = page.get_by_role("dialog", name="Your library")
    await expect(dialog).to_contain_text("Add these 2 links to…")
    await dialog.get_by_role("textbox", name="Name of a new playlist").fill("Friday")
    await dialog.get_by_role("button", name="Create").click()
    await expect(dialog.get_by_text("Added to “Friday”.")).to_be_visible()
    links = dialog.get_by_role("list", name="Links of Friday").get_by_role("listitem")
    await expect(links).to_have_count(2)
    field = dialog.get_by_role("textbox", name="Link for this playlist")
    await field.fill("nothing")
    await dialog.get_by_role("button", name="Add to playlist").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("That is not a link")
    await field.fill(origin.url("clip.mp4?three"))
    await field.press("Enter")
    await expect(links).to_have_count(3)
    await links.nth(2).locator("[aria-roledescription=sortable]").focus()
    await page.keyboard.press("Alt+ArrowUp")
    await poll(lambda: order_of(page, installation.urls[0]), ["one", "three", "two"])
    await dialog.get_by_role("button", name="More", exact=True).click()
    await page.get_by_role("menuitem", name="Rename").click()
    await dialog.get_by_role("textbox", name="Name of this playlist").fill("Saturday")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_role("heading", name="Saturday")).to_be_visible()
    assert await violations(page) == []

    # Into the queue of this room, behind what is there.
    await dialog.get_by_role("button", name="Add all to the queue").click()
    await expect(dialog.get_by_text("“Saturday” is in the queue.")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(queue).to_have_count(5)

    # On a phone, from the list of rooms: a new room that plays it.
    await page.set_viewport_size({"width": 320, "height": 640})
    await page.goto(f"{installation.urls[0]}/")
    dialog = await library_of(page)
    await dialog.get_by_role("button", name="Open Saturday").click()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
    assert await violations(page) == []
    await dialog.get_by_role("button", name="Play all").click()
    await page.wait_for_url("**/room/*")
    await ana.live()
    await ana.playing()
    await expect(page.get_by_role("list", name="Queue").get_by_role("listitem")).to_have_count(3)

    # Deleted, after a question.
    dialog = await library_of(page)
    await dialog.get_by_role("button", name="Open Saturday").click()
    await dialog.get_by_role("button", name="More", exact=True).click()
    await page.get_by_role("menuitem", name="Delete playlist").click()
    asking = page.get_by_role("dialog", name="Delete “Saturday”?")
    await asking.get_by_role("button", name="Delete playlist").click()
    await expect(page.get_by_text("No playlists yet.", exact=False)).to_be_visible()
    assert ana.errors == []


async def test_what_was_watched_is_in_ones_own_history_until_it_is_cleared(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana")
    ben = await Person.enter(chromium, installation.urls[1], room, "Ben")
    await ana.add(origin.url("clip.mp4?film"))
    await asyncio.gather(ana.playing(), ben.playing())
    for person in (ana, ben):
        dialog = await library_of(person.page)
        await dialog.get_by_role("tab", name="History").click()
        for _ in range(20):
            if await dialog.get_by_role("list", name="History").count():
                break
            await person.page.wait_for_timeout(500)
            await dialog.get_by_role("tab", name="Playlists").click()
            await dialog.get_by_role("tab", name="History").click()
            await person.page.wait_for_timeout(300)
        await expect(dialog.get_by_role("list", name="History").get_by_role("listitem")).to_have_count(1)
        await expect(dialog).to_contain_text(f"Room {room}")
        assert await violations(person.page) == []

    dialog = ana.page.get_by_role("dialog", name="Your library")
    await dialog.get_by_role("switch", name="Note what I watch").click()
    await dialog.get_by_role("button", name="Clear history").click()
    asking = ana.page.get_by_role("dialog", name="Clear your history?")
    await asking.get_by_role("button", name="Clear history").click()
    await expect(dialog.get_by_text("No history is kept.")).to_be_visible()
    his = ben.page.get_by_role("dialog", name="Your library")
    await expect(his.get_by_role("list", name="History").get_by_role("listitem")).to_have_count(1)
    assert [person.errors for person in (ana, ben)] == [[], []]


async def test_a_link_that_is_pasted_anywhere_goes_into_the_queue(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana")
    paste = """(text) => {
      const clipboard = new DataTransfer();
      clipboard.setData("text", text);
      document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: clipboard, bubbles: true }));
    }"""
    await ana.page.evaluate(paste, "just words")
    await ana.page.evaluate(paste, origin.url("clip.mp4?pasted"))
    await expect(ana.page.get_by_text("What you pasted is in the queue.")).to_be_visible()
    await ana.playing()
    await expect(ana.page.get_by_role("list", name="Queue").get_by_role("listitem")).to_have_count(1)
