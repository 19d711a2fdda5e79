"""`python -m tests.bench.page [--rounds 5]`: how fast the built page is, by Chromium's own measures.

Opens the landing page and a room with the processor slowed down four times; plays each kind of stream and looks for
tasks that hold the page up; seeks in what the browser and the proxy have; starts a pair at 2160p. Asserts nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, Page

from tests.bench.parts.processes import busy, machine
from tests.support.installation import Installation
from tests.support.node import ROOT
from tests.support.origin import Origin
from tests.support.page import Person, browser

SLOWER: Final = 4
PLAYING_S: Final = 10.0

# What the browser itself tells of the page, from the beginning; times in ms.
_OBSERVE: Final = """
  window.seen = { lcp: 0, cls: 0, tasks: [] };
  const observe = (type, take) => new PerformanceObserver((list) => list.getEntries().forEach(take))
    .observe({ type, buffered: true });
  observe('largest-contentful-paint', (entry) => { window.seen.lcp = entry.startTime; });
  observe('layout-shift', (entry) => { if (!entry.hadRecentInput) window.seen.cls += entry.value; });
  observe('longtask', (entry) => window.seen.tasks.push([entry.startTime, entry.duration]));
"""

# From a key to the first frame of the place that it leads to, in ms.
_SEEK: Final = """async (key) => {
  const video = document.querySelector('video[data-role="stage"]');
  const began = performance.now();
  const target = video.duration * Number(key) / 10;
  const shown = new Promise((done) => {
    const look = (_now, { mediaTime, expectedDisplayTime }) => {
      if (Math.abs(mediaTime - target) < 2.5) done(expectedDisplayTime - began);
      else video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
  });
  window.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
  return shown;
}"""


async def opened(chromium: Browser, url: str) -> dict[str, Any]:
    """What the browser tells of one opening, on a slow device with nothing cached."""
    page = await (await chromium.new_context(viewport={"width": 1440, "height": 900})).new_page()
    await page.add_init_script(_OBSERVE)
    session = await page.context.new_cdp_session(page)
    await session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    await page.goto(url)
    await page.wait_for_timeout(4000)
    seen: dict[str, Any] = await page.evaluate("() => window.seen")
    await page.context.close()
    return seen


async def openings(chromium: Browser, base: str, rounds: int) -> None:
    """The landing page, and a room."""
    print(f"\n| opening, processor {SLOWER}× slower | LCP, ms (median, worst) | CLS | longest task, ms |")
    print("| --- | ---: | ---: | ---: |")
    for name, path in (("landing page", "/"), ("room", "/room/{}?name=Ana")):
        seen = [await opened(chromium, base + path.format(secrets.token_hex(4))) for _ in range(rounds)]
        lcp = [each["lcp"] for each in seen]
        shift = max(each["cls"] for each in seen)
        task = max((duration for each in seen for _, duration in each["tasks"]), default=0)
        print(f"| {name} | {statistics.median(lcp):.0f}, {max(lcp):.0f} | {shift:.3f} | {task:.0f} |")


async def playing(page: Page) -> tuple[int, float]:
    """Tasks of more than 50 ms while it plays: how many, and the longest in ms."""
    since = await page.evaluate("() => performance.now()")
    await page.wait_for_timeout(PLAYING_S * 1000)
    tasks = await page.evaluate("(since) => window.seen.tasks.filter(([at]) => at > since)", since)
    return len(tasks), max((duration for _, duration in tasks), default=0)


async def seeks(person: Person, keys: Sequence[str]) -> list[float]:
    """Each in what was loaded before; ms until the first frame."""
    for key in keys:  # so that it is loaded
        await person.page.evaluate(_SEEK, key)
        await person.page.wait_for_timeout(1500)
    return [await _seek(person, key) for key in keys]


async def _seek(person: Person, key: str) -> float:
    taken: float = await person.page.evaluate(_SEEK, key)
    await person.page.wait_for_timeout(1200)
    return taken


async def streams(chromium: Browser, base: str, origin: Origin) -> None:
    """What happens while it plays, kind by kind."""
    print(
        "\n| playing and seeking | tasks over 50 ms in 10 s | longest, ms | seek to first frame, ms (median, worst) |"
    )
    print("| --- | ---: | ---: | ---: |")
    for name, link in (("file", "clip.mp4"), ("HLS", "hls/master.m3u8"), ("pair, one element", "watch/pair.bench")):
        ana = await Person.enter(chromium, base, secrets.token_hex(4), "Ana", script=_OBSERVE)
        await ana.add(origin.url(link))
        await ana.playing()
        count, longest = await playing(ana.page)
        taken = await seeks(ana, ("2", "7", "4", "8", "1"))
        print(f"| {name} | {count} | {longest:.0f} | {statistics.median(taken):.0f}, {max(taken):.0f} |")
        await ana.page.context.close()


async def tallest(chromium: Browser, base: str, origin: Origin) -> None:
    """A pair at its 2160p rendition: how it starts."""
    prefs: dict[str, object] = {"wantedHeight": 2160}
    ana = await Person.enter(chromium, base, secrets.token_hex(4), "Ana", prefs=prefs)
    await ana.add(origin.url("watch/pair.tallest"))
    await ana.playing()
    await ana.page.wait_for_timeout(5000)
    frames = await ana.page.evaluate(
        """() => {
          const { droppedVideoFrames, totalVideoFrames } = document.querySelector('video').getVideoPlaybackQuality();
          return [droppedVideoFrames, totalVideoFrames];
        }"""
    )
    drift = abs(float(await ana.told("drift"))) * 1000
    print(f"\nA pair at 2160p after 5 s: {drift:.0f} ms from the room, {frames[0]} of {frames[1]} frames dropped.")


async def run(rounds: int) -> None:
    """Everything, with the load of the machine."""
    print(machine())
    with Origin() as origin, tempfile.TemporaryDirectory() as folder:
        settings = {
            "WT_ALLOWED_PRIVATE_HOSTS": origin.address,
            "WT_YTDLP_PLUGIN_DIRS": str(ROOT / "tests" / "support"),
        }
        with Installation(Path(folder) / "data", settings=settings) as installation:
            async with browser() as chromium:
                base = installation.url()
                await openings(chromium, base, rounds)
                await streams(chromium, base, origin)
                await tallest(chromium, base, origin)
    print(f"\nLoad at the end: {busy()}")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(prog="python -m tests.bench.page", description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5)
    asyncio.run(run(arguments.parse_args().rounds))
