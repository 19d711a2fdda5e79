"""The picture of a room in the README, taken of the real page: `python -m tests.support.portrait docs/room.jpg`.

Its reactions want a font with coloured emoji (Debian: fonts-noto-color-emoji).
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from aiohttp import web
from playwright.async_api import expect

from tests.support import page
from tests.support.installation import Installation, free_ports
from tests.support.page import Person

# What ffmpeg draws by itself, so that the picture shows nobody's film.
_FILMS: Final = {
    "Evening colours": "gradients=size=1280x720:rate=24:nb_colors=4:c0=#0b1d3a:c1=#d1495b:c2=#edae49:c3=#2e4057",
    "The game of life": "life=size=640x360:mold=10:rate=24:ratio=0.1:death_color=#1b2a4a:life_color=#7ee2a8",
    "A minute of cells": "cellauto=size=640x360:rate=24",
}
_ALL_READY: Final = """() => {
  const statuses = Object.values(window.__wt.replica.statuses);
  return statuses.length === 3 && statuses.every(({ state, drift }) => state === 'ready' && Math.abs(drift) < 0.1);
}"""
_PEOPLE: Final = ("Ana", "Ben", "Cleo")
_SECONDS: Final = 60
_QUALITY: Final = 82


def _film(source: str, to: Path) -> None:
    command = ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", source, "-f", "lavfi", "-i", "sine=220"]
    coding = ["-t", str(_SECONDS), "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    subprocess.run([*command, *coding, "-movflags", "+faststart", str(to)], check=True)


@asynccontextmanager
async def _served(folder: Path) -> AsyncIterator[str]:
    """The folder's files under an address of this machine."""
    port = free_ports(1)
    application = web.Application()
    application.router.add_static("/", folder)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await runner.cleanup()


async def _say(person: Person, *lines: str) -> None:
    await person.page.get_by_role("tab", name="Chat", exact=True).click()
    for line in lines:
        await person.page.get_by_role("textbox", name="Message").fill(line)
        await person.button("Send").click()


async def take(to: Path) -> None:
    """Let three people watch, talk and react, and keep what one of them sees."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "films"
        folder.mkdir()
        for title, source in _FILMS.items():
            await asyncio.to_thread(_film, source, folder / f"{title}.mp4")
        async with _served(folder) as host, page.browser() as browser:
            with Installation(Path(name) / "data", settings={"WT_ALLOWED_PRIVATE_HOSTS": host}) as installation:
                base = installation.url()
                ana, ben, cleo = [
                    await Person.enter(browser, base, "friday-night", who, color_scheme="dark") for who in _PEOPLE
                ]
                for title in _FILMS:
                    await ana.add(f"http://{host}/{quote(title)}.mp4")
                await asyncio.gather(*(person.playing() for person in (ana, ben, cleo)))
                await _say(ana, "Ready? Popcorn is in the bowl")
                await _say(ben, "Two bowls, and I am not sharing")
                await _say(cleo, "Nobody told me it was this pretty")
                await cleo.key("3")
                await ana.near(_SECONDS * 0.3, within_s=6)
                await _say(ana, "Wait for the yellow")
                # Whoever was just brought somewhere else still loads.
                await ana.until(_ALL_READY)
                for person, emoji in ((ben, "Fire"), (cleo, "Surprised"), (ben, "Heart")):
                    await person.button(emoji).click()
                await expect(ana.page.locator("[data-role=reactions] > span")).to_have_count(3)
                await ana.wake()
                await ana.page.wait_for_timeout(700)
                await ana.page.screenshot(path=to, type="jpeg", quality=_QUALITY)


if __name__ == "__main__":
    asyncio.run(take(Path(sys.argv[1])))
