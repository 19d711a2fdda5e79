"""The guarding proxy of extractions, spoken to as an extraction would, and as one should not."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from services.common.guard import Guard
from services.resolver.egress import Egress, Pass
from tests.support.origin import Origin


@pytest_asyncio.fixture
async def egress(origin: Origin) -> AsyncIterator[Egress]:
    guard = Guard((origin.address,))
    made = Egress(guard)
    await made.start()
    yield made
    await made.close()
    guard.close()


def login(held: Pass) -> str:
    parts = urlsplit(held.proxy_url)
    return base64.b64encode(f"{parts.username}:{parts.password}".encode()).decode()


async def ask(egress: Egress, first: str, held: Pass | None, *lines: str) -> bytes:
    """Send one head and read until the proxy closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", egress.port)
    authorization = [f"Proxy-Authorization: Basic {login(held)}"] if held else []
    writer.write("\r\n".join([first, *authorization, *lines, "", ""]).encode())
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()


async def test_nobody_passes_without_a_pass(egress: Egress, origin: Origin) -> None:
    assert b" 407 " in await ask(egress, f"GET {origin.url('/clip.mp4?nopass')} HTTP/1.1", None)
    held = egress.admit()
    egress.withdraw(held)
    assert b" 407 " in await ask(egress, f"GET {origin.url('/clip.mp4')} HTTP/1.1", held)


async def test_a_plain_request_is_answered_once_and_the_connection_closes(egress: Egress, origin: Origin) -> None:
    url = origin.url("/hls/360/index.m3u8", egress=1)
    answer = await ask(
        egress, f"GET {url} HTTP/1.1", egress.admit(), "Host: elsewhere.example", "Connection: keep-alive"
    )
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"Connection: close" in head
    assert b"keep-alive" not in head.lower()
    assert body.startswith(b"#EXTM3U")
    seen = next(request for request in origin.requests("/hls/360/index.m3u8") if request.query.get("egress") == "1")
    assert seen.headers["host"] == origin.address
    assert "proxy-authorization" not in seen.headers


async def test_a_tunnel_carries_bytes_both_ways_until_its_pass_ends(egress: Egress, origin: Origin) -> None:
    held = egress.admit()
    reader, writer = await asyncio.open_connection("127.0.0.1", egress.port)
    writer.write(f"CONNECT {origin.address} HTTP/1.1\r\nProxy-Authorization: Basic {login(held)}\r\n\r\n".encode())
    assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
    for _ in range(2):
        writer.write(f"GET /hls/360/index.m3u8 HTTP/1.1\r\nHost: {origin.address}\r\n\r\n".encode())
        assert (await reader.readuntil(b"#EXTM3U")).strip().startswith(b"HTTP/1.1 200 ")
        await reader.readuntil(b"#EXT-X-ENDLIST")
    egress.withdraw(held)
    async with asyncio.timeout(5):
        await reader.read()
    writer.close()


@pytest.mark.parametrize(
    "first",
    [
        "GET http://127.0.0.1:1234/ HTTP/1.1",
        "GET http://169.254.169.254/latest/meta-data/ HTTP/1.1",
        "GET http://localhost:1234/ HTTP/1.1",
        "CONNECT 10.0.0.1:443 HTTP/1.1",
        "CONNECT [::1]:443 HTTP/1.1",
        "CONNECT [::ffff:127.0.0.1]:443 HTTP/1.1",
    ],
)
async def test_private_targets_are_refused_and_remembered(egress: Egress, first: str) -> None:
    held = egress.admit()
    assert b" 403 " in await ask(egress, first, held)
    assert held.refused is not None
    assert held.refused.code == "private_address"


@pytest.mark.parametrize(
    "first",
    [
        "CONNECT mail.example:25 HTTP/1.1",
        "GET ftp://example.com/ HTTP/1.1",
        "GET / HTTP/1.1",
        "CONNECT 2130706433:80 HTTP/1.1",
    ],
)
async def test_what_is_no_web_target_is_refused(egress: Egress, first: str) -> None:
    held = egress.admit()
    assert b" 403 " in await ask(egress, first, held)
    assert held.refused is not None


async def test_a_target_that_does_not_answer_is_a_bad_gateway(egress: Egress) -> None:
    guard = Guard(("127.0.0.1:9998",))
    other = Egress(guard)
    await other.start()
    assert b" 502 " in await ask(other, "GET http://127.0.0.1:9998/ HTTP/1.1", other.admit())
    await other.close()
    guard.close()


async def test_an_extraction_that_loads_too_much_is_cut_off(egress: Egress, origin: Origin) -> None:
    held = egress.admit()
    held.left_bytes = 1 << 20
    answer = await ask(egress, f"GET {origin.url('/blob/8000000.mp4')} HTTP/1.1", held)
    assert len(answer) <= (1 << 20) + 4096


async def test_everything_can_go_through_another_proxy_after_the_check(egress: Egress, origin: Origin) -> None:
    outer = egress.admit()
    guard = Guard((origin.address,))
    inner = Egress(guard, outer.proxy_url)
    await inner.start()
    held = inner.admit()
    assert b"#EXTM3U" in await ask(inner, f"GET {origin.url('/hls/360/index.m3u8')} HTTP/1.1", held)
    assert b" 403 " in await ask(inner, "GET http://10.0.0.1/ HTTP/1.1", held)
    assert outer.refused is None
    await inner.close()
    guard.close()


@pytest.mark.parametrize("noise", [b"\x00" * 200, b"GET " + b"a" * 100_000, b"\r\n\r\n", b"nonsense\r\n\r\n"])
async def test_noise_ends_the_connection_and_nothing_else(egress: Egress, origin: Origin, noise: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", egress.port)
    writer.write(noise)
    writer.write_eof()
    async with asyncio.timeout(5):
        await reader.read()
    writer.close()
    assert b"#EXTM3U" in await ask(egress, f"GET {origin.url('/hls/360/index.m3u8')} HTTP/1.1", egress.admit())
