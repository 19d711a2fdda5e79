"""What people do in a room, by the names on the screen."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Browser, expect

from tests.support.installation import Installation
from tests.support.origin import Origin
from tests.support.page import PHONE, Person

KINDS = {
    "direct MP4": "clip.mp4",
    "direct WebM": "clip.webm",
    "HLS with TS segments": "hls/360/index.m3u8",
    "HLS with fMP4 segments": "hls/fmp4/index.m3u8",
    "HLS master": "hls/master.m3u8",
    "DASH with templates": "dash/template.mpd",
    "DASH with base URLs": "dash/base.mpd",
    "a pair as YouTube has it": "watch/pair.kinds",
    "a pair whose links want headers": "watch/headers.kinds",
    "a live stream": "watch/live.kinds",
}


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_of_stream_plays(
    kind: str, installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana")
    await ana.add(origin.url(KINDS[kind]))
    await ana.playing()
    frames = (await ana.sample()).frames
    await asyncio.sleep(1.5)
    assert (await ana.sample()).frames > frames
    assert ana.errors == []


async def test_a_pasted_link_makes_a_room_that_plays(
    installation: Installation, origin: Origin, chromium: Browser
) -> None:
    page = await chromium.new_page()
    await page.goto(installation.shared_url)
    await page.get_by_role("textbox", name="Paste a link, or name a room").fill(origin.url("clip.mp4"))
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile(r"/room/[A-Za-z0-9_-]+"))
    name = page.get_by_role("textbox", name="Your name")
    await expect(name).to_be_visible()
    await name.fill("Ana")
    await page.keyboard.press("Enter")
    await Person(page, "Ana").playing()


async def test_a_name_makes_a_room_of_that_name(installation: Installation, chromium: Browser, room: str) -> None:
    page = await chromium.new_page()
    await page.goto(installation.shared_url)
    await page.get_by_role("textbox", name="Paste a link, or name a room").fill(room)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/room/{room}*")


async def test_what_is_next_starts_by_itself(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana")
    ben = await Person.enter(chromium, installation.urls[1], room, "Ben")
    await ana.add(origin.url("clip.mp4"))
    await ana.playing()
    await ben.add(origin.url("hls/master.m3u8"))
    await expect(ana.page.get_by_role("list", name="Queue").get_by_role("listitem")).to_have_count(2)
    await ana.page.keyboard.press("9")
    await asyncio.gather(*(person.until("() => window.__wt.player.engine === 'hls'", 40) for person in (ana, ben)))
    await asyncio.gather(ana.playing(), ben.playing())
    await expect(ben.page.get_by_role("list", name="Queue").get_by_role("listitem")).to_have_count(1)


async def test_a_reload_comes_back_to_where_the_room_is(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana")
    await ana.add(origin.url("watch/pair.reload"))
    await ana.playing()
    await ana.page.keyboard.press("5")
    await ana.near(34, within_s=4)
    await ana.page.reload()
    await ana.live()
    await ana.playing()
    assert (await ana.sample()).position > 30


async def test_dragging_gives_the_queue_a_new_order_for_all(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana")
    ben = await Person.enter(chromium, installation.urls[1], room, "Ben")
    for name in ("clip.mp4", "clip.webm", "hls/master.m3u8"):
        await ana.add(origin.url(name))
    items = ana.page.get_by_role("list", name="Queue").get_by_role("listitem")
    await expect(items).to_have_count(3)
    await ana.playing()
    before = await ben.page.evaluate("() => window.__wt.replica.room?.queue ?? window.__wt.replica.queue")
    ids = [item["id"] for item in before]
    handles = ana.page.get_by_role("list", name="Queue").get_by_role("button", name=re.compile("^(Drag|Move|Reorder)"))
    source, target = handles.nth(await handles.count() - 1), handles.nth(await handles.count() - 2)
    pictures = items.locator(".aspect-video")
    # At the grip, and back at the picture.
    for taken, put, wanted in (
        (source, target, [ids[0], ids[2], ids[1]]),
        (pictures.nth(2), pictures.nth(1), [ids[0], ids[1], ids[2]]),
    ):
        start, end = await taken.bounding_box(), await put.bounding_box()
        assert start is not None
        assert end is not None
        await ana.page.mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
        await ana.page.mouse.down()
        await ana.page.mouse.move(end["x"] + end["width"] / 2, end["y"] - 4, steps=12)
        await asyncio.sleep(0.3)
        await ana.page.mouse.up()
        for person in (ana, ben):
            await person.until(
                "() => JSON.stringify((window.__wt.replica.room?.queue ?? window.__wt.replica.queue).map((i) => i.id))"
                f" === '{str(wanted).replace(chr(39), chr(34)).replace(' ', '')}'"
            )


async def test_a_link_that_fails_says_why_and_what_to_do(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana")
    await ana.add(origin.url("watch/age.words"))
    await expect(ana.page.get_by_text(re.compile("sign(ed)?.in", re.IGNORECASE)).first).to_be_visible(timeout=20_000)
    await expect(ana.button("Try again").first).to_be_visible()
    await ana.add(origin.url("clip.mp4"))
    await ana.playing()
    # It stays in the queue for another try, and nobody waits for it.
    await expect(ana.page.get_by_text("1 can’t be played")).to_be_visible()
    await expect(ana.page.get_by_text("to come")).to_have_count(0)
    await expect(ana.page.get_by_text("Up next")).to_have_count(0)


async def test_people_are_listed_and_leave_the_list(installation: Installation, chromium: Browser, room: str) -> None:
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana")
    ben = await Person.enter(chromium, installation.urls[1], room, "Ben")
    await ana.page.get_by_role("tab", name="People").click()
    people = ana.page.get_by_role("list", name="People")
    await expect(people.get_by_role("listitem")).to_have_count(2)
    await expect(people).to_contain_text("Ben")
    await ben.page.context.close()
    await expect(people.get_by_role("listitem")).to_have_count(1, timeout=15_000)


async def test_two_people_watch_on_phones(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana", size=PHONE)
    ben = await Person.enter(chromium, installation.urls[1], room, "Ben", size=PHONE)
    await ana.add(origin.url("hls/master.m3u8"))
    await asyncio.gather(ana.playing(), ben.playing())
    await ana.press("Pause")
    await asyncio.gather(ana.paused(), ben.paused())
    width = await ana.page.evaluate("() => document.documentElement.scrollWidth")
    assert width <= PHONE[0]
