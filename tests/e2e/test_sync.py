"""Two people on two replicas see the same picture at the same time."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Browser

from tests.support.installation import Installation
from tests.support.origin import Origin
from tests.support.page import Person, spread

WITHIN_S = 0.5
# Two elements are the ones that part.
SOAK_S = {"direct": 20.0, "hls": 20.0, "pair": 58.0}
TRIES = 3

Figure = Callable[[str], None]

LINKS: dict[str, Callable[[Origin], str]] = {
    "direct": lambda origin: origin.url("clip.mp4"),
    "hls": lambda origin: origin.url("hls/master.m3u8"),
    "pair": lambda origin: origin.url("watch/pair.sync"),
}
ENGINES = {"direct": ["direct", "direct"], "hls": ["hls", "hls"], "pair": ["joined", "pair"]}
SKEW = """() => {
  const [video, audio] = ['video', 'audio'].map((name) => document.querySelector(`${name}[data-role^="stage"]`));
  return Math.abs(audio.currentTime - video.currentTime);
}"""


async def settled_spread(people: list[Person]) -> float:
    """The spread once corrections had their three seconds."""
    await asyncio.sleep(3)
    return await spread(people)


async def measured(figure: Figure, what: str, act: Callable[[], Awaitable[float]]) -> None:
    """Measure until it is within bounds, three times at most: a slow machine is not a defect."""
    tries = []
    for _ in range(TRIES):
        tries.append(await act())
        if tries[-1] < WITHIN_S:
            break
    figure(f"{what}: " + ", ".join(f"{value * 1000:.0f} ms" for value in tries))
    assert tries[-1] < WITHIN_S, f"{what}: the pages are {tries} s apart"


@pytest.mark.timeout(420)
@pytest.mark.parametrize("kind", LINKS)
async def test_two_pages_on_two_replicas_stay_together(
    kind: str, installation: Installation, origin: Origin, chromium: Browser, room: str, figure: Figure
) -> None:
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana")
    # Of a pair, one of them plays picture and sound by one element, the other by two.
    prefs: dict[str, object] = {"joinsPairs": False}
    ben = await Person.enter(chromium, installation.urls[1], room, "Ben", prefs=prefs)
    people = [ana, ben]
    await ana.add(LINKS[kind](origin))
    await asyncio.gather(*(person.playing() for person in people))
    assert [await person.told("player.engine") for person in people] == ENGINES[kind]
    skews: list[float] = []

    async def after_play() -> float:
        await ben.press("Pause")
        await asyncio.gather(*(person.paused() for person in people))
        await ana.press("Play")
        await asyncio.gather(*(person.playing() for person in people))
        return await settled_spread(people)

    async def after_pause() -> float:
        if not (await ana.sample()).paused:
            await ana.press("Pause")
        await asyncio.gather(*(person.paused() for person in people))
        return await settled_spread(people)

    async def after_seek() -> float:
        if (await ana.sample()).paused:
            await ana.press("Play")
        await ben.page.keyboard.press("5")
        await asyncio.gather(*(person.near(34, within_s=4) for person in people))
        await asyncio.gather(*(person.playing() for person in people))
        return await settled_spread(people)

    async def while_playing() -> float:
        await ana.page.keyboard.press("0")
        await asyncio.gather(*(person.near(1.5) for person in people))
        await asyncio.gather(*(person.playing() for person in people))
        await asyncio.sleep(2)
        worst, until = 0.0, time.monotonic() + SOAK_S[kind]
        while time.monotonic() < until and (await ana.sample()).position < 62:
            worst = max(worst, await spread(people))
            if kind == "pair":
                skews.append(await ben.page.evaluate(SKEW))
            await asyncio.sleep(1)
        return worst

    await measured(figure, f"{kind}: spread after play", after_play)
    await measured(figure, f"{kind}: spread after pause", after_pause)
    await measured(figure, f"{kind}: spread after seek", after_seek)
    await measured(figure, f"{kind}: worst spread of {SOAK_S[kind]:.0f} s", while_playing)
    if skews:
        skew = statistics.median(skews) * 1000
        figure(f"two elements: median distance of sound and picture {skew:.0f} ms, worst {max(skews) * 1000:.0f} ms")
        # Beyond 0.2 s the loop corrects; a busy machine may be seen while it does.
        assert skew < 200
    assert ana.errors == []
    assert ben.errors == []
