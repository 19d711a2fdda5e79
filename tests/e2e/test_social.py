"""What people do with each other in a room: talk, wait, keep order, take things back."""

from __future__ import annotations

import asyncio
import re

from playwright.async_api import Browser, Locator, expect

from tests.support.installation import Installation
from tests.support.origin import Origin
from tests.support.page import Person


async def enter_two(
    installation: Installation, chromium: Browser, room: str, link: str | None = None
) -> tuple[Person, Person]:
    """Ana, the owner, and Ben on another replica; both watch `link`, if there is one."""
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana")
    ben = await Person.enter(chromium, installation.urls[1], room, "Ben")
    if link is not None:
        await ana.add(link)
        await asyncio.gather(ana.playing(), ben.playing())
    return ana, ben


async def open_tab(person: Person, name: str) -> None:
    await person.page.get_by_role("tab", name=name, exact=True).click()


async def say(person: Person, text: str) -> None:
    await open_tab(person, "Chat")
    await person.page.get_by_role("textbox", name="Message").fill(text)
    await person.button("Send").click()


def messages(person: Person) -> Locator:
    return person.page.get_by_role("list", name="Messages")


async def manage(person: Person, name: str, action: str) -> None:
    await open_tab(person, "People")
    await person.button(f"Manage {name}").click()
    await person.page.get_by_role("menuitem", name=action, exact=True).click()


async def open_settings(person: Person) -> Locator:
    await person.button("Settings").click()
    dialog = person.page.get_by_role("dialog", name="Settings")
    await expect(dialog).to_be_visible()
    return dialog


async def test_people_on_two_replicas_talk(installation: Installation, chromium: Browser, room: str) -> None:
    ana, ben = await enter_two(installation, chromium, room)
    await say(ana, "Popcorn? <b>Now</b>: https://example.org/popcorn.")
    await expect(ben.page.get_by_role("tab", name="Chat")).to_contain_text("1")
    await open_tab(ben, "Chat")
    await expect(messages(ben)).to_contain_text("Popcorn? <b>Now</b>: https://example.org/popcorn.")
    link = messages(ben).get_by_role("link")
    await expect(link).to_have_attribute("href", "https://example.org/popcorn")
    await expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    await say(ben, "On my way")
    await expect(messages(ana)).to_contain_text("On my way")
    cleo = await Person.enter(chromium, installation.urls[0], room, "Cleo")
    await open_tab(cleo, "Chat")
    await expect(messages(cleo)).to_contain_text("On my way")
    assert [person.errors for person in (ana, ben, cleo)] == [[], [], []]


async def test_who_reads_further_up_stays_there_and_is_told_of_what_is_new(
    installation: Installation, chromium: Browser, room: str
) -> None:
    ana, ben = await enter_two(installation, chromium, room)
    for number in range(6):
        await say(ben, "\n".join(["So many words that they fill the list. "] * 9) + str(number))
    await open_tab(ana, "Chat")
    await expect(messages(ana)).to_contain_text("5")
    at_end = "(list) => list.scrollHeight - list.scrollTop - list.clientHeight < 2"
    assert await messages(ana).evaluate(at_end)
    await messages(ana).evaluate("(list) => { list.scrollTop = 0; }")
    await say(ben, "The last word")
    newer = ana.button("New messages")
    await expect(newer).to_be_visible()
    assert await messages(ana).evaluate("(list) => list.scrollTop") == 0
    await newer.click()
    await expect(newer).to_have_count(0)
    assert await messages(ana).evaluate(at_end)
    # One's own words are always seen.
    await messages(ana).evaluate("(list) => { list.scrollTop = 0; }")
    await say(ana, "Mine")
    await ana.page.wait_for_function(f"(list) => ({at_end})(list)", arg=await messages(ana).element_handle())
    # Away from the chat, the title tells.
    await open_tab(ana, "People")
    await say(ben, "Psst")
    await expect(ana.page).to_have_title(re.compile(r"^\(1\) "))


async def test_a_reaction_floats_over_everybodys_picture(
    installation: Installation, chromium: Browser, room: str
) -> None:
    ana, ben = await enter_two(installation, chromium, room)
    await open_tab(ana, "Chat")
    await ana.button("Applause").click()
    for person in (ana, ben):
        await expect(person.page.locator("[data-role=reactions]")).to_contain_text("👏")
    await open_tab(ben, "Chat")
    await ben.button("Hide reactions").click()
    await ana.button("Fire").click()
    await expect(ana.page.locator("[data-role=reactions]")).to_contain_text("🔥")
    await expect(ben.page.locator("[data-role=reactions]")).to_have_count(0)


async def test_who_is_kicked_is_told_and_may_come_back(
    installation: Installation, chromium: Browser, room: str
) -> None:
    ana, ben = await enter_two(installation, chromium, room)
    await open_tab(ben, "People")
    await expect(ben.button("Manage Ana")).to_have_count(0)
    await manage(ana, "Ben", "Kick")
    await expect(ben.page.get_by_role("heading", name="You were sent out")).to_be_visible()
    people = ana.page.get_by_role("list", name="People")
    await expect(people).not_to_contain_text("Ben")
    await ben.button("Come back").click()
    await ben.live()
    await expect(people).to_contain_text("Ben")


async def test_who_is_banned_stays_out(installation: Installation, chromium: Browser, room: str) -> None:
    ana, ben = await enter_two(installation, chromium, room)
    await manage(ana, "Ben", "Ban")
    await ana.page.get_by_role("dialog", name="Ban Ben?").get_by_role("button", name="Ban", exact=True).click()
    await expect(ben.page.get_by_role("heading", name="You are banned")).to_be_visible()
    await ben.page.reload()
    await expect(ben.page.get_by_role("heading", name="You are banned")).to_be_visible()


async def test_who_was_banned_is_let_in_again_from_the_settings_and_comes_in(
    installation: Installation, chromium: Browser, room: str
) -> None:
    ana, ben = await enter_two(installation, chromium, room)
    await expect((await open_settings(ben)).get_by_role("group", name="Banned")).to_have_count(0)
    await ben.page.keyboard.press("Escape")
    await manage(ana, "Ben", "Ban with address")
    confirm = ana.page.get_by_role("dialog", name="Ban Ben and their address?")
    await confirm.get_by_role("button", name="Ban", exact=True).click()
    await expect(ben.page.get_by_role("heading", name="You are banned")).to_be_visible()
    await ben.button("Try again").click()
    await expect(ben.page.get_by_role("heading", name="You are banned")).to_be_visible()
    settings = await open_settings(ana)
    await ana.page.set_viewport_size({"width": 320, "height": 640})
    banned = settings.get_by_role("list", name="Banned").get_by_role("listitem")
    await expect(banned).to_contain_text(re.compile(r"Ben\s*By you, .+ With their address\."))
    button = settings.get_by_role("button", name="Let in again: Ben")
    await button.focus()
    assert await settings.evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth")
    await ana.page.keyboard.press("Enter")
    await expect(settings.get_by_text("Nobody is banned from this room.")).to_be_visible()
    await expect(settings.get_by_role("group", name="Banned")).to_be_focused()
    await ana.page.keyboard.press("Escape")
    await ben.button("Try again").click()
    await ben.live()
    await open_tab(ben, "Chat")
    await expect(ben.page.get_by_text("Ana let Ben in again")).to_be_visible()


async def test_with_playback_for_moderators_a_member_is_told_why_not_until_made_one(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana, ben = await enter_two(installation, chromium, room, origin.url("clip.mp4"))
    dialog = await open_settings(ana)
    await dialog.get_by_label("Who may play and seek").select_option("Moderators")
    await ana.page.keyboard.press("Escape")
    await ben.wake()
    await expect(ben.button("Pause")).to_have_attribute("aria-disabled", "true")
    await ben.page.keyboard.press("k")
    await expect(ben.page.get_by_text("Only moderators may control playback.")).to_be_visible()
    assert (await ana.told("isPlaying")) is True
    await manage(ana, "Ben", "Make moderator")
    await expect(ben.button("Pause")).not_to_have_attribute("aria-disabled", "true")
    await ben.press("Pause")
    await asyncio.gather(ana.paused(), ben.paused())


async def test_a_seek_is_undone_from_the_log(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana, ben = await enter_two(installation, chromium, room, origin.url("clip.mp4"))
    await ana.press("Pause")
    await asyncio.gather(ana.paused(), ben.paused())
    before = (await ana.sample()).position
    await ben.page.keyboard.press("8")
    await asyncio.gather(ana.near(51), ben.near(51))
    await open_tab(ana, "Chat")
    await expect(messages(ana)).to_contain_text("Ben jumped to 0:51")
    await messages(ana).get_by_role("button", name="Undo").last.click()
    await asyncio.gather(ana.near(before), ben.near(before))


async def test_a_removed_item_comes_back_where_it_was(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana, ben = await enter_two(installation, chromium, room, origin.url("clip.mp4"))
    for name in ("clip.webm", "hls/master.m3u8"):
        await ana.add(origin.url(name))
    rows = ben.page.get_by_role("list", name="Queue").get_by_role("listitem")
    await expect(rows).to_have_count(3)
    row = ana.page.get_by_role("list", name="Queue").get_by_role("listitem").nth(1)
    await row.hover()
    await row.get_by_role("button", name="Remove").click()
    await expect(rows).to_have_count(2)
    await ana.button("Undo").click()
    await expect(rows).to_have_count(3)
    await expect(rows.nth(1)).to_contain_text(re.compile("clip", re.IGNORECASE))


async def test_votes_move_an_item_up_and_clearing_leaves_what_plays(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana, ben = await enter_two(installation, chromium, room, origin.url("clip.mp4"))
    for name in ("clip.webm", "hls/master.m3u8"):
        await ana.add(origin.url(name))
    rows = ana.page.get_by_role("list", name="Queue").get_by_role("listitem")
    await expect(rows.nth(2)).to_contain_text("master")
    vote = ben.page.get_by_role("button", name=re.compile("^Vote for master"))
    await vote.click()
    await expect(vote).to_have_attribute("aria-pressed", "true")
    await expect(rows.nth(1)).to_contain_text("master")
    await ana.button("Clear queue").click()
    await ana.page.get_by_role("dialog").get_by_role("button", name="Clear", exact=True).click()
    await expect(rows).to_have_count(1)
    assert (await ben.told("isPlaying")) is True


async def test_a_room_with_a_password_lets_in_who_knows_it(
    installation: Installation, chromium: Browser, room: str
) -> None:
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana")
    dialog = await open_settings(ana)
    await dialog.get_by_label("Room password").fill("open sesame")
    await dialog.get_by_role("button", name="Set", exact=True).click()
    await expect(dialog.get_by_role("button", name="Remove", exact=True)).to_be_visible()
    page = await (await chromium.new_context()).new_page()
    await page.goto(f"{installation.urls[1]}/room/{room}?name=Ben")
    field = page.get_by_label("Password")
    await field.fill("please")
    await page.get_by_role("button", name="Come in").click()
    await expect(page.get_by_role("alert")).to_contain_text("not the password")
    await field.fill("open sesame")
    await page.get_by_role("button", name="Come in").click()
    await Person(page, "Ben").live()


async def test_a_locked_room_opens_on_another_try(installation: Installation, chromium: Browser, room: str) -> None:
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana")
    dialog = await open_settings(ana)
    lock = dialog.get_by_role("switch", name="Lock the room")
    await lock.click()
    await expect(lock).to_be_checked()
    page = await (await chromium.new_context()).new_page()
    await page.goto(f"{installation.urls[1]}/room/{room}?name=Ben")
    await expect(page.get_by_role("heading", name="The room is locked")).to_be_visible()
    await lock.click()
    await expect(lock).not_to_be_checked()
    await page.get_by_role("button", name="Try again").click()
    await Person(page, "Ben").live()


async def test_the_room_waits_for_a_member_whose_stream_breaks(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    ana, ben = await enter_two(installation, chromium, room, origin.url("hls/360/index.m3u8"))
    dialog = await open_settings(ana)
    await dialog.get_by_label("If it stalls, wait for").select_option("Everybody")
    await ana.page.keyboard.press("Escape")
    await asyncio.sleep(1)

    # Ben's network alone goes away; his socket stays.
    await ben.page.context.route("**/api/proxy**", lambda route: asyncio.sleep(30))
    await ben.page.keyboard.press("8")
    await expect(ana.page.get_by_text("Waiting for Ben")).to_be_visible(timeout=15_000)
    await ana.paused()
    assert (await ana.told("isPlaying")) is False
    await ben.page.context.unroute_all(behavior="ignoreErrors")
    await expect(ana.page.get_by_text("Waiting for Ben")).to_have_count(0, timeout=20_000)
    await ana.playing()
