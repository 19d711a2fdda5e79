"""Every control of the player, by key, mouse and media key, in a real browser."""

from __future__ import annotations

import asyncio
import json
import re

from playwright.async_api import Browser, Locator, expect

from tests.support.installation import Installation
from tests.support.origin import Origin
from tests.support.page import Person

CLIPBOARD = ["clipboard-read", "clipboard-write"]
# What the page gives to the media session, so that a test can press the keys of a headset.
_MEDIA_KEYS = """
  window.mediaKeys = {};
  const own = navigator.mediaSession.setActionHandler.bind(navigator.mediaSession);
  navigator.mediaSession.setActionHandler = (action, handler) => {
    window.mediaKeys[action] = handler;
    own(action, handler);
  };
  const place = navigator.mediaSession.setPositionState.bind(navigator.mediaSession);
  navigator.mediaSession.setPositionState = (state) => {
    window.mediaPlace = state;
    place(state);
  };
"""


async def enter(
    installation: Installation, origin: Origin, chromium: Browser, room: str, *, script: str = ""
) -> Person:
    """Ana, in a room that plays a film with chapters, two languages, subtitles and a storyboard, stopped at 20 s."""
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana", script=script)
    await ana.add(origin.url(f"watch/pair.{room[-6:]}"))
    await ana.playing()
    await ana.key("k")
    await ana.paused()
    await seek(ana, 20)
    return ana


async def seek(person: Person, position: float) -> None:
    """Move the seek slider, as assistive technology does."""
    slider = person.page.get_by_role("slider", name="Seek")
    await slider.evaluate(
        """(input, value) => {
          Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(input, value);
          input.dispatchEvent(new Event('input', { bubbles: true }));
          input.dispatchEvent(new Event('change', { bubbles: true }));
        }""",
        str(position),
    )
    await at(person, position)


async def at(person: Person, position: float, within_s: float = 1.0) -> None:
    """Wait until the room is at a position, and the picture with it."""
    await person.until(f"() => Math.abs(window.__wt.position - ({position})) <= {within_s}")
    await person.near(position, within_s=within_s)


async def prefs(person: Person) -> dict[str, object]:
    held: dict[str, object] = json.loads(await person.page.evaluate("() => localStorage['wt:prefs'] ?? '{}'"))
    return held


async def open_settings(person: Person) -> Locator:
    await person.button("Settings").first.click()
    dialog = person.page.get_by_role("dialog", name="Settings")
    await expect(dialog).to_be_visible()
    return dialog


async def test_every_key_does_what_the_help_says(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana = await enter(installation, origin, chromium, room)
    page = ana.page
    for key, position in (("ArrowRight", 25), ("ArrowLeft", 20), ("l", 30), ("j", 20), ("}", 32), ("{", 16)):
        await ana.key(key)
        await at(ana, position)
    duration = await page.evaluate("() => document.querySelector('video').duration")
    await ana.key("5")
    await at(ana, duration / 2)
    await ana.key("0")
    await at(ana, 0)
    await ana.key(" ")
    await ana.playing()
    await ana.key("k")
    await ana.paused()
    for key, rate in ((">", 1.25), ("<", 1)):
        await ana.key(key)
        await ana.until(f"() => window.__wt.rate === {rate}")
    volume = page.get_by_role("slider", name="Volume")
    await ana.key("ArrowDown")
    await expect(volume).to_have_value("0.95")
    await ana.key("ArrowUp")
    await expect(volume).to_have_value("1")
    await ana.key("m")
    await expect(ana.button("Unmute")).to_have_count(1)
    await ana.key("m")
    await expect(ana.button("Mute")).to_have_count(1)
    subtitles = ana.button("Subtitles")
    await ana.key("c")
    await expect(subtitles).to_have_attribute("aria-pressed", "true")
    await ana.key("c")
    await expect(subtitles).to_have_attribute("aria-pressed", "false")
    await ana.key("t")
    await expect(ana.button("Theatre mode")).to_have_attribute("aria-pressed", "true")
    await ana.key("t")
    await expect(ana.button("Theatre mode")).to_have_attribute("aria-pressed", "false")
    await ana.key("f")
    await ana.until("() => document.fullscreenElement !== null")
    await ana.key("f")
    await ana.until("() => document.fullscreenElement === null")
    await ana.key("Shift+D")
    figures = page.get_by_role("region", name="Figures")
    await expect(figures).to_contain_text("Clock offset")
    await ana.key("Shift+D")
    await expect(figures).to_have_count(0)
    await ana.key("?")
    help_dialog = page.get_by_role("dialog", name="Keys")
    await expect(help_dialog).to_contain_text("Theatre mode")
    await page.keyboard.press("Escape")
    await expect(help_dialog).to_have_count(0)
    assert ana.errors == []


async def test_keys_are_called_as_on_the_keyboard_of_a_mac(
    installation: Installation, chromium: Browser, room: str
) -> None:
    mac = "Object.defineProperty(navigator, 'platform', { get: () => 'MacIntel' })"
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana", script=mac)
    await ana.key("?")
    keys = ana.page.get_by_role("dialog", name="Keys")
    await expect(keys.get_by_text("⌘V", exact=True)).to_be_visible()
    await expect(keys.get_by_text("Ctrl")).to_have_count(0)


async def test_the_seek_bar_tells_chapters_shows_previews_and_is_dragged(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana = await enter(installation, origin, chromium, room)
    page = ana.page
    slider = page.get_by_role("slider", name="Seek")
    await expect(slider).to_have_attribute("aria-valuetext", re.compile("20 seconds of .*, Part 2"))
    await ana.wake()
    box = await slider.bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] / 2)
    bubble = page.get_by_text(re.compile(r"^Part \d · 0:\d\d$"))
    await expect(bubble).to_be_visible()
    preview = page.locator("[data-role=preview]")
    await expect(preview).to_be_visible()
    assert "/api/proxy" in await preview.evaluate("(element) => element.style.backgroundImage")
    before = await ana.told("version")
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] / 2, steps=5)
    assert await ana.told("version") == before, "a hand on the slider seeks once, on release"
    await page.mouse.up()
    duration = await page.evaluate("() => document.querySelector('video').duration")
    await at(ana, duration * 0.7, within_s=2)


async def test_a_key_that_is_held_down_moves_on_without_a_word_of_too_many(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana = await enter(installation, origin, chromium, room)
    version = await ana.told("version")
    await ana.page.evaluate("() => document.activeElement?.blur()")
    # As a keyboard repeats itself: some thirty times a second.
    for _ in range(40):
        await ana.page.keyboard.down("ArrowRight")
        await asyncio.sleep(0.03)
        if await ana.told("position") > 55:
            break
    for _ in range(40):
        await ana.page.keyboard.down("ArrowLeft")
        await asyncio.sleep(0.03)
    await ana.page.keyboard.up("ArrowLeft")
    await at(ana, 0)
    await ana.page.keyboard.press("ArrowRight")
    await at(ana, 5)
    assert await ana.told("version") > version
    await expect(ana.page.get_by_text("That was too fast")).to_have_count(0)
    assert ana.errors == []


async def test_next_puts_on_what_can_be_played_and_is_not_there_without_it(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana = await enter(installation, origin, chromium, room)
    await expect(ana.button("Next")).to_have_count(0)
    await ana.add(origin.url("watch/geo.next"))
    await ana.until("() => window.__wt.replica.queue.some(({ status }) => status === 'failed')")
    await expect(ana.button("Next")).to_have_count(0)
    for video in ("progressive.one", "progressive.two"):
        await ana.add(origin.url(f"watch/{video}"))
    await ana.until("() => window.__wt.replica.queue.filter(({ status }) => status === 'ready').length === 3")
    ids = await ana.told("replica.queue.map(({ id }) => id)")
    await ana.press("Next")
    await ana.until(f"() => window.__wt.replica.itemId === '{ids[2]}'")
    await ana.playing()
    await ana.key("Shift+N")
    await ana.until(f"() => window.__wt.replica.itemId === '{ids[3]}'")
    await expect(ana.button("Next")).to_have_count(0)
    assert ana.errors == []


async def test_menus_choose_speed_for_all_and_quality_words_and_language_for_oneself(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana = await enter(installation, origin, chromium, room)
    ben = await Person.enter(chromium, installation.urls[1], room, "Ben")
    page = ana.page

    async def choose(menu: str, option: str | re.Pattern[str]) -> None:
        await ana.press(menu)
        await page.get_by_role("menuitemradio", name=option).first.click()
        await expect(page.get_by_role("menu")).to_have_count(0)

    await choose("Speed", "1.5×")
    await asyncio.gather(*(person.until("() => window.__wt.rate === 1.5") for person in (ana, ben)))
    await choose("Speed, 1.5×", "Normal")
    await ben.until("() => window.__wt.rate === 1")
    await choose("Quality", re.compile("^144p"))
    assert (await prefs(ana))["wantedHeight"] == 144
    assert "wantedHeight" not in await prefs(ben)
    await choose("Subtitles", re.compile("English"))
    await ana.until("() => [...document.querySelector('video').textTracks].some((t) => t.mode === 'showing')")
    await choose("Language", re.compile("Spanish", re.IGNORECASE))
    assert (await prefs(ana))["soundLanguage"] == "es"
    await ana.press("Theatre mode")
    await expect(ana.button("Theatre mode")).to_have_attribute("aria-pressed", "true")
    if await page.evaluate("() => document.pictureInPictureEnabled"):
        await ana.press("Picture in picture")
        await ana.until("() => document.pictureInPictureElement !== null")
        await ana.key("p")
        await ana.until("() => document.pictureInPictureElement === null")
    assert ana.errors == []


async def test_the_settings_shape_sound_and_words_and_are_remembered(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana = await enter(installation, origin, chromium, room)
    page = ana.page
    await ana.press("Subtitles")
    await page.get_by_role("menuitemradio", name=re.compile("English")).first.click()
    await ana.until("() => [...document.querySelector('video').textTracks].some((t) => t.cues?.length)")
    first = "() => [...document.querySelector('video').textTracks].find((t) => t.cues?.length).cues[1].startTime"
    began = await page.evaluate(first)
    dialog = await open_settings(ana)
    for mode in ("normal", "strong", "off", "normal"):
        await dialog.get_by_role("combobox", name="Even out loudness").select_option(mode)
        await ana.until(f"() => JSON.parse(localStorage['wt:prefs']).levelling === '{mode}'")
    for _ in range(3):
        await dialog.get_by_role("button", name="Delay the sound: more").click()
    await expect(dialog.get_by_text("60 ms", exact=True)).to_be_visible()
    await dialog.get_by_role("combobox", name="Size of subtitles").select_option("large")
    assert await page.evaluate("() => document.querySelector('video').dataset.cues") == "large"
    for _ in range(5):
        await dialog.get_by_role("button", name="Move subtitles: more").click()
    await ana.until(f"() => Math.abs(({first})() - {began} - 0.5) < 0.01")
    await page.keyboard.press("Escape")
    await ana.key("k")
    await ana.playing()
    held = await prefs(ana)
    assert (held["levelling"], held["cueSize"], round(float(str(held["soundDelay"])), 3)) == ("normal", "large", 0.06)
    # Led through the graph, the element itself plays at full volume: the graph is what sets it.
    volume = page.get_by_role("slider", name="Volume")
    await volume.fill("0.5")
    assert await page.evaluate("() => document.querySelector('[data-role=stage]').volume") == 1
    await page.reload()
    await ana.live()
    dialog = await open_settings(ana)
    await expect(dialog.get_by_role("combobox", name="Even out loudness")).to_have_value("normal")
    await expect(dialog.get_by_text("60 ms", exact=True)).to_be_visible()
    assert ana.errors == []


async def test_media_keys_are_a_persons_wish_like_any_button(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana = await enter(installation, origin, chromium, room, script=_MEDIA_KEYS)
    ben = await Person.enter(chromium, installation.urls[1], room, "Ben")
    title = "() => navigator.mediaSession.metadata?.title"
    await ana.until(f"() => ({title})() === 'Sample pair'")
    for action, details, position in (
        ("seekforward", {"seekOffset": 5}, 25),
        ("seekbackward", {}, 15),
        ("seekto", {"seekTime": 30}, 30),
    ):
        await ana.page.evaluate("([action, details]) => window.mediaKeys[action](details)", [action, details])
        await at(ben, position)
    await ana.page.evaluate("() => window.mediaKeys.play({})")
    await ben.playing()
    await ana.until("() => navigator.mediaSession.playbackState === 'playing'")
    await ana.page.evaluate("() => window.mediaKeys.pause({})")
    await ben.paused()
    await ana.until("() => navigator.mediaSession.playbackState === 'paused'")
    # A lock screen knows where it is, and its next key plays the next one.
    await ana.until("() => Math.abs(window.mediaPlace.duration - 64) < 1 && window.mediaPlace.position > 29", 10)
    await ana.add(origin.url("clip.webm"))
    await ana.until("() => window.__wt.replica.queue[1]?.status === 'ready'")
    await ana.page.evaluate("() => window.mediaKeys.nexttrack({})")
    await ben.until("() => window.__wt.replica.video?.url.endsWith('clip.webm')")


async def test_a_link_pasted_anywhere_and_the_queue_by_keys(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana = await Person.enter(
        chromium, installation.urls[0], room, "Ana", permissions=["clipboard-read", "clipboard-write"]
    )
    page = ana.page
    items = page.get_by_role("list", name="Queue").get_by_role("listitem")
    for number, name in enumerate(("clip.mp4", "clip.webm", "hls/master.m3u8"), 1):
        await page.evaluate("(text) => navigator.clipboard.writeText(text)", origin.url(name))
        await ana.key("Control+v")
        await expect(items).to_have_count(number)
    await expect(page.get_by_text("What you pasted is in the queue.")).to_be_visible()
    await ana.playing()

    async def order() -> list[str]:
        urls: list[str] = await page.evaluate("() => window.__wt.replica.queue.map(({ url }) => url.split('/').pop())")
        return urls

    assert await order() == ["clip.mp4", "clip.webm", "master.m3u8"]
    grip = items.nth(2).get_by_role("button", name=re.compile("^Move"))
    await grip.focus()
    # Each step is announced before the next one counts.
    for key, told in (("Space", "taken"), ("ArrowUp", "would be number 2 of 3"), ("Space", "is number 2 of 3")):
        await page.keyboard.press(key)
        await expect(page.locator("[role=status][aria-live]").filter(has_text=told)).to_have_count(1)
    await ana.until("() => window.__wt.replica.queue[1].url.endsWith('master.m3u8')")
    await items.nth(1).get_by_role("button", name=re.compile("^Move")).focus()
    await page.keyboard.press("Alt+ArrowDown")
    await ana.until("() => window.__wt.replica.queue[1].url.endsWith('clip.webm')")
    await items.nth(2).hover()
    await items.nth(2).get_by_role("button", name="Play next").first.click()
    await ana.until("() => window.__wt.replica.queue[1].url.endsWith('master.m3u8')")
    await page.get_by_role("tab", name="Chat").click()
    log = page.get_by_role("list", name="Messages")
    await expect(log).to_contain_text("You added")
    assert ana.errors == []


async def test_the_invitation_has_an_address_a_qr_code_and_copies(
    installation: Installation, chromium: Browser, room: str
) -> None:
    ana = await Person.enter(
        chromium, installation.urls[0], room, "Ana", permissions=["clipboard-read", "clipboard-write"]
    )
    await ana.button("Invite").click()
    dialog = ana.page.get_by_role("dialog", name="Invite friends")
    address = f"{installation.urls[0]}/room/{room}"
    await expect(dialog.get_by_role("textbox", name="Address of this room")).to_have_value(address)
    code = dialog.get_by_role("img", name="QR code of this room’s address")
    # A code of this length has at least 25 modules each way, and a quiet zone of four around them.
    size = int((await code.get_attribute("viewBox") or "0 0 0 0").split()[2])
    assert size >= 25 + 8
    await dialog.get_by_role("button", name="Copy").click()
    await expect(dialog.get_by_role("button", name="Copied")).to_be_visible()
    assert await ana.page.evaluate("() => navigator.clipboard.readText()") == address
