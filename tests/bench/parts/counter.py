"""A clip that carries the number of each frame in its pixels, and a server for it."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from aiohttp import web

from tests.bench.parts.contestants import CACHE

FRAME_RATE: Final = 30
DURATION_S: Final = 600
WIDTH: Final = 320
HEIGHT: Final = 180
# The top of the picture is a row of cells, the highest bit first; the last cell makes the number of white ones even.
CELLS: Final = 16
_STRIP: Final = 40
_CELL: Final = WIDTH // CELLS
_BLACK, _WHITE, _GREY = b"\x10", b"\xeb", b"\x60"


def clip() -> Path:
    """The clip; made on first use, in some fifteen seconds.

    :raises subprocess.CalledProcessError: if ffmpeg refuses.
    """
    recipe = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    finished = CACHE / f"counter-{recipe}.mp4"
    if not finished.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        making = finished.with_suffix(".making.mp4")
        _encode(making)
        making.rename(finished)
    return finished


def _encode(target: Path) -> None:
    raw = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(FRAME_RATE), "-i", "-"]
    tone = ["-f", "lavfi", "-i", f"sine=frequency=220:sample_rate=48000:duration={DURATION_S}"]
    x264 = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "18", "-pix_fmt", "yuv420p", "-g", str(FRAME_RATE)]
    rest = ["-c:a", "aac", "-b:a", "48k", "-shortest", "-movflags", "+faststart", str(target)]
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *raw, *tone, *x264, *rest]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as encoder:
        assert encoder.stdin is not None
        for frame in _frames():
            encoder.stdin.write(frame)
        encoder.stdin.close()
        if encoder.wait():
            raise subprocess.CalledProcessError(encoder.returncode, command)


def _frames() -> Iterator[bytes]:
    below = _GREY * (WIDTH * (HEIGHT - _STRIP))
    for number in range(DURATION_S * FRAME_RATE):
        bits = f"{number:0{CELLS - 1}b}"
        bits += str(bits.count("1") % 2)
        row = b"".join((_WHITE if bit == "1" else _BLACK) * _CELL for bit in bits)
        yield row * _STRIP + below


@asynccontextmanager
async def serving(path: Path) -> AsyncIterator[str]:
    """Serve the clip with ranges, as `host:port`, at `/counter.mp4`."""

    async def answer(request: web.Request) -> web.FileResponse:
        return web.FileResponse(path, headers={"Content-Type": "video/mp4"})

    application = web.Application()
    application.router.add_get("/counter.mp4", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"{host}:{port}"
    finally:
        await runner.cleanup()
