"""ffmpeg and mpv at every kind of stream, through a proxy that is really running."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.mpv import Mpv
from tests.support.node import Node
from tests.support.origin import Origin
from tests.support.redis import RedisServer
from tests.support.streams import STREAMS, proxying, through

RECORDED = [name for name, stream in STREAMS.items() if not stream.is_live]
LIVE = [name for name, stream in STREAMS.items() if stream.is_live]


@pytest.fixture(scope="module")
def proxy(origin: Origin, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with proxying(origin, redis_server, tmp_path_factory.mktemp("players")) as node:
        yield node


def packets(url: str, *, start: float = 0, seconds: float = 3, reads_on: bool = False) -> list[str]:
    """What ffmpeg reads of a stream: a line for each packet, with its time, size and checksum.

    It seeks to `start`, or `reads_on` from the beginning until it is there.
    """
    where = ["-i", url, "-ss", str(start)] if reads_on else ["-ss", str(start), "-i", url]
    what = ["-t", str(seconds), "-map", "0:v?", "-map", "0:a?", "-c", "copy", "-f", "framemd5", "-"]
    done = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", *where, *what], capture_output=True, timeout=50)
    assert done.returncode == 0, done.stderr.decode()
    return [line for line in done.stdout.decode().splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("name", RECORDED)
def test_ffmpeg_reads_the_same_through_the_proxy_from_the_start_and_after_a_seek(
    name: str, proxy: Node, origin: Origin
) -> None:
    stream = STREAMS[name]
    url = through(proxy, origin, stream)
    assert len(packets(url)) > 50
    there = packets(origin.url(stream.path), start=40, reads_on=not stream.ffmpeg_seeks)
    assert len(there) > 50
    assert packets(url, start=40, reads_on=not stream.ffmpeg_seeks) == there


@pytest.mark.parametrize("name", LIVE)
def test_ffmpeg_follows_what_is_live(name: str, proxy: Node, origin: Origin) -> None:
    assert len(packets(through(proxy, origin, STREAMS[name]), seconds=4)) > 100


@pytest.mark.skipif(shutil.which("mpv") is None, reason="mpv is missing: apt-get install mpv")
@pytest.mark.parametrize("name", STREAMS)
def test_mpv_plays_and_seeks(name: str, proxy: Node, origin: Origin, tmp_path: Path) -> None:
    stream = STREAMS[name]
    with Mpv(through(proxy, origin, stream), tmp_path) as mpv:
        begun = mpv.played(beyond=0.0)
        mpv.played(beyond=begun + 0.3)
        if stream.has_picture:
            assert mpv.command("get_property", "video-params/w") in (256, 426, 640)
        if stream.is_live:
            # Of what is live players of ffmpeg's kind have what they fetched: no further back.
            mpv.played(beyond=begun + 1.0)
            return
        assert mpv.command("get_property", "duration") == pytest.approx(64, abs=1)
        mpv.command("seek", 40, "absolute")
        landed = mpv.played(beyond=39.0)
        assert landed == pytest.approx(40, abs=2.5)
        mpv.played(beyond=landed + 0.3)
