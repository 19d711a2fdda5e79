"""A link that wants a sign-in: somebody shares their cookies, and it plays for the people of their room alone."""

from __future__ import annotations

import re
import secrets

from playwright.async_api import Browser, expect

from tests.support.installation import Installation
from tests.support.origin import Origin
from tests.support.page import Person

SMALL = (320, 640)


async def test_cookies_that_somebody_shares_open_a_link_for_their_room_and_no_other(
    installation: Installation, origin: Origin, chromium: Browser, room: str
) -> None:
    value = f"sample-{secrets.token_hex(8)}"
    link = origin.url(f"/watch/cookie.{room}")
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana", size=SMALL)
    ben = await Person.enter(chromium, installation.urls[1], room, "Ben")
    await ana.add(link)
    await ana.button("Share your cookies").first.click()
    dialog = ana.page.get_by_role("dialog", name="Your sign-ins")
    cookies = dialog.get_by_role("textbox", name="Cookies")
    await cookies.fill(f"session={value}")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("Line 1: it has 1 fields")
    assert await ana.page.evaluate("document.documentElement.scrollWidth") <= SMALL[0]
    box = await dialog.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= SMALL[0]
    await cookies.fill(f"# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t0\tsession\t{value}\n")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog).to_be_hidden()
    await ana.playing()
    await ben.playing()

    cleo = await Person.enter(chromium, installation.urls[1], f"{room}-b", "Cleo")
    await cleo.add(link)
    await expect(cleo.button("Share your cookies").first).to_be_visible(timeout=30_000)

    # A second link: Ana is asked before she adds it, and it opens at once.
    field = ana.page.get_by_role("textbox", name="Paste a link")
    await field.fill(origin.url(f"/watch/cookie.{room}-2"))
    await ana.page.get_by_role("switch", name="Use my sign-in to 127.0.0.1").click()
    await ana.button("Add").click()
    await expect(ben.page.get_by_role("list", name="Queue").get_by_text("Sample cookie")).to_have_count(
        2, timeout=30_000
    )

    for person in (ana, ben, cleo):
        assert value not in await person.page.content()
    own = ana.page.context.request
    listed = await (await own.get(f"{installation.urls[0]}/api/cookies")).text()
    assert re.fullmatch(r'\{"sites":\[\{"domain":"127.0.0.1","expires_at":null\}\]\}', listed)
    assert value not in installation.written()

    # She deletes them: what they opened ends.
    await own.delete(f"{installation.urls[0]}/api/cookies")
    await expect(ben.button("Share your cookies").first).to_be_visible(timeout=30_000)
    assert [
        error for error in (*ana.errors, *ben.errors) if "/api/cookies" not in error and "/api/proxy" not in error
    ] == []
