"""Processes die, and people go on watching."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from playwright.async_api import Browser, expect

from tests.e2e.conftest import local_settings
from tests.support.installation import Installation
from tests.support.member import Member
from tests.support.origin import Origin
from tests.support.page import Person, spread


async def test_when_a_replica_is_killed_the_page_goes_on_at_the_other_without_starting_over(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana = await Person.enter(chromium, installation.shared_url, room, "Ana")
    ben = await Person.enter(chromium, installation.shared_url, room, "Ben")
    await ana.add(origin.url("hls/master.m3u8"))
    await asyncio.gather(ana.playing(), ben.playing())
    await ana.page.keyboard.press("3")
    await asyncio.gather(ana.near(20, within_s=4), ben.near(20, within_s=4))

    for number in range(installation.replicas):
        acknowledged = max(await ana.told("version"), await ben.told("version"))
        before = min((await ana.sample()).position, (await ben.sample()).position)
        installation.kill_replica(number)
        await asyncio.sleep(1)
        await asyncio.gather(ana.live(), ben.live())
        await asyncio.gather(ana.playing(), ben.playing())
        for person in (ana, ben):
            assert (await person.sample()).position >= before - 0.5
            assert await person.told("version") >= acknowledged
        await asyncio.to_thread(installation.wait_ready, number)

    await ben.press("Pause")
    await asyncio.gather(ana.paused(), ben.paused())
    await asyncio.sleep(2)
    assert await spread([ana, ben]) < 0.5


async def test_a_command_acknowledged_just_before_the_kill_is_there_after_it(
    installation: Installation, origin: Origin, room: str
) -> None:
    async with Member(installation.urls[0], room, "Ana") as ana:
        await ana.ask("queue_add", url=origin.url("clip.mp4"))
        await ana.expect("set_video", is_playing=True, timeout_s=30)
        answers = [await ana.ask("seek", timestamp=10 + n) for n in range(10)]
        installation.kill_replica(0)
        async with Member(installation.urls[1], room, headers={"Cookie": ana.cookie}) as back:
            state = await back.expect("room_state")
    assert all(answer["type"] == "ack" for answer in answers)
    assert state["version"] >= answers[-1]["version"]
    assert 19 <= state["room"]["timestamp"] < 30
    await asyncio.to_thread(installation.wait_ready, 0)


async def test_a_room_with_a_queue_survives_the_kill_of_everything(
    origin: Origin, chromium: Browser, room: str, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    with Installation(folder, replicas=2, settings=local_settings(origin)) as first:
        async with Member(first.urls[0], room, "Ana") as ana:
            for name in ("clip.mp4", "hls/master.m3u8", "clip.webm"):
                assert (await ana.ask("queue_add", url=origin.url(name)))["type"] == "ack"
            await ana.expect("set_video", is_playing=True, timeout_s=30)
            await ana.ask("seek", timestamp=30)
            cookie = ana.cookie
            first.kill_everything()
        first.start()
        async with Member(first.urls[1], room, headers={"Cookie": cookie}) as back:
            state = await back.expect("room_state")
            assert [item["url"] for item in state["room"]["queue"]] == [
                origin.url(name) for name in ("clip.mp4", "hls/master.m3u8", "clip.webm")
            ]
            assert state["room"]["timestamp"] >= 29
            assert state["you"]["role"] == "owner"
        ben = await Person.enter(chromium, first.shared_url, room, "Ben")
        if not await ben.told("isPlaying"):
            await ben.press("Play")
        await ben.playing()


async def test_a_page_whose_part_cannot_be_had_says_so_and_comes_back(
    installation: Installation, chromium: Browser, room: str
) -> None:
    page = await chromium.new_page()
    parts = re.compile(r"/assets/RoomPage-.*\.js$")
    await page.route(parts, lambda route: route.abort())
    await page.goto(f"{installation.urls[0]}/room/{room}?name=Ana")
    await expect(page.get_by_role("heading", name="Something broke")).to_be_visible()
    await page.unroute(parts)
    await page.get_by_role("button", name="Reload").click()
    await Person(page, "Ana").live()


async def test_a_page_whose_scripts_cannot_be_had_comes_by_itself_once_they_can(
    installation: Installation, chromium: Browser, room: str
) -> None:
    page = await chromium.new_page()
    scripts = re.compile(r"/assets/main-.*\.js$")
    await page.route(scripts, lambda route: route.abort())
    await page.goto(f"{installation.urls[0]}/room/{room}?name=Ana")
    await expect(page.get_by_text("Opening the room…")).to_be_visible()
    await page.unroute(scripts)
    await Person(page, "Ana").live()
