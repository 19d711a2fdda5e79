"""Streams that come as an MPD: what is missing in them, and how soon a choice of quality is seen."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.async_api import Browser, Route

from tests.e2e.test_media import STAGE, opened, seek
from tests.support.installation import Installation
from tests.support.media import DASH_TEMPLATE, SEGMENT_S, THUMBNAIL
from tests.support.origin import Origin
from tests.support.page import Person

PIECE = 6
"""The one that is missing or broken, counted from 1: from 10 to 12 s."""
HOLE = ((PIECE - 1) * SEGMENT_S, PIECE * SEGMENT_S)
_WATCHED = """async (until) => {
  const video = document.querySelector('video[data-role="stage"]');
  let [stood, since, last] = [0, performance.now(), video.currentTime];
  const first = video;
  const began = performance.now();
  while (video.currentTime < until && performance.now() - began < 30000) {
    await new Promise((done) => setTimeout(done, 20));
    const now = performance.now();
    if (video.currentTime !== last) [since, last] = [now, video.currentTime];
    stood = Math.max(stood, now - since);
  }
  return { stood: stood / 1000, reached: video.currentTime };
}"""
_SEEN = """async (lines) => {
  const video = document.querySelector('video[data-role="stage"]');
  const began = performance.now();
  let [stood, since, last, seen] = [0, began, video.currentTime, null];
  while (performance.now() - began < 12000) {
    await new Promise((done) => setTimeout(done, 10));
    const now = performance.now();
    if (video.currentTime !== last) [since, last] = [now, video.currentTime];
    stood = Math.max(stood, now - since);
    if (video.videoHeight === lines) seen ??= now - began;
    // What comes after it is looked at, too: another piece of the old one would be seen.
    else if (seen !== null) return { seen: null, stood: stood / 1000, back: true };
    if (seen !== null && now - began > seen + 5000) break;
  }
  return { seen: seen === null ? null : seen / 1000, stood: stood / 1000, back: false };
}"""


@contextlib.contextmanager
def broken(origin: Origin, **fault: Any) -> Iterator[None]:
    """One piece of the picture, of whatever quality, has this fault."""
    with contextlib.ExitStack() as stack:
        for stream in range(3):
            stack.enter_context(origin.fault(f"dash/chunk-stream{stream}-{PIECE:05}", **fault))
        yield


# Another file in its place: bytes that no player can take.
@pytest.mark.parametrize("fault", [{"status": 404}, {"location": f"/{THUMBNAIL}"}], ids=["missing", "broken"])
async def test_a_piece_of_an_mpd_that_is_not_there_is_left_out(
    installation: Installation,
    origin: Origin,
    chromium: Browser,
    room: str,
    fault: dict[str, Any],
    figure: Callable[[str], None],
) -> None:
    with broken(origin, **fault):
        ana = await opened(installation, chromium, origin.url(DASH_TEMPLATE, v=room))
        await ana.playing()
        watched = await ana.page.evaluate(_WATCHED, HOLE[1] + 2)
        figure(f"a missing piece of an MPD ({fault}): the picture stood for {watched['stood']:.2f} s")
        assert watched["reached"] >= HOLE[1]
        assert watched["stood"] < 2.6
        await ana.until("() => Math.abs(window.__wt.drift) < 0.5", 10)
        # And a seek into the hole.
        await seek(ana, HOLE[0] + 0.5)
        await ana.until(f"() => {STAGE}.currentTime > {HOLE[1] + 1} && {STAGE}.currentTime < {HOLE[1] + 8}", 10)
    assert await ana.told("player.phase") == "ready"
    assert await ana.told("player.engine") == "dash"


async def choose(person: Person, lines: int) -> dict[str, Any]:
    await person.press("Quality")
    item = person.page.get_by_role("menuitemradio", name=f"{lines}p", exact=True)
    found, _ = await asyncio.gather(person.page.evaluate(_SEEN, lines), item.click())
    return dict(found)


async def test_a_chosen_quality_of_an_mpd_is_seen_from_the_next_piece_on(
    installation: Installation, origin: Origin, chromium: Browser, room: str, figure: Callable[[str], None]
) -> None:
    link = origin.url(DASH_TEMPLATE, v=room)
    ana = await opened(installation, chromium, link, prefs={"wantedHeight": 720})
    await ana.playing()
    # Enough is loaded that none of it would be missed.
    await ana.until(f"() => {STAGE}.buffered.length && {STAGE}.buffered.end(0) - {STAGE}.currentTime > 15", 30)
    heights = await ana.page.evaluate(f"() => [{STAGE}.videoHeight]")
    figure(f"an MPD begins at {heights[0]} lines")
    for lines in (240, 360, 240):
        seen = await choose(ana, lines)
        figure(f"an MPD at {lines} lines after {seen['seen']} s; the picture stood for {seen['stood']:.2f} s at most")
        assert seen["back"] is False
        assert seen["seen"] is not None
        assert seen["seen"] < SEGMENT_S + 1.2
        assert seen["stood"] < 0.4
    await ana.until("() => Math.abs(window.__wt.drift) < 0.5", 10)
    assert ana.errors == []


# A piece of the picture that is on its way meanwhile, or sound that is far behind the picture.
@pytest.mark.parametrize("late", [r"chunk-stream[0-2]-00015\b", r"chunk-stream3-0000[7-9]\b"], ids=["picture", "sound"])
async def test_a_chosen_quality_of_an_mpd_is_seen_as_soon_with_pieces_under_way(
    installation: Installation, origin: Origin, chromium: Browser, room: str, figure: Callable[[str], None], late: str
) -> None:
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana", prefs={"wantedHeight": 720})
    held: asyncio.Queue[Route] = asyncio.Queue()
    await ana.page.route(re.compile(late), lambda route: held.put_nowait(route), times=1)
    async with ana.page.expect_request(re.compile(r"chunk-stream[0-2]-00015\b"), timeout=30_000):
        await ana.add(origin.url(DASH_TEMPLATE, v=room))
    await ana.playing()
    piece = await asyncio.wait_for(held.get(), 10)
    seen = await choose(ana, 240)
    figure(f"an MPD with a piece of it under way at 240 lines after {seen['seen']} s")
    assert seen["back"] is False
    assert seen["seen"] is not None
    assert seen["seen"] < SEGMENT_S + 1.2
    await piece.continue_()
    await ana.until("() => Math.abs(window.__wt.drift) < 0.5", 10)
    assert ana.errors == []
