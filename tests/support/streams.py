"""Every kind of stream that a player may meet, behind a proxy of ours that is really running."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from urllib.parse import quote

from tests.support import kinds, media
from tests.support.node import Node
from tests.support.origin import Origin
from tests.support.redis import RedisServer


@dataclass(frozen=True, slots=True)
class Stream:
    """`path` is the origin's. A live one is played at its edge; the others are 64 s long."""

    path: str
    form: Literal["file", "hls", "dash"]
    is_live: bool = False
    has_picture: bool = True
    # ffmpeg before 6 loses its way in these, from wherever they come.
    ffmpeg_seeks: bool = True


STREAMS: Final = {
    "MP4": Stream(media.MP4, "file"),
    "WebM": Stream(media.WEBM, "file"),
    "Matroska": Stream(kinds.MKV, "file"),
    "MP3": Stream(kinds.MP3, "file", has_picture=False),
    "fragmented MP4": Stream(media.avc(360), "file"),
    "HLS of TS": Stream(media.HLS_TS, "hls"),
    "HLS of fMP4": Stream(media.HLS_FMP4, "hls", ffmpeg_seeks=False),
    "HLS of byte ranges": Stream(kinds.HLS_RANGES, "hls"),
    "HLS of fMP4 byte ranges": Stream(kinds.HLS_FMP4_RANGES, "hls", ffmpeg_seeks=False),
    "HLS with AES-128": Stream(kinds.HLS_AES, "hls"),
    "HLS in several qualities": Stream(media.HLS_MASTER, "hls"),
    "HLS with languages and subtitles": Stream(kinds.HLS_LANGUAGES, "hls"),
    "HLS with content steering": Stream(kinds.HLS_STEERED, "hls"),
    "live HLS": Stream("live/index.m3u8", "hls", is_live=True),
    "low-latency HLS": Stream("live/parts/index.m3u8", "hls", is_live=True),
    "DASH with a template": Stream(media.DASH_TEMPLATE, "dash"),
    "DASH with a timeline": Stream(kinds.DASH_TIMELINE, "dash"),
    "DASH with a list": Stream(kinds.DASH_LIST, "dash"),
    "DASH with base URLs": Stream(media.DASH_BASE, "dash"),
    "live DASH": Stream("live/index.mpd", "dash", is_live=True),
    "live DASH with patches": Stream("live/listed.mpd", "dash", is_live=True),
}


def through(proxy: Node, origin: Origin, stream: Stream) -> str:
    """Where a player finds `stream`."""
    return f"{proxy.url}/api/proxy?url={quote(origin.url(stream.path), safe='')}"


@contextmanager
def proxying(origin: Origin, redis: RedisServer, folder: Path) -> Iterator[Node]:
    """A proxy as a process, which may fetch from `origin`."""
    settings = {
        "WT_REDIS_URL": redis.url,
        "WT_KEY_PREFIX": f"streams{secrets.token_hex(3)}",
        "WT_ALLOWED_PRIVATE_HOSTS": f"{origin.address},localhost",
        "WT_PROXY_DOMAINS": origin.address,
    }
    with Node("services.proxy", folder / "log", settings=settings) as node:
        yield node
