"""hls.js, dash.js and Chromium's own element at every kind of stream, through a proxy that is really running."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Browser, Page

from tests.support.node import ROOT, Node
from tests.support.origin import Origin
from tests.support.redis import RedisServer
from tests.support.streams import STREAMS, proxying, through

MODULES: Final = ROOT / "web" / "node_modules"
LIBRARIES: Final = {
    "hls": MODULES / "hls.js" / "dist" / "hls.js",
    "dash": MODULES / "dashjs" / "dist" / "modern" / "umd" / "dash.all.debug.js",
}
# Opens `url` with the form's library, plays, seeks, plays on. Answers what went wrong, '' for nothing.
PLAY: Final = """async ({ url, form, isLive, hasPicture }) => {
  const video = document.createElement("video");
  video.muted = true;
  document.body.append(video);
  window.video = video;
  const wrong = [];
  video.addEventListener("error", () => wrong.push(`element: ${video.error?.message}`));
  if (form === "hls") {
    const hls = (window.hls = new Hls());
    hls.on(Hls.Events.ERROR, (_, data) => data.fatal && wrong.push(`hls.js: ${data.details}`));
    hls.loadSource(url);
    hls.attachMedia(video);
  } else if (form === "dash") {
    const dash = (window.dash = dashjs.MediaPlayer().create());
    dash.updateSettings({ debug: { logLevel: 0 } });
    dash.on("error", (event) => wrong.push(`dash.js: ${event.error?.message ?? event.error}`));
    dash.initialize(video, url, false);
  } else {
    video.src = url;
  }
  const frames = () => video.getVideoPlaybackQuality().totalVideoFrames;
  const until = async (isSo, what) => {
    for (const end = performance.now() + 20_000; !isSo(); ) {
      if (wrong.length > 0) throw new Error(wrong.join(", "));
      if (performance.now() > end) throw new Error(`${what}: at ${video.currentTime}, ready ${video.readyState}`);
      await new Promise((done) => setTimeout(done, 50));
    }
  };
  const plays = async (what) => {
    const [from, shown] = [video.currentTime, frames()];
    await until(() => video.currentTime > from + 0.5, what);
    if (hasPicture) await until(() => frames() > shown + 5, `${what}, without a picture`);
  };
  try {
    await until(() => video.readyState >= 3, "does not open");
    video.play();
    await plays("does not play");
    if (isLive) await until(() => video.seekable.length > 0, "offers nothing to seek in");
    const target = isLive ? video.seekable.end(0) - 7 : 40;
    video.currentTime = target;
    await until(() => !video.seeking, "does not seek");
    if (Math.abs(video.currentTime - target) > 2) throw new Error(`is at ${video.currentTime}, not ${target}`);
    await plays("does not play after a seek");
    return "";
  } catch (error) {
    return error.message;
  }
}"""


@pytest.fixture(scope="module")
def proxy(origin: Origin, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with proxying(origin, redis_server, tmp_path_factory.mktemp("players")) as node:
        yield node


async def opened(browser: Browser, origin: Origin, library: Path | None) -> Page:
    """A page of somebody else's, with a player's library in it."""
    page = await browser.new_page()
    await page.goto(origin.url("watch/nothing"))
    if library is not None:
        await page.add_script_tag(path=library)
    return page


async def played(page: Page, url: str, name: str) -> str:
    stream = STREAMS[name]
    given = {"url": url, "form": stream.form, "isLive": stream.is_live, "hasPicture": stream.has_picture}
    wrong: Any = await page.evaluate(PLAY, given)
    return str(wrong)


@pytest.mark.parametrize("form", ["file", "hls", "dash"])
async def test_every_kind_of_stream_plays_and_seeks(form: str, proxy: Node, origin: Origin, chromium: Browser) -> None:
    failed = {}
    for name, stream in STREAMS.items():
        if stream.form != form:
            continue
        page = await opened(chromium, origin, LIBRARIES.get(form))
        if wrong := await played(page, through(proxy, origin, stream), name):
            failed[name] = wrong
        await page.close()
    assert failed == {}


async def test_hls_js_finds_the_languages_and_words_and_plays_them(
    proxy: Node, origin: Origin, chromium: Browser
) -> None:
    name = "HLS with languages and subtitles"
    page = await opened(chromium, origin, LIBRARIES["hls"])
    assert await played(page, through(proxy, origin, STREAMS[name]), name) == ""
    tracks = "() => [hls.audioTracks, hls.subtitleTracks].map((all) => all.map(({ name, lang }) => [name, lang]))"
    assert await page.evaluate(tracks) == [[["English", "en"], ["Español", "es"]]] * 2
    await page.evaluate("() => { hls.audioTrack = 1; hls.subtitleTrack = 1; hls.subtitleDisplay = true; }")
    await origin.wait_async("/kinds/languages/es-", timeout=20)
    words = """() => [...video.textTracks].some((track) => track.mode === "showing" && [...(track.cues ?? [])]
        .some((cue) => cue.text.startsWith("Español")))"""
    await page.wait_for_function(words, timeout=20_000)


async def test_hls_js_waits_for_parts_of_a_live_stream_at_the_origin(
    proxy: Node, origin: Origin, chromium: Browser
) -> None:
    name = "low-latency HLS"
    origin.reset()
    page = await opened(chromium, origin, LIBRARIES["hls"])
    assert await played(page, through(proxy, origin, STREAMS[name]), name) == ""
    asked = [seen.query for seen in origin.requests("/live/parts/index.m3u8") if "_HLS_msn" in seen.query]
    assert asked
    assert all(query.keys() <= {"_HLS_msn", "_HLS_part", "_HLS_skip"} for query in asked)
    assert origin.requests("/live/parts/part-")


async def test_hls_js_is_steered_to_a_copy_of_a_pathway_by_way_of_the_proxy(
    proxy: Node, origin: Origin, chromium: Browser
) -> None:
    name = "HLS with content steering"
    origin.reset()
    page = await opened(chromium, origin, LIBRARIES["hls"])
    # Nothing of it is in the proxy's memory yet.
    unseen = replace(STREAMS[name], path=f"{STREAMS[name].path}?v={secrets.token_hex(4)}")
    assert await played(page, through(proxy, origin, unseen), name) == ""
    [asked] = origin.requests("/kinds/steered/steering.json")
    assert asked.query["_HLS_pathway"] == "one"
    copies = [seen for seen in origin.requests("/hls/360/index.m3u8") if seen.query.get("pathway") == "two"]
    assert [seen.headers["host"].partition(":")[0] for seen in copies] == ["localhost"]
    assert any(seen.headers["host"].startswith("localhost") for seen in origin.requests("/hls/360/0"))


async def test_dash_js_follows_a_live_stream_by_patches_of_its_mpd(
    proxy: Node, origin: Origin, chromium: Browser
) -> None:
    name = "live DASH with patches"
    origin.reset()
    page = await opened(chromium, origin, LIBRARIES["dash"])
    assert await played(page, through(proxy, origin, STREAMS[name]), name) == ""
    await origin.wait_async("/live/patch-", 3, timeout=20)
    from_there = await page.evaluate("video.currentTime")
    await page.wait_for_function(f"video.currentTime > {from_there} + 6", timeout=20_000)
    patches = origin.requests("/live/patch-")
    # One of each: what a patch says was taken in. And the whole MPD was not needed again.
    assert len({seen.path for seen in patches}) == len(patches)
    assert len(origin.requests("/live/listed.mpd")) == 1
