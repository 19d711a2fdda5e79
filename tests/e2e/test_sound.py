"""What is really heard: how loud, without a burst, without a second voice, and what stays behind of what was played."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Any, Final

import pytest
from playwright.async_api import Browser, CDPSession, expect

from tests.e2e.test_media import STAGE, opened, seek
from tests.support import oddities
from tests.support.installation import Installation
from tests.support.origin import Origin
from tests.support.page import Person

# Listens in where the graph leaves the page; `heard(since)` gives loudness and peak of what has been heard since.
_LISTEN: Final = """
  const connect = AudioNode.prototype.connect;
  window.contexts = [];
  const peaks = [];
  AudioNode.prototype.connect = function (target, ...rest) {
    if (target instanceof AudioDestinationNode) {
      const tap = this.context.createAnalyser();
      tap.fftSize = 32768;
      const samples = new Float32Array(tap.fftSize);
      connect.call(this, tap);
      window.contexts.push(this.context);
      setInterval(() => {
        tap.getFloatTimeDomainData(samples);
        let [sum, peak] = [0, 0];
        for (const sample of samples) {
          sum += sample * sample;
          peak = Math.max(peak, Math.abs(sample));
        }
        peaks.push([performance.now(), Math.sqrt(sum / samples.length), peak]);
      }, 100);
    }
    return connect.call(this, target, ...rest);
  };
  window.heard = (since) => {
    const found = peaks.filter(([at]) => at >= since);
    const loudness = found.map(([, each]) => each).sort((a, b) => a - b);
    const peak = Math.max(0, ...found.map(([, , each]) => each));
    return { typical: loudness[Math.floor(loudness.length / 2)] ?? 0, peak };
  };
"""


async def heard(person: Person, seconds: float) -> dict[str, float]:
    since = await person.page.evaluate("() => performance.now()")
    await asyncio.sleep(seconds)
    found: dict[str, float] = await person.page.evaluate("(since) => window.heard(since)", since)
    return found


async def listening(installation: Installation, chromium: Browser, link: str, prefs: dict[str, object]) -> Person:
    """Ana, who has touched the page, so that its sound may be shaped."""
    ana = await opened(installation, chromium, link, prefs=prefs, script=_LISTEN)
    await ana.playing()
    await ana.page.mouse.click(5, 5)
    await ana.until("() => window.contexts.some(({ state }) => state === 'running')")
    return ana


@pytest.mark.timeout(180)
async def test_evening_out_makes_a_quiet_film_louder_and_never_passes_full_scale(
    installation: Installation, origin: Origin, chromium: Browser, figure: Callable[[str], None]
) -> None:
    async def loudness(mode: str) -> float:
        # Led through the graph in any case, to be heard there.
        prefs: dict[str, object] = {"levelling": mode, "soundDelay": 0.02}
        ana = await listening(installation, chromium, origin.url(oddities.LOUD), prefs)
        await ana.until(f"() => {STAGE}.currentTime > {oddities.QUIET_S - 5}")
        typical = (await heard(ana, 4))["typical"]
        await ana.until(f"() => {STAGE}.currentTime > {oddities.QUIET_S}")
        peak = (await heard(ana, 5))["peak"]
        assert 0.3 < peak <= 1.0
        figure(f"a quiet film that gets loud, {mode}: {typical:.3f} of full scale, then {peak:.2f} at most")
        await ana.page.context.close()
        return typical

    off, normal, strong = await asyncio.gather(*map(loudness, ("off", "normal", "strong")))
    assert off == pytest.approx(0.0141, rel=0.2)
    assert normal > 1.5 * off
    assert strong > 1.5 * normal


async def test_shaping_the_sound_begins_at_the_volume_that_was_chosen(
    installation: Installation, origin: Origin, chromium: Browser
) -> None:
    prefs: dict[str, object] = {"levelling": "normal", "volume": 0.05}
    ana = await listening(installation, chromium, origin.url("clip.mp4"), prefs)
    await asyncio.sleep(1.5)
    peak = await ana.page.evaluate("() => window.heard(0).peak")
    # The clip's peaks are 0.2; what evens it out adds a little more than twice as much.
    assert 0.005 < peak < 0.08


async def test_a_graph_that_was_stopped_goes_on_by_itself(
    installation: Installation, origin: Origin, chromium: Browser
) -> None:
    ana = await listening(installation, chromium, origin.url("clip.mp4"), {"soundDelay": 0.02})
    await ana.page.evaluate("() => window.contexts[0].suspend()")
    await ana.until("() => window.contexts[0].state === 'running'", 5)
    assert (await heard(ana, 1.5))["peak"] > 0.1


async def test_a_sound_that_ends_before_its_picture_does_not_begin_again(
    installation: Installation, origin: Origin, chromium: Browser
) -> None:
    link = origin.url(f"watch/curt.{secrets.token_hex(4)}")
    ana = await opened(installation, chromium, link, prefs={"joinsPairs": False})
    await ana.add(origin.url("clip.webm"))
    await ana.playing()
    assert await ana.told("player.engine") == "pair"
    await ana.page.evaluate(
        """() => {
          window.earliest = Infinity;
          const audio = document.querySelector('audio');
          setInterval(() => {
            if (audio.isConnected && !audio.seeking) window.earliest = Math.min(window.earliest, audio.currentTime);
          }, 20);
        }"""
    )
    await seek(ana, oddities.CURT_S - 3)
    await ana.near(oddities.CURT_S - 2)
    await ana.page.evaluate("() => { window.earliest = Infinity; }")
    await ana.until("() => window.__wt.replica?.video?.title.includes('clip')", 30)
    assert await ana.page.evaluate("() => window.earliest") > oddities.CURT_S - 4
    await ana.playing()
    assert ana.errors == []


async def counted(session: CDPSession, kind: str) -> int:
    """How many objects of a kind are alive, after the garbage is gone."""
    prototype: Any = await session.send("Runtime.evaluate", {"expression": f"{kind}.prototype"})
    found: Any = await session.send("Runtime.queryObjects", {"prototypeObjectId": prototype["result"]["objectId"]})
    length: Any = await session.send(
        "Runtime.callFunctionOn",
        {
            "objectId": found["objects"]["objectId"],
            "functionDeclaration": "function () { return this.length; }",
            "returnByValue": True,
        },
    )
    await session.send("Runtime.releaseObject", {"objectId": found["objects"]["objectId"]})
    return int(length["result"]["value"])


@pytest.mark.timeout(300)
async def test_what_was_played_leaves_nothing_behind(
    installation: Installation, origin: Origin, chromium: Browser, room: str, figure: Callable[[str], None]
) -> None:
    prefs: dict[str, object] = {"levelling": "normal", "subtitleLanguage": "en"}
    ana = await Person.enter(chromium, installation.urls[0], room, "Ana", prefs=prefs, script=_LISTEN)
    links = ["hls/split/master.m3u8", f"watch/pair.{room[-6:]}", "clip.mp4", "dash/template.mpd"]
    await ana.add(origin.url("clip.webm"))
    await ana.playing()
    second = ana.page.get_by_role("list", name="Queue").get_by_role("listitem").nth(1)
    session = await ana.page.context.new_cdp_session(ana.page)
    kinds = ("MediaSource", "SourceBuffer", "HTMLMediaElement", "TextTrack", "MediaElementAudioSourceNode", "Worker")

    async def all_once() -> None:
        for link in links:
            await ana.add(origin.url(link))
            await ana.until("() => window.__wt.replica.queue[1]?.status === 'ready'")
            item = await ana.told("replica.queue[1].id")
            await second.hover()
            await second.get_by_role("button", name="Play now").first.click()
            await ana.until(f"() => window.__wt.replica.itemId === '{item}' && window.__wt.player.phase === 'ready'")
            await ana.playing()

    await all_once()
    before = {kind: await counted(session, kind) for kind in kinds}
    await all_once()
    after = {kind: await counted(session, kind) for kind in kinds}
    figure(f"alive after 4 and after 8 films: {before}, {after}")
    assert all(after[kind] <= before[kind] + 2 for kind in kinds), (before, after)
    await expect(ana.page.locator("video, audio")).to_have_count(1)
    assert await ana.page.evaluate(f"() => {STAGE}.textTracks.length") <= 4
