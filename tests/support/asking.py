"""Requests to a proxy as players and strangers send them."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import aiohttp
from yarl import URL

from services.common.keyring import KeyRing
from services.common.stream import Kind, StreamRef, StreamSigner, expiry, object_id
from tests.support.node import SECRET, Node

RING = KeyRing((SECRET,))
SIGNER = StreamSigner(RING)
# Of the keys of the proxies that one test run starts.
PREFIX = f"proxy{secrets.token_hex(3)}"
# The length of an object that no memory holds.
BIG = 200_000_000


def open_path(url: str) -> str:
    """The path of a URL that nobody signed."""
    return f"/api/proxy?url={quote(url, safe='')}"


def unique() -> str:
    """A query that makes an object of its own."""
    return secrets.token_hex(4)


def signed(url: str, kind: Kind = Kind.SEGMENT, *, context: str = "", name: str = "") -> str:
    """The path of a URL as the resolver, or a manifest, signs it."""
    return SIGNER.path(StreamRef(url, kind, object_id(name or url), context, expiry(time.time())))


@asynccontextmanager
async def asked(
    http: aiohttp.ClientSession, proxy: Node, path: str, *, method: str = "GET", **headers: str
) -> AsyncIterator[aiohttp.ClientResponse]:
    """The answer of a proxy, its body not read yet. Of names of headers `_` is `-`."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    async with http.request(method, URL(proxy.url + path, encoded=True), headers=given) as response:
        yield response


async def fetched(
    http: aiohttp.ClientSession, proxy: Node, path: str, *, method: str = "GET", **headers: str
) -> tuple[aiohttp.ClientResponse, bytes]:
    """The answer of a proxy, and its body."""
    async with asked(http, proxy, path, method=method, **headers) as response:
        return response, await response.read()


async def code_of(http: aiohttp.ClientSession, proxy: Node, path: str, **headers: str) -> tuple[int, str]:
    """Status and code of a failure."""
    async with asked(http, proxy, path, **headers) as response:
        return response.status, (await response.json())["error"]["code"]


async def on_disk(proxy: Node, path: str, span: str) -> None:
    """Have the proxy keep a span of an object that nobody has asked for."""
    async with aiohttp.ClientSession() as http:
        for _ in range(500):
            response, _ = await fetched(http, proxy, path, Range=span)
            if response.headers["X-Cache"] == "L2":
                return
    raise AssertionError("it never came from disk")


def descriptors(proxy: Node) -> int:
    """How many files and sockets a proxy has open."""
    assert proxy.process is not None
    return len(list(Path(f"/proc/{proxy.process.pid}/fd").iterdir()))
