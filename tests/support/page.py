"""A person at a browser: our page in Debian's Chromium, operated by the names that people see."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from playwright.async_api import Browser, ConsoleMessage, Locator, Page, async_playwright

ARGUMENTS: Final = (
    "--no-sandbox",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    # Two pages in one browser: the one behind must go on like the one in front.
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
)
DESKTOP: Final = (1440, 900)
PHONE: Final = (390, 844)

_SAMPLE: Final = """() => {
  const video = document.querySelector('video[data-role="stage"]');
  return {
    at: (performance.timeOrigin + performance.now()) / 1000,
    position: video ? video.currentTime : null,
    paused: video ? video.paused : true,
    ready: video ? video.readyState : 0,
    frames: video ? video.getVideoPlaybackQuality().totalVideoFrames : 0,
  };
}"""


def chromium() -> str | None:
    """The browser's executable: `CHROMIUM`, else Debian's; None where there is none."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium")


@asynccontextmanager
async def browser(*, may_autoplay: bool = True) -> AsyncIterator[Browser]:
    """A fresh headless Chromium; `may_autoplay`: sound needs no gesture first."""
    arguments = [each for each in ARGUMENTS if may_autoplay or not each.startswith("--autoplay-policy")]
    if not may_autoplay:
        arguments.append("--autoplay-policy=document-user-activation-required")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=chromium(), headless=True, args=arguments)
        try:
            yield launched
        finally:
            await launched.close()


@dataclass(frozen=True, slots=True)
class Sample:
    """What a page's video element said: media `position` in seconds at `at` (Unix seconds by the page's clock)."""

    at: float
    position: float
    paused: bool
    ready: int
    frames: int

    def position_at(self, time: float) -> float:
        """Where it would be at another time."""
        return self.position + (0.0 if self.paused else time - self.at)


class Person:
    """One person in one room, in a browser profile of their own."""

    def __init__(self, page: Page, name: str) -> None:
        self.page = page
        self.name = name
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._hear)

    def _hear(self, entry: ConsoleMessage) -> None:
        if entry.type == "error":
            self.errors.append(f"{entry.text} ({entry.location['url']})")

    @classmethod
    async def enter(
        cls,
        browser: Browser,
        base_url: str,
        room: str,
        name: str,
        *,
        size: tuple[int, int] = DESKTOP,
        prefs: dict[str, object] | None = None,
        script: str = "",
        **device: Any,
    ) -> Person:
        """Open the room's page as a new guest, who has chosen `prefs` before, and wait until it is live.

        `script` runs before the page's own; `device` is what else Playwright knows of one, as `has_touch` or `locale`.
        """
        context = await browser.new_context(viewport={"width": size[0], "height": size[1]}, **device)
        if script:
            await context.add_init_script(script)
        if prefs:
            held = json.dumps(json.dumps(prefs))
            await context.add_init_script(f"localStorage['wt:prefs'] ??= {held}")
        person = cls(await context.new_page(), name)
        await person.page.goto(f"{base_url}/room/{room}?name={name}")
        await person.live()
        return person

    async def live(self, *, timeout_s: float = 20) -> None:
        """Wait until the socket is open and the room is known."""
        await self.until("() => window.__wt && window.__wt.connection === 'open' && window.__wt.version", timeout_s)

    async def until(self, condition: str, timeout_s: float = 20) -> None:
        """Wait until a JavaScript condition holds."""
        await self.page.wait_for_function(condition, timeout=timeout_s * 1000, polling=50)

    def button(self, name: str) -> Locator:
        """A button by its accessible name."""
        return self.page.get_by_role("button", name=name, exact=True)

    async def add(self, link: str) -> None:
        """Paste a link into the queue's field and press Add."""
        if await self.page.get_by_role("tab", name="Queue").count():
            await self.page.get_by_role("tab", name="Queue").click()
        field = self.page.get_by_role("textbox", name="Paste a link")
        await field.fill(link)
        await self.button("Add").click()

    async def paste(self, link: str) -> None:
        """Paste a link with the focus on nothing: it goes to the queue, whichever part of the room is open."""
        await self.page.evaluate(
            """(text) => {
              const clipboardData = new DataTransfer();
              clipboardData.setData('text/plain', text);
              const event = new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true });
              document.body.dispatchEvent(event);
            }""",
            link,
        )

    async def key(self, key: str) -> None:
        """Press a key of the room's own, with the focus on nothing."""
        await self.page.evaluate("() => document.activeElement?.blur()")
        await self.page.keyboard.press(key)

    async def press(self, name: str) -> None:
        """Press one of the player's buttons, which hide when nobody moves."""
        await self.wake()
        await self.button(name).first.click()

    async def wake(self) -> None:
        """Move the mouse over the picture, so that the controls show."""
        stage = await self.page.locator('video[data-role="stage"]').bounding_box()
        assert stage is not None
        await self.page.mouse.move(stage["x"] + stage["width"] / 2, stage["y"] + stage["height"] / 2)
        await self.page.mouse.move(stage["x"] + stage["width"] / 2 + 5, stage["y"] + stage["height"] / 2)

    async def playing(self, *, timeout_s: float = 30) -> None:
        """Wait until the picture moves."""
        await self.until(
            """() => {
              const video = document.querySelector('video[data-role="stage"]');
              return video && !video.paused && video.readyState >= 3 && video.currentTime > 0.2;
            }""",
            timeout_s,
        )

    async def paused(self, *, timeout_s: float = 10) -> None:
        """Wait until the picture stands still."""
        await self.until("""() => document.querySelector('video[data-role="stage"]')?.paused""", timeout_s)

    async def near(self, position: float, *, within_s: float = 2.0, timeout_s: float = 15) -> None:
        """Wait until the picture is near a position in seconds."""
        await self.until(
            f"""() => {{
              const video = document.querySelector('video[data-role="stage"]');
              return video && !video.seeking && Math.abs(video.currentTime - {position}) <= {within_s};
            }}""",
            timeout_s,
        )

    async def sample(self) -> Sample:
        """What the video element says now."""
        raw: dict[str, Any] = await self.page.evaluate(_SAMPLE)
        return Sample(raw["at"], raw["position"] or 0.0, raw["paused"], raw["ready"], raw["frames"])

    async def told(self, name: str) -> Any:
        """One of the page's own diagnostics (`window.__wt`)."""
        return await self.page.evaluate(f"() => window.__wt?.{name}")


async def spread(people: list[Person]) -> float:
    """How far apart the pictures are now, seconds, by the pages' clocks on this one machine."""
    samples = await asyncio.gather(*(person.sample() for person in people))
    now = max(sample.at for sample in samples)
    positions = [sample.position_at(now) for sample in samples]
    return max(positions) - min(positions)
