"""`python -m tests.bench.page [--quick]`: how fast the built page is, by Chromium's own measures.

Opens the landing page and a room with the processor slowed down four times; plays each kind of stream and looks for
tasks that hold the page up; seeks in what the browser and the proxy have; starts a pair at 2160p. Asserts nothing.
"""

from __future__ import annotations

import asyncio
import secrets
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, Page

from tests.bench.parts.figures import Figure, Results, arguments, table
from tests.bench.parts.processes import busy
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


async def openings(chromium: Browser, base: str, rounds: int) -> list[Figure]:
    """The landing page, and a room."""
    figures = []
    for name, path in (("landing page", "/"), ("room", "/room/{}?name=Ana")):
        seen = [await opened(chromium, base + path.format(secrets.token_hex(4))) for _ in range(rounds)]
        task = max((duration for each in seen for _, duration in each["tasks"]), default=0)
        figures += [
            Figure(f"{name}, processor {SLOWER}× slower: LCP", statistics.median(each["lcp"] for each in seen), "ms"),
            Figure(f"{name}: CLS", max(each["cls"] for each in seen)),
            Figure(f"{name}, processor {SLOWER}× slower: longest task", task, "ms"),
        ]
    return figures


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


async def streams(chromium: Browser, base: str, origin: Origin) -> list[Figure]:
    """What happens while it plays, kind by kind."""
    figures = []
    for name, link in (("file", "clip.mp4"), ("HLS", "hls/master.m3u8"), ("pair", "watch/pair.bench")):
        ana = await Person.enter(chromium, base, secrets.token_hex(4), "Ana", script=_OBSERVE)
        await ana.add(origin.url(link))
        await ana.playing()
        _count, longest = await playing(ana.page)
        taken = await seeks(ana, ("2", "7", "4", "8", "1"))
        figures += [
            Figure(f"{name}: longest task in 10 s of playing (0: none over 50 ms)", longest, "ms"),
            Figure(f"{name}: from a key to the frame it leads to, median", statistics.median(taken), "ms"),
            Figure(f"{name}: the same, worst", max(taken), "ms"),
        ]
        await ana.page.context.close()
    return figures


async def tallest(chromium: Browser, base: str, origin: Origin) -> list[Figure]:
    """A pair at its 2160p rendition, five seconds after its start."""
    prefs: dict[str, object] = {"wantedHeight": 2160}
    ana = await Person.enter(chromium, base, secrets.token_hex(4), "Ana", prefs=prefs)
    await ana.add(origin.url("watch/pair.tallest"))
    await ana.playing()
    await ana.page.wait_for_timeout(5000)
    quality = "() => document.querySelector('video').getVideoPlaybackQuality().droppedVideoFrames"
    dropped = float(await ana.page.evaluate(quality))
    return [
        Figure("pair at 2160p: distance from the room", abs(float(await ana.told("drift"))) * 1000, "ms"),
        Figure("pair at 2160p: frames dropped", dropped),
    ]


async def measure(rounds: int) -> list[Figure]:
    """Everything, in a browser before an installation of its own."""
    with Origin() as origin, tempfile.TemporaryDirectory() as folder:
        settings = {
            "WT_ALLOWED_PRIVATE_HOSTS": origin.address,
            "WT_YTDLP_PLUGIN_DIRS": str(ROOT / "tests" / "support"),
        }
        with Installation(Path(folder) / "data", settings=settings) as installation:
            async with browser() as chromium:
                base = installation.url()
                return [
                    *await openings(chromium, base, rounds),
                    *await streams(chromium, base, origin),
                    *await tallest(chromium, base, origin),
                ]


def main() -> None:
    """Measure and print."""
    options = arguments("page", "The built page in Chromium, measured.").parse_args()
    results = Results.begin("page")
    results.figures = asyncio.run(measure(2 if options.quick else 5))
    results.end(options.json)
    print(f"{results.machine}, {busy()}\n\n{table(results)}")


if __name__ == "__main__":
    main()
