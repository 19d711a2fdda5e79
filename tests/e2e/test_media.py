"""Whatever people paste: files, playlists and manifests unlike each other, each in a room of its own."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from dataclasses import dataclass
from typing import Final

import pytest
from playwright.async_api import Browser, expect

from tests.support import kinds, media, oddities
from tests.support.installation import Installation
from tests.support.origin import Origin
from tests.support.page import Person

STAGE: Final = "document.querySelector('video[data-role=\"stage\"]')"


@dataclass(frozen=True, slots=True)
class File:
    """`picture`: its size, null where nothing but sound is played."""

    path: str
    picture: tuple[int, int] | None
    seeks_to: float = 6.0


FILES: Final = {
    "MP4 with its index at the end": File(oddities.TAIL, (640, 360), 40),
    "MP4 without sound": File(media.avc(240), (427, 240), 40),
    "WebM without a length": File(oddities.ENDLESS, (256, 144), 2),
    "upright picture": File(oddities.UPRIGHT, (144, 256)),
    "uneven frame rate": File(oddities.UNEVEN, (256, 144)),
    "ten bits a sample": File(oddities.DEEP, (256, 144)),
    "AV1": File(oddities.AV1, (256, 144)),
    "Matroska": File(kinds.MKV, (640, 360), 40),
    "MP3": File(kinds.MP3, None, 40),
    "Ogg": File(oddities.OGG, None, 40),
    "WAV": File(oddities.WAV, None, 40),
    "FLAC": File(oddities.FLAC, None, 40),
}


async def opened(
    installation: Installation,
    chromium: Browser,
    link: str,
    *,
    prefs: dict[str, object] | None = None,
    script: str = "",
) -> Person:
    """Ana in a new room with this link."""
    room = f"odd-{secrets.token_hex(4)}"
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana", prefs=prefs, script=script)
    await ana.add(link)
    return ana


async def seek(person: Person, position: float) -> None:
    """As a headset would, wherever the focus is."""
    await person.page.get_by_role("slider", name="Seek").evaluate(
        """(input, value) => {
          Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(input, value);
          input.dispatchEvent(new Event('input', { bubbles: true }));
          input.dispatchEvent(new Event('change', { bubbles: true }));
        }""",
        str(position),
    )


async def tried(installation: Installation, chromium: Browser, link: str, file: File) -> str:
    """What goes wrong when it is played and sought in, '' for nothing."""
    ana = await opened(installation, chromium, link)
    try:
        await ana.playing()
        size = await ana.page.evaluate(f"() => [{STAGE}.videoWidth, {STAGE}.videoHeight]")
        if tuple(size) != (file.picture or (0, 0)):
            return f"the picture is {size}"
        sound_only = ana.page.locator("[data-role=sound-only]")
        if await sound_only.count() != (file.picture is None):
            return "what stands in the picture's place is wrong"
        await seek(ana, file.seeks_to)
        await ana.near(file.seeks_to, within_s=1.5)
        before = (await ana.sample()).position
        await ana.until(f"() => {STAGE}.currentTime > {before} + 0.5")
        return "; ".join(ana.errors)
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}; {await ana.told('player')}"
    finally:
        await ana.page.context.close()


@pytest.mark.timeout(300)
async def test_every_kind_of_file_plays_and_seeks(
    installation: Installation, origin: Origin, chromium: Browser
) -> None:
    # More at once would stutter on two cores.
    turns = asyncio.Semaphore(3)

    async def in_turn(file: File) -> str:
        async with turns:
            return await tried(installation, chromium, origin.url(file.path), file)

    found = await asyncio.gather(*map(in_turn, FILES.values()))
    assert {name: wrong for name, wrong in zip(FILES, found, strict=True) if wrong} == {}


async def test_a_sound_has_a_designed_picture_and_a_film_whose_picture_is_unknown_says_so(
    installation: Installation, origin: Origin, chromium: Browser
) -> None:
    ana = await opened(installation, chromium, origin.url(kinds.MP3))
    await ana.playing()
    await expect(ana.page.get_by_text("Sound only")).to_be_visible()
    ben = await opened(installation, chromium, origin.url(oddities.HEVC))
    await ben.playing()
    if await ben.page.evaluate(f"() => {STAGE}.videoWidth") == 0:
        await expect(ben.page.get_by_text("this browser does not know its kind")).to_be_visible()
    else:
        await expect(ben.page.locator("[data-role=sound-only]")).to_have_count(0)


async def test_a_film_of_two_seconds_ends_and_the_next_begins(
    installation: Installation, origin: Origin, chromium: Browser
) -> None:
    ana = await opened(installation, chromium, origin.url(oddities.BRIEF))
    await ana.add(origin.url("clip.webm"))
    await ana.until("() => window.__wt.replica?.video?.title.includes('clip')", 20)
    await ana.playing()
    assert ana.errors == []


async def test_a_protected_film_says_so(installation: Installation, origin: Origin, chromium: Browser) -> None:
    ana = await opened(installation, chromium, origin.url(oddities.PROTECTED))
    await expect(ana.page.get_by_text("This one is copy-protected")).to_be_visible(timeout=20_000)


async def test_a_playlist_of_unknown_codecs_says_so_at_once(
    installation: Installation, origin: Origin, chromium: Browser
) -> None:
    ana = await opened(installation, chromium, origin.url(oddities.HLS_UNKNOWN))
    await expect(ana.page.get_by_text("This browser cannot play it")).to_be_visible(timeout=20_000)
    assert await ana.told("player.phase") == "failed"


async def test_advertisements_in_the_middle_of_a_playlist_are_played_through_and_sought_over(
    installation: Installation, origin: Origin, chromium: Browser
) -> None:
    ana = await opened(installation, chromium, origin.url(oddities.HLS_BREAKS))
    await ana.playing()
    await seek(ana, 8)
    await ana.near(8.5)
    # Into the advertisement, and out of it.
    await ana.until(f"() => {STAGE}.currentTime > 17.5", 20)
    await seek(ana, 30)
    await ana.near(30.5)
    await ana.until(f"() => {STAGE}.currentTime > 32", 20)
    assert ana.errors == []


async def test_a_piece_that_is_missing_is_left_out(
    installation: Installation, origin: Origin, chromium: Browser
) -> None:
    with origin.fault("hls/fmp4/003", status=404):
        ana = await opened(installation, chromium, origin.url(media.HLS_FMP4))
        await ana.playing()
        # Its place is from 6 to 8 s.
        await ana.until(f"() => {STAGE}.currentTime > 10", 40)
        await ana.until("() => Math.abs(window.__wt.drift) < 0.5", 20)
    assert await ana.told("player.phase") == "ready"


async def test_the_menu_of_a_playlist_names_each_height_once(
    installation: Installation, origin: Origin, chromium: Browser
) -> None:
    ana = await opened(installation, chromium, origin.url(oddities.HLS_TWINS), prefs={"wantedHeight": 240})
    await ana.playing()
    await ana.press("Quality")
    items = ana.page.get_by_role("menuitemradio")
    assert await items.all_inner_texts() == ["Auto (240p)", "360p", "240p"]
    await expect(items.nth(2)).to_have_attribute("aria-checked", "true")
    version = await ana.told("version")
    await items.nth(1).click()
    await ana.until(f"() => {STAGE}.videoHeight === 360")
    assert await ana.told("version") == version


async def test_captions_within_the_picture_can_be_chosen(
    installation: Installation, origin: Origin, chromium: Browser
) -> None:
    ana = await opened(installation, chromium, origin.url(oddities.HLS_CAPTIONS))
    await ana.playing()
    await expect(ana.button("Subtitles")).to_be_visible()
    await ana.press("Subtitles")
    await ana.page.get_by_role("menuitemradio", name=re.compile(r"\(captions\)")).click()
    await ana.until(
        f"""() => [...{STAGE}.textTracks].some((track) => track.mode === 'showing'
          && [...(track.activeCues ?? [])].some(({{ text }}) => text.includes('Words number')))"""
    )
    await ana.press("Subtitles")
    await ana.page.get_by_role("menuitemradio", name="Off").click()
    await ana.until(f"() => [...{STAGE}.textTracks].every((track) => track.mode !== 'showing')")


async def test_words_of_a_manifest_that_are_ttml_are_shown(
    installation: Installation, origin: Origin, chromium: Browser
) -> None:
    ana = await opened(installation, chromium, origin.url(oddities.DASH_TTML))
    await ana.playing()
    await ana.press("Subtitles")
    await ana.page.get_by_role("menuitemradio", name=re.compile("English|en", re.IGNORECASE)).first.click()
    shown = f"""() => [...{STAGE}.textTracks].some((track) => track.mode === 'showing'
      && [...(track.activeCues ?? [])].some(({{ text }}) => text?.includes('Words number')))
      || document.body.innerText.includes('Words number')"""
    await ana.until(shown)


async def test_subtitle_files_of_ttml_are_shown_and_those_that_cannot_be_had_say_so(
    installation: Installation, origin: Origin, chromium: Browser
) -> None:
    shown = f"""() => [...{STAGE}.textTracks].some((track) => track.mode === 'showing'
      && [...(track.activeCues ?? [])].some(({{ text }}) => text.includes('Words number')))"""
    prefs: dict[str, object] = {"joinsPairs": False}
    ana = await opened(installation, chromium, origin.url(f"watch/curt.{secrets.token_hex(4)}"), prefs=prefs)
    await ana.playing()
    await ana.press("Subtitles")
    words = ana.page.get_by_role("menuitemradio", name="Français")
    await ana.page.route(re.compile(r"words\.ttml"), lambda route: route.abort())
    await words.click()
    await expect(ana.page.get_by_text("could not be loaded")).to_be_visible()
    await ana.page.unroute(re.compile(r"words\.ttml"))
    await ana.press("Subtitles")
    await words.click()
    await ana.until(shown)
    await expect(ana.page.get_by_text("could not be loaded")).to_have_count(0)


async def test_a_manifest_of_two_periods_is_played_across_them_in_the_chosen_quality(
    installation: Installation, origin: Origin, chromium: Browser
) -> None:
    ana = await opened(installation, chromium, origin.url(oddities.DASH_PERIODS), prefs={"wantedHeight": 360})
    await ana.playing()
    await ana.press("Quality")
    await ana.page.get_by_role("menuitemradio", name="144p").click()
    await ana.until(f"() => {STAGE}.videoHeight === 144", 5)
    await seek(ana, 60)
    await ana.near(60.5)
    await ana.until(f"() => {STAGE}.videoHeight === 144")
    await ana.until(f"() => {STAGE}.currentTime > 68", 30)
    assert await ana.page.evaluate(f"() => {STAGE}.videoHeight") == 144


async def test_a_source_that_fails_is_told_from_one_that_is_unknown_and_comes_back_by_itself(
    installation: Installation, origin: Origin, chromium: Browser
) -> None:
    link = origin.url(media.MP4, v=secrets.token_hex(4))
    ana = await opened(installation, chromium, link)
    await ana.playing()
    with origin.fault(media.MP4, status=500):
        # The same through another address, of which nothing is in any cache.
        ben = await opened(installation, chromium, origin.url(media.MP4, v=secrets.token_hex(4)))
        stopped = ben.page.get_by_text(re.compile("The stream stopped|could not be opened"))
        await expect(stopped).to_be_visible(timeout=40_000)
    if await ben.told("replica.video"):
        await ben.playing(timeout_s=60)


async def test_a_network_that_was_away_is_noticed_and_the_picture_comes_back_by_itself(
    installation: Installation, origin: Origin, chromium: Browser
) -> None:
    async def away(path: str) -> None:
        ana = await opened(installation, chromium, origin.url(path, v=secrets.token_hex(4)))
        await ana.playing()
        await ana.page.context.set_offline(True)
        await seek(ana, 50)
        await asyncio.sleep(12)
        await ana.page.context.set_offline(False)
        before = time.monotonic()
        await ana.live(timeout_s=40)
        await ana.playing(timeout_s=40)
        await ana.until("() => Math.abs(window.__wt.drift) < 0.6", 30)
        assert time.monotonic() - before < 40, path
        await ana.page.context.close()

    await asyncio.gather(*map(away, (media.MP4, media.HLS_MASTER, media.DASH_TEMPLATE)))


async def test_what_still_opens_and_what_was_live_make_way_for_the_next(
    installation: Installation, origin: Origin, chromium: Browser
) -> None:
    # Both wait more than they do, each in a room of its own.
    async with asyncio.TaskGroup() as stories:
        stories.create_task(
            what_is_chosen_while_something_else_still_opens_is_what_plays(installation, origin, chromium)
        )
        stories.create_task(a_live_stream_that_ends_makes_way_for_the_next(installation, origin, chromium))


async def what_is_chosen_while_something_else_still_opens_is_what_plays(
    installation: Installation, origin: Origin, chromium: Browser
) -> None:
    # The lists of the pair's pieces come late; by then the film is another.
    with origin.fault("av/", delay=4.0):
        ana = await opened(installation, chromium, origin.url(f"watch/pair.{secrets.token_hex(3)}"))
        await ana.until("() => window.__wt.player.phase === 'loading'")
        await ana.add(origin.url("hls/master.m3u8"))
        second = ana.page.get_by_role("list", name="Queue").get_by_role("listitem").nth(1)
        await second.hover()
        await second.get_by_role("button", name="Play now").first.click()
        await ana.until("() => window.__wt.player.engine === 'hls'")
        await ana.playing()
        await asyncio.sleep(10)
    assert await ana.told("player.engine") == "hls"
    assert await ana.told("player.phase") == "ready"
    first = (await ana.sample()).position
    await ana.until(f"() => {STAGE}.currentTime > {first} + 1")


async def a_live_stream_that_ends_makes_way_for_the_next(
    installation: Installation, origin: Origin, chromium: Browser
) -> None:
    ana = await opened(installation, chromium, origin.url("live/index.m3u8", ends_at=round(time.time()) + 22))
    await ana.playing()
    await ana.add(origin.url("clip.mp4"))
    await ana.until("() => window.__wt.replica?.video?.is_live === false", 60)
    await ana.playing()
