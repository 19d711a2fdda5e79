"""The proxy as a process, before the media origin: what a player gets, and what the origin sees of it."""

from __future__ import annotations

import aiohttp

from tests.support import media as clips
from tests.support.asking import (
    BIG,
    fetched,
    open_path,
    signed,
    unique,
)
from tests.support.media import Media
from tests.support.node import Node
from tests.support.origin import Origin


async def test_a_file_comes_through_byte_for_byte(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin, media: Media
) -> None:
    response, body = await fetched(http, proxy, open_path(origin.url(clips.MP4, v=unique())))
    assert response.status == 200
    assert body == media.path(clips.MP4).read_bytes()
    assert response.headers["Content-Type"] == "video/mp4"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Accept-Ranges"] == "bytes"
    assert "Content-Range" in response.headers["Access-Control-Expose-Headers"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "private, no-transform"


async def test_head_tells_the_length_and_sends_nothing(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    response, body = await fetched(http, proxy, signed(origin.url(f"blob/{BIG}.mp4")), method="HEAD")
    assert (response.status, response.headers["Content-Length"], body) == (200, str(BIG), b"")


async def test_a_preflight_is_answered(http: aiohttp.ClientSession, proxy: Node) -> None:
    response, _ = await fetched(http, proxy, "/api/proxy?url=x", method="OPTIONS", Origin="http://elsewhere.example")
    assert response.status == 204
    assert response.headers["Access-Control-Allow-Headers"].startswith("Range, If-Range, If-None-Match")


async def test_methods_that_change_something_are_not_there(http: aiohttp.ClientSession, proxy: Node) -> None:
    for method in ("POST", "PUT", "DELETE"):
        response, _ = await fetched(http, proxy, "/api/proxy?url=x", method=method)
        assert response.status == 405


async def test_the_media_type_is_never_one_that_a_browser_runs(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    for declared in ("text/html", "text/html; charset=utf-8", "image/svg+xml", "application/xhtml+xml", "text/xml"):
        response, _ = await fetched(http, proxy, signed(origin.url("blob/10.mp4", type=declared, v=unique())))
        assert response.headers["Content-Type"] == "application/octet-stream"
    page, _ = await fetched(http, proxy, open_path(origin.url("watch/pair")))
    assert page.headers["Content-Type"] == "application/octet-stream"
