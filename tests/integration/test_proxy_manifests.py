"""Manifests and what they name, through a proxy."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess

import aiohttp
import pytest

from services.common.stream import Kind
from tests.support import media as clips
from tests.support.asking import (
    code_of,
    fetched,
    open_path,
    signed,
    unique,
)
from tests.support.media import Media
from tests.support.node import Node
from tests.support.origin import Origin


def decoded(url: str) -> str:
    """The checksums of all decoded pictures and of all decoded sound, as ffmpeg reads `url`."""
    streams = ("-map", "0:v:0", "-map", "0:a:0", "-t", "12")
    command = ("ffmpeg", "-nostdin", "-v", "error", "-i", url, *streams, "-f", "streamhash", "-hash", "md5", "-")
    done = subprocess.run(command, capture_output=True, timeout=40, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.count(b"MD5=") == 2
    return done.stdout.decode()


@pytest.mark.parametrize(
    "name",
    [
        *(clips.MP4, clips.HLS_TS, clips.HLS_FMP4, clips.HLS_MASTER, clips.HLS_SPLIT),
        *(clips.DASH_TEMPLATE, clips.DASH_BASE),
    ],
)
def test_ffmpeg_decodes_the_same_through_the_proxy(proxy: Node, origin: Origin, name: str) -> None:
    url = origin.url(name)
    assert decoded(proxy.url + open_path(url)) == decoded(url)


async def test_every_segment_of_a_playlist_comes_through_byte_for_byte(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin, media: Media
) -> None:
    response, body = await fetched(http, proxy, open_path(origin.url(clips.HLS_FMP4)))
    assert response.headers["Content-Type"] == "application/vnd.apple.mpegurl"
    text = body.decode()
    assert origin.address not in re.sub(r"url=[^&\"\s]*", "", text)
    children = [line for line in text.splitlines() if line.startswith("/api/proxy?")]
    assert len(children) == clips.SEGMENTS
    for number, child in enumerate(children):
        _, segment = await fetched(http, proxy, child)
        assert segment == media.path(f"hls/fmp4/{number:03}.m4s").read_bytes()


async def test_a_manifest_rewritten_twice_is_the_same(http: aiohttp.ClientSession, proxy: Node, origin: Origin) -> None:
    url = origin.url("live/index.m3u8", v=unique())
    path = signed(url, Kind.MANIFEST)
    (first, one), (second, two) = [await fetched(http, proxy, path), await fetched(http, proxy, path)]
    assert one == two
    assert first.headers["ETag"] == second.headers["ETag"]
    unchanged, _ = await fetched(http, proxy, path, If_None_Match=first.headers["ETag"])
    assert unchanged.status in (200, 304)


async def test_subtitles_are_webvtt_whatever_the_origin_calls_them(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin, media: Media
) -> None:
    url = origin.url(clips.subtitle("en"), type="text/plain", v=unique())
    response, body = await fetched(http, proxy, signed(url, Kind.SUBTITLE))
    assert response.headers["Content-Type"] == "text/vtt; charset=utf-8"
    assert body == media.path(clips.subtitle("en")).read_bytes()


@pytest.mark.parametrize(
    "faults", [{"type": "text/plain"}, {"type": "application/octet-stream"}, {"type": "video/mp2t"}]
)
@pytest.mark.parametrize(("name", "sign"), [(clips.HLS_TS, "#EXTM3U"), (clips.DASH_BASE, "<MPD")])
async def test_a_manifest_is_known_by_its_name_though_its_type_lies(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin, faults: dict[str, str], name: str, sign: str
) -> None:
    response, body = await fetched(http, proxy, open_path(origin.url(name, v=unique(), **faults)))
    assert sign in body.decode()
    assert b"/api/proxy?url=" in body
    assert "video" not in response.headers["Content-Type"]


@pytest.mark.parametrize("declared", ["application/vnd.apple.mpegurl", "text/plain", ""])
async def test_a_manifest_without_a_name_is_known_by_type_or_first_bytes(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin, declared: str
) -> None:
    with origin.fault(f"/{clips.HLS_TS}", type=declared or "application/octet-stream"):
        url = origin.url("redirect", to=f"/{clips.HLS_TS}", v=unique())
        for given in ({}, {"Range": "bytes=0-"}):
            response, body = await fetched(http, proxy, signed(url), **given)
            assert response.headers["Content-Type"] == "application/vnd.apple.mpegurl"
            assert b"/api/proxy?url=" in body


async def test_children_are_relative_to_where_a_redirect_led(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin, media: Media
) -> None:
    path = signed(origin.url("redirect", to=f"/{clips.HLS_TS}", n=2), Kind.MANIFEST)
    _, body = await fetched(http, proxy, path)
    child = next(line for line in body.decode().splitlines() if line.startswith("/api/proxy"))
    _, segment = await fetched(http, proxy, child)
    assert segment == media.path("hls/360/000.ts").read_bytes()


async def test_a_manifest_cut_short_is_no_manifest(http: aiohttp.ClientSession, proxy: Node, origin: Origin) -> None:
    path = signed(origin.url(clips.HLS_TS, v=unique(), cut_at=500), Kind.MANIFEST)
    assert await code_of(http, proxy, path) == (502, "upstream_failed")


async def test_players_directives_reach_the_origin(http: aiohttp.ClientSession, proxy: Node, origin: Origin) -> None:
    mark = unique()
    path = signed(origin.url("live/index.m3u8", v=mark), Kind.MANIFEST)
    response, body = await fetched(http, proxy, f"{path}&_HLS_msn=7&_HLS_part=2&other=1")
    assert response.status == 200
    [seen] = [seen for seen in origin.requests("/live/index.m3u8") if seen.query.get("v") == mark]
    assert {name: value for name, value in seen.query.items() if name != "v"} == {"_HLS_msn": "7", "_HLS_part": "2"}
    child = next(line for line in body.decode().splitlines() if line.startswith("/api/proxy"))
    assert "_HLS" not in child


@pytest.mark.parametrize(("name", "container"), [(clips.avc(240), "mp4"), (clips.VP9, "webm")])
async def test_where_the_pieces_of_a_file_lie_is_read_once_for_everybody(
    name: str, container: str, http: aiohttp.ClientSession, proxy: Node, origin: Origin, media: Media
) -> None:
    path = signed(origin.url(name, v=(mark := unique()))) + "&view=index"
    answers = await asyncio.gather(*(fetched(http, proxy, path) for _ in range(5)))
    again, _ = await fetched(http, proxy, path)
    told = json.loads(answers[0][1])
    whole = media.path(name).read_bytes()
    assert {body for _, body in answers} == {answers[0][1]}
    assert again.headers["X-Cache"] == "L1"
    assert (told["container"], told["init"][0]) == (container, 0)
    assert told["duration"] == pytest.approx(clips.DURATION_S, abs=0.2)
    assert told["pieces"][0] > told["init"][1] - 1
    assert len(whole) > told["pieces"][1]
    seen = [request for request in origin.requests(f"/{name}") if request.query.get("v") == mark]
    assert len(seen) <= 2


async def test_a_file_that_has_no_pieces_says_so(http: aiohttp.ClientSession, proxy: Node, origin: Origin) -> None:
    path = signed(origin.url(clips.MP4, v=unique())) + "&view=index"
    assert [await code_of(http, proxy, path) for _ in range(2)] == [(400, "no_index")] * 2
