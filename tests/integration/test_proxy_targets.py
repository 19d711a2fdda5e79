"""What a proxy refuses to fetch, and what it says of origins that fail."""

from __future__ import annotations

import re

import aiohttp
import pytest

from services.common.keyring import KeyRing
from services.common.stream import Kind, StreamRef, StreamSigner
from tests.support.asking import (
    SIGNER,
    asked,
    code_of,
    fetched,
    open_path,
    signed,
    unique,
)
from tests.support.node import Node
from tests.support.origin import Origin
from tests.support.redis import free_port


async def test_a_redirect_to_a_private_address_is_refused(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    for there in ("http://169.254.169.254/x", f"http://127.0.0.1:{free_port()}/x", "http://[::1]:8080/x"):
        path = signed(origin.url("redirect", to=there))
        assert await code_of(http, proxy, path) == (403, "private_address")
    path = signed(origin.url("redirect", to=f"http://localhost:{origin.address.partition(':')[2]}/clip.mp4"))
    assert await code_of(http, proxy, path) == (403, "private_address")
    assert await code_of(http, proxy, signed(origin.url("redirect", to="ftp://x/"))) == (400, "bad_url")


async def test_an_open_url_may_not_be_redirected_off_the_list(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    path = open_path(origin.url("redirect", to="http://example.com/"))
    assert await code_of(http, proxy, path) == (403, "refused_target")


async def test_a_fourth_redirect_is_one_too_many(http: aiohttp.ClientSession, proxy: Node, origin: Origin) -> None:
    async with asked(http, proxy, signed(origin.url("redirect", to="/blob/10.mp4", n=3))) as response:
        assert response.status == 200
    path = signed(origin.url("redirect", to="/blob/10.mp4", n=4))
    assert await code_of(http, proxy, path) == (502, "upstream_failed")


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        ("http://example.com/", 403, "refused_target"),
        ("http://127.0.0.1/", 403, "refused_target"),
        ("http://googlevideo.com.example.com/", 403, "refused_target"),
        ("http://user@127.0.0.1/", 403, "refused_target"),
        ("ftp://example.com/", 400, "bad_url"),
        ("", 400, "bad_url"),
    ],
)
async def test_an_open_url_off_the_list_is_refused(
    http: aiohttp.ClientSession, proxy: Node, url: str, status: int, code: str
) -> None:
    assert await code_of(http, proxy, open_path(url)) == (status, code)


async def test_a_signed_url_to_a_private_address_is_refused(http: aiohttp.ClientSession, proxy: Node) -> None:
    for url in ("http://127.0.0.1:8001/", "http://localhost:8000/", "http://[::ffff:10.0.0.1]/", "http://10.1.2.3/"):
        assert await code_of(http, proxy, signed(url)) == (403, "private_address")


async def test_a_signed_url_that_was_changed_is_refused(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    path = signed(origin.url("blob/10.mp4"), context="")
    good = StreamRef(origin.url("blob/10.mp4"), Kind.SEGMENT, "o", "", 1)
    changed = [
        path.replace("blob%2F10", "blob%2F11"),
        path.replace("&k=s", "&k=m"),
        re.sub(r"&e=\d+", "&e=99999999999", path),
        path.replace("&o=", "&o=a"),
        path + "&c=other",
        path[:-1] + ("0" if path[-1] != "0" else "1"),
        path.partition("&s=")[0],
        StreamSigner(KeyRing(("another secret altogether",))).path(good),
    ]
    for each in changed:
        assert await code_of(http, proxy, each) == (403, "bad_signature"), each
    assert await code_of(http, proxy, SIGNER.path(good)) == (403, "expired_signature")


async def test_a_request_that_came_from_a_proxy_of_ours_is_refused(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    path = signed(origin.url("blob/10.mp4"))
    assert await code_of(http, proxy, path, X_Watch_Together_Hop="1") == (403, "refused_target")
    await fetched(http, proxy, path)
    assert "x-watch-together-hop" in origin.requests("/blob/10.mp4")[-1].headers


@pytest.mark.parametrize(
    ("faults", "status", "code"),
    [
        ({"status": 404}, 404, "not_found"),
        ({"status": 403}, 502, "upstream_failed"),
        ({"status": 500}, 502, "upstream_failed"),
        ({"status": 503}, 503, "unavailable"),
        ({"delay": 9}, 504, "upstream_late"),
    ],
)
@pytest.mark.parametrize("kind", [Kind.SEGMENT, Kind.MANIFEST])
async def test_a_failing_upstream_has_a_code_of_its_own(
    http: aiohttp.ClientSession,
    proxy: Node,
    origin: Origin,
    faults: dict[str, int],
    status: int,
    code: str,
    kind: Kind,
) -> None:
    path = signed(origin.url("hls/360/index.m3u8", v=unique(), **faults), kind)
    assert await code_of(http, proxy, path) == (status, code)


async def test_an_upstream_that_nobody_listens_at_has_failed(http: aiohttp.ClientSession, proxy: Node) -> None:
    assert (await code_of(http, proxy, signed("http://nowhere.invalid/")))[0] == 502


async def test_the_very_bytes_of_a_url_reach_the_origin(
    http: aiohttp.ClientSession, proxy: Node, origin: Origin
) -> None:
    mark = unique()
    await fetched(http, proxy, signed(f"{origin.url('blob/10.mp4')}?v={mark}&sig=%7e%2B%2c+a%27'~|x"))
    [seen] = [seen for seen in origin.requests("/blob/10.mp4") if seen.query.get("v") == mark]
    assert seen.query["sig"] == "~+, a''~|x"
