"""A replica is gone for good, and pages that came from it go on at another one."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.e2e.conftest import local_settings
from tests.support.installation import Installation
from tests.support.origin import Origin
from tests.support.page import Person

# Notes each time that the picture stands where it should move, in seconds.
_WATCH = """() => {
  const video = document.querySelector('video[data-role="stage"]');
  window.longest = 0;
  let moved = performance.now(), at = video.currentTime;
  window.watching = setInterval(() => {
    if (video.currentTime !== at) moved = performance.now();
    at = video.currentTime;
    window.longest = Math.max(window.longest, (performance.now() - moved) / 1000);
  }, 50);
}"""
_COLLECT = """
  window.violations = [];
  document.addEventListener("securitypolicyviolation", (event) =>
    window.violations.push(`${event.violatedDirective}: ${event.blockedURI}`));
"""


@pytest.fixture(scope="module")
def house(origin: Origin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Two replicas of which one may be lost."""
    folder = tmp_path_factory.mktemp("house") / "data"
    with Installation(folder, replicas=2, settings=local_settings(origin)) as running:
        yield running


@pytest_asyncio.fixture
async def whole(house: Installation) -> AsyncIterator[Installation]:
    """The same, whole again afterwards."""
    yield house
    house.relieve()
    for number in range(house.replicas):
        await asyncio.to_thread(house.wait_ready, number)


def by_name(url: str) -> str:
    """The same address by another name of this machine."""
    return url.replace("127.0.0.1", "localhost")


async def moved(person: Person, server: str) -> None:
    """Wait until a page is in its room by that server."""
    await person.until(f"() => window.__wt.server === '{server}' && window.__wt.connection === 'open'", 8)


async def asked(person: Person, server: str) -> list[str]:
    """The paths that a page has asked a server for."""
    script = """(server) => performance.getEntriesByType('resource')
      .filter(({ name }) => name.startsWith(server + '/')).map(({ name }) => new URL(name).pathname)"""
    found: list[str] = await person.page.evaluate(script, server)
    return found


async def look(person: Person, name: str) -> None:
    """Keep a picture of the page for a person to look at, where one wants them."""
    folder = os.environ.get("WT_SCREENSHOTS")
    if folder:
        await person.page.screenshot(path=Path(folder) / f"{name}.png")


@dataclass(frozen=True, slots=True)
class Film:
    """`prefs`: what Ana has chosen before."""

    path: str
    faults: dict[str, Any] = field(default_factory=dict)
    prefs: dict[str, object] = field(default_factory=dict)


FILMS: Final = {
    "HLS": Film("hls/master.m3u8"),
    # So slowly that it is not all there when the replica is lost.
    "file": Film("clip.mp4", {"rate": 400_000}),
    "DASH": Film("dash/template.mpd"),
    "pair-in-one": Film("watch/pair.peers"),
    "pair-in-two": Film("watch/pair.peers", prefs={"joinsPairs": False}),
}


@pytest.mark.parametrize("name", FILMS)
async def test_the_picture_goes_on_when_the_replica_that_a_page_came_from_is_gone(
    whole: Installation, origin: Origin, chromium: Browser, room: str, name: str
) -> None:
    film = FILMS[name]
    ana = await Person.enter(chromium, by_name(whole.urls[0]), room, "Ana", prefs=film.prefs, script=_COLLECT)
    ben = await Person.enter(chromium, whole.urls[1], room, "Ben")
    await ana.add(origin.url(film.path, **film.faults))
    await asyncio.gather(ana.playing(), ben.playing())
    await ana.page.evaluate(_WATCH)
    before = (await ana.sample()).position

    whole.lose_replica(0)
    peer = by_name(whole.urls[1])
    await moved(ana, peer)
    await look(ana, f"moved-{name}")
    await ana.playing()
    await ben.page.keyboard.press("6")
    await asyncio.gather(ana.near(40, within_s=5), ben.near(40, within_s=5))
    await asyncio.gather(ana.playing(), ben.playing())
    assert (await ana.sample()).position > before + 5
    assert await ana.page.evaluate("window.longest") < 6
    assert "/api/proxy" in await asked(ana, peer)

    await ben.press("Pause")
    await ana.paused()
    assert await ana.page.evaluate("window.violations") == []


async def test_everything_else_of_the_page_goes_on_there_too(
    whole: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana = await Person.enter(chromium, whole.urls[0], room, "Ana", script=_COLLECT)
    ben = await Person.enter(chromium, whole.urls[1], room, "Ben")
    await ana.add(origin.url("watch/pair.rest"))
    await ana.playing()
    # Whatever part of the page was not needed yet is fetched while there is nothing else to do.
    await ana.page.wait_for_load_state("networkidle")

    whole.lose_replica(0)
    await moved(ana, whole.urls[1])
    await expect(ana.page.get_by_text("Another one has taken over")).to_be_visible()

    await ana.add(origin.url("clip.webm"))
    await expect(ben.page.get_by_role("list", name="Queue").get_by_role("listitem")).to_have_count(2)
    await ana.button("Your library").first.click()
    library = ana.page.get_by_role("dialog")
    await library.get_by_role("textbox", name="Name of a new playlist").fill("Friday")
    await ana.page.keyboard.press("Enter")
    await expect(library.get_by_text("Friday")).to_be_visible()
    await look(ana, "library")
    await ana.page.keyboard.press("Escape")
    await ana.button("Invite").first.click()
    address = ana.page.get_by_role("textbox", name="Address of this room")
    await expect(address).to_have_value(f"{whole.urls[1]}/room/{room}")
    await look(ana, "invite")
    await ana.page.keyboard.press("Escape")
    await ana.key("Shift+D")
    await expect(ana.page.get_by_text(whole.urls[1].removeprefix("http://"))).to_be_visible()
    await look(ana, "figures")
    assert await ana.page.evaluate("window.violations") == []


async def test_what_was_pressed_while_a_replica_hangs_is_done_by_another(
    whole: Installation, origin: Origin, chromium: Browser, room: str, figure: Callable[[str], None]
) -> None:
    ana = await Person.enter(chromium, whole.urls[0], room, "Ana")
    ben = await Person.enter(chromium, whole.urls[1], room, "Ben")
    await ana.add(origin.url("hls/master.m3u8"))
    await asyncio.gather(ana.playing(), ben.playing())
    with whole.hung(0):
        began = time.monotonic()
        await ana.press("Pause")
        # Before the ten seconds in which a pause is given up.
        await ben.paused(timeout_s=10)
        figure(f"a pause that a hung replica did not take: done by another after {time.monotonic() - began:.1f} s")
        await moved(ana, whole.urls[1])
        await ana.press("Play")
        await asyncio.gather(ana.playing(), ben.playing())
        await ben.page.keyboard.press("6")
        await asyncio.gather(ana.near(40, within_s=5), ben.near(40, within_s=5))
        await asyncio.gather(ana.playing(), ben.playing())


async def test_a_page_stays_where_it_went_and_comes_back_when_that_one_is_lost(
    whole: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana = await Person.enter(chromium, whole.urls[0], room, "Ana")
    await ana.add(origin.url("hls/master.m3u8"))
    await ana.playing()
    whole.lose_replica(0)
    await moved(ana, whole.urls[1])
    whole.relieve()
    await asyncio.to_thread(whole.wait_ready, 0)
    await asyncio.sleep(1)
    assert await ana.told("server") == whole.urls[1]

    whole.lose_replica(1)
    await moved(ana, whole.urls[0])
    await ana.key("6")
    await ana.near(40, within_s=6)
    await ana.playing()


async def test_a_page_goes_nowhere_while_nobody_answers_anywhere(
    whole: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana = await Person.enter(chromium, whole.urls[0], room, "Ana")
    await ana.page.context.set_offline(True)
    # Chromium leaves open sockets alone when it is told to be offline.
    whole.lose_replica(0)
    whole.lose_replica(1)
    await ana.until("() => window.__wt.connection === 'reconnecting'")
    await asyncio.sleep(4)
    assert await ana.told("server") == whole.urls[0]
    whole.relieve()
    await ana.page.context.set_offline(False)
    await ana.live(timeout_s=40)


async def test_a_page_of_the_shared_address_stays_there(
    whole: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana = await Person.enter(chromium, whole.shared_url, room, "Ana")
    await ana.add(origin.url("hls/master.m3u8"))
    await ana.playing()
    whole.lose_replica(0)
    await asyncio.sleep(3)
    await ana.live()
    await ana.playing()
    assert await ana.told("server") == whole.shared_url
    assert await ana.page.locator('link[rel="prefetch"]').count() == 0


async def test_the_page_that_checks_itself_says_where_it_could_go(whole: Installation, chromium: Browser) -> None:
    page = await chromium.new_page()
    await page.goto(f"{whole.urls[0]}/doctor")
    line = page.get_by_role("listitem").filter(has_text="Other servers")
    await expect(line).to_contain_text(f"goes on at {whole.urls[1].removeprefix('http://')}")
    await page.goto(f"{whole.shared_url}/doctor")
    await expect(line).to_contain_text("stays here")
    whole.lose_replica(1)
    await page.goto(f"{whole.urls[0]}/doctor")
    await expect(line).to_contain_text("cannot go there")
