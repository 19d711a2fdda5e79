"""`python -m tests.bench.drift [--quick]`: how far apart the pictures on several screens are, read from their pixels.

Chromium pages over two replicas play a clip whose frames carry their number. At one instant of the wall clock each
page reads the number that it shows; how long that frame has been on screen tells the rest. Prints, asserts nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser

from tests.bench.parts import counter
from tests.bench.parts.figures import Figure, Results, arguments, table
from tests.bench.parts.processes import busy
from tests.support.installation import Installation
from tests.support.member import Member
from tests.support.page import Person, browser

_SETTLED_S: Final = 3.0
_AHEAD_S: Final = 0.15
_EACH: Final = 5

# Called once per page: follows what the video presents, and counts what corrections do.
_WATCH: Final = """() => {
  const video = document.querySelector('video[data-role="stage"]');
  const drift = { seeks: 0, trims: 0, isTrimmed: false, frames: [] };
  window.__drift = drift;
  video.addEventListener('seeking', () => { drift.seeks += 1; });
  // A change of speed is one correction, from its beginning to its end.
  video.addEventListener('ratechange', () => {
    const isTrimmed = video.playbackRate !== 1;
    if (isTrimmed && !drift.isTrimmed) drift.trims += 1;
    drift.isTrimmed = isTrimmed;
  });
  const follow = (_now, frame) => {
    drift.frames.push([frame.mediaTime, performance.timeOrigin + frame.expectedDisplayTime]);
    if (drift.frames.length > 20) drift.frames.shift();
    video.requestVideoFrameCallback(follow);
  };
  video.requestVideoFrameCallback(follow);
  drift.canvas = new OffscreenCanvas(%(cells)d, 1).getContext('2d', { willReadFrequently: true });
}""" % {"cells": counter.CELLS}  # noqa: UP031 - the script is full of braces

# What is on screen at an instant (Unix ms): the number in the pixels, and since when that frame is there.
_READ: Final = """async (at) => {
  const clock = () => performance.timeOrigin + performance.now();
  await new Promise((done) => setTimeout(done, Math.max(0, at - clock() - 8)));
  while (clock() < at) { /* no timer is exact enough */ }
  const video = document.querySelector('video[data-role="stage"]');
  const { canvas, frames } = window.__drift;
  const when = clock();
  const scale = video.videoWidth / %(width)d;
  canvas.drawImage(video, 0, 12 * scale, video.videoWidth, 16 * scale, 0, 0, %(cells)d, 1);
  const pixels = canvas.getImageData(0, 0, %(cells)d, 1).data;
  const bits = Array.from({ length: %(cells)d }, (_, n) => (pixels[4 * n] > 128 ? 1 : 0));
  const number = bits.slice(0, -1).reduce((sum, bit) => 2 * sum + bit, 0);
  const known = frames.findLast(([time]) => Math.round(time * %(rate)d) === number);
  return {
    when, number, isWhole: bits.reduce((sum, bit) => sum + bit, 0) %% 2 === 0,
    shown: known ? known[1] : null, isPaused: video.paused, rate: video.playbackRate,
  };
}""" % {"width": counter.WIDTH, "cells": counter.CELLS, "rate": counter.FRAME_RATE}  # noqa: UP031


@dataclass(frozen=True, slots=True)
class Spread:
    """Differences between the first and the last screen, milliseconds."""

    what: str
    values_ms: list[float]

    def figures(self, sync: str) -> list[Figure]:
        """Median, 95th percentile and most; `sync` says how the room was kept together."""
        if not self.values_ms:
            return []
        ordered = sorted(self.values_ms)
        p95 = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
        told = {"p50": statistics.median(ordered), "p95": p95, "most": ordered[-1]}
        return [Figure(f"{sync}, {self.what}: {name}", value, "ms") for name, value in told.items()]


async def spread(people: Sequence[Person]) -> float | None:
    """How far apart the pictures are at one instant, ms; None if a page could not be read."""
    at = (time.time() + _AHEAD_S) * 1000
    readings = await asyncio.gather(*(person.page.evaluate(_READ, at) for person in people))
    if not all(reading["isWhole"] for reading in readings):
        return None
    positions = [_position_ms(reading, at) for reading in readings]
    return max(positions) - min(positions)


def _position_ms(reading: dict[str, Any], at: float) -> float:
    """Where a picture was at the instant: the start of its frame, and as much of it as had passed."""
    frame_ms = 1000 / counter.FRAME_RATE
    start = reading["number"] * frame_ms
    if reading["isPaused"]:
        return float(start)
    age = frame_ms / 2 if reading["shown"] is None else reading["when"] - reading["shown"]
    passed = min(max(age * reading["rate"], 0.0), frame_ms)
    return float(start + passed - (reading["when"] - at) * reading["rate"])


async def sampled(people: Sequence[Person], count: int, pause_s: float) -> list[float]:
    """Some spreads in a row."""
    found = []
    for _ in range(count):
        value = await spread(people)
        if value is not None:
            found.append(value)
        await asyncio.sleep(pause_s)
    return found


async def after(
    what: str, people: Sequence[Person], repeats: int, act: Callable[[int], Awaitable[None]]
) -> list[Spread]:
    """Act and look, at once and settled."""
    at_once: list[float] = []
    settled: list[float] = []
    for number in range(repeats):
        await act(number)
        await asyncio.gather(*(person.playing() for person in people))
        at_once += await sampled(people, 1, 0)
        await asyncio.sleep(_SETTLED_S)
        settled += await sampled(people, _EACH, 0.2)
    return [Spread(f"{what}, as soon as all play", at_once), Spread(f"{what}, after {_SETTLED_S:.0f} s", settled)]


async def corrections(people: Sequence[Person]) -> list[tuple[int, int]]:
    """Seeks and changes of speed so far, of each page."""
    counts = await asyncio.gather(*(person.page.evaluate("() => [__drift.seeks, __drift.trims]") for person in people))
    return [(seeks, trims) for seeks, trims in counts]


def tally(
    sync: str, before: Sequence[tuple[int, int]], after: Sequence[tuple[int, int]], minutes: float
) -> list[Figure]:
    """What was corrected meanwhile, for each minute and page."""
    pages = [(now[0] - then[0], now[1] - then[1]) for then, now in zip(before, after, strict=True)]
    seeks, trims = (sum(counts) / len(pages) / minutes for counts in zip(*pages, strict=True))
    most = max(sum(page) for page in pages) / minutes
    told = {"seeks": seeks, "changes of speed": trims, "both on the worst page": most}
    return [Figure(f"{sync}, soak: {name}", value, "a minute and page") for name, value in told.items()]


async def story(
    running: Installation, chromium: Browser, link: str, options: argparse.Namespace, *, is_tight: bool
) -> list[Figure]:
    """One room from its start to the end of the soak."""
    sync = f"tight sync {'on' if is_tight else 'off'}"
    room = f"drift-{secrets.token_hex(4)}"
    async with Member(running.urls[0], room, "Owner") as owner:
        await owner.expect("room_state")
        await owner.ask("set_settings", tight_sync=is_tight)
        people = [
            await Person.enter(chromium, running.urls[number % running.replicas], room, f"P{number}")
            for number in range(options.pages)
        ]
        first = people[0]
        await first.add(link)
        await asyncio.gather(*(person.playing() for person in people))
        for person in people:
            await person.page.evaluate(_WATCH)

        async def start(_number: int) -> None:
            await owner.ask("pause", timestamp=5)
            await asyncio.gather(*(person.paused() for person in people))
            await asyncio.sleep(1)
            await owner.ask("play", timestamp=5)

        async def seek(number: int) -> None:
            target = 60 + 40 * (number % 5)
            await owner.ask("seek", timestamp=target)
            await asyncio.gather(*(person.near(target, within_s=6) for person in people))

        spreads = await after("start", people, options.repeats, start)
        spreads += await after("seek", people, options.repeats, seek)
        before = await corrections(people)
        soak: list[float] = []
        begun = time.monotonic()
        while time.monotonic() - begun < options.soak:
            soak += await sampled(people, 1, 1)
        corrected = tally(sync, before, await corrections(people), (time.monotonic() - begun) / 60)
        for person in people:
            await person.page.context.close()
    spreads.append(Spread(f"soak of {options.soak:.0f} s", soak))
    return [*(figure for each in spreads for figure in each.figures(sync)), *corrected]


async def run(options: argparse.Namespace) -> list[Figure]:
    """Both kinds of rooms, one after the other."""
    figures: list[Figure] = []
    path = await asyncio.to_thread(counter.clip)
    async with counter.serving(path) as address, browser() as chromium:
        with tempfile.TemporaryDirectory() as folder:
            settings = {"WT_ALLOWED_PRIVATE_HOSTS": address}
            running = Installation(Path(folder) / "data", replicas=2, settings=settings)
            await asyncio.to_thread(running.start)
            try:
                for is_tight in {"loose": [False], "tight": [True], "both": [False, True]}[options.sync]:
                    link = f"http://{address}/counter.mp4"
                    figures += await story(running, chromium, link, options, is_tight=is_tight)
            finally:
                running.kill()
    return figures


def main() -> None:
    """Measure and print."""
    parser = arguments("drift", "Screens, compared.")
    parser.add_argument("--pages", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=5, help="starts and seeks")
    parser.add_argument("--soak", type=float, default=300.0, help="seconds")
    parser.add_argument("--sync", choices=("loose", "tight", "both"), default="both")
    options = parser.parse_args()
    if options.quick:
        options.repeats, options.soak = 2, 20.0
    results = Results.begin("drift")
    print(f"{results.machine}, {busy()}; {options.pages} pages over 2 replicas, {counter.FRAME_RATE} frames/s")
    results.figures = asyncio.run(run(options))
    results.end(options.json)
    print(table(results))


if __name__ == "__main__":
    main()
