"""A real media origin on HTTP, with faults on demand: `python -m tests.support.origin --port 8900`.

| path | what |
|---|---|
| `/clip.mp4`, `/clip.webm` | progressive, 64 s; every other file of `media` under its name too |
| `/hls/master.m3u8`, `/hls/360/index.m3u8`, `/hls/fmp4/index.m3u8`, `/hls/split/master.m3u8` | HLS |
| `/dash/template.mpd`, `/dash/base.mpd` | DASH |
| `/kinds/…` | the other ways to pack the clip (`kinds`) |
| `/live/index.m3u8`, `/live/undated.m3u8` | a window that slides with the wall clock, with and without dates |
| `/live/long.m3u8`, `/live/long.mpd` | the same, with a minute and a half to go back in |
| `/live/index.mpd`, `/live/<way>.mpd` | live DASH; `live.WAYS` to tell of it |
| `/live/listed.mpd` | live DASH whose changes come as patches |
| `/live/parts/index.m3u8` | live HLS with parts and blocking reloads |
| `/blob/<size>.mp4` | so many bytes, each known (`shelf.blob`) |
| `/redirect?to=<url>&n=<hops>&code=<status>` | a chain of redirects |
| `/watch/<id>`, `/playlist/<id>` | pages that the sample extractor reads; ids in `videos` |
| `/sign-in/<value>`, `/sign-out` | sets cookies of every kind to that value, takes them away |
| `/with/<faults>/<path>`, `?<faults>` | any of these, with `faults.Faults` |
| `/_control/requests?path=`, `/_control/reset`, `/_control/faults` | what came; forget it; `{"path", "faults"}` |
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from tests.support import media, signing
from tests.support.faults import Faults
from tests.support.journal import Journal, Seen
from tests.support.serving import Site
from tests.support.shelf import Shelf

START_TIMEOUT_S = 10.0


class Origin:
    """The origin in a thread of its own, so that tests with and without an event loop can use it.

    `wall` gives Unix seconds for expiry and for the live window. Entering starts it; leaving stops it and cancels
    what is still being sent.
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, wall: Callable[[], float] = time.time) -> None:
        self._host = host
        self._port = port
        self._wall = wall
        self._journal = Journal()
        self._site = Site(Shelf(media.make(), wall), self._journal, wall)
        self._started = threading.Event()
        self._error: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="media origin", daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Serve.

        :raises OSError: if the port is taken.
        :raises TimeoutError: if it is not up within ten seconds.
        """
        self._thread.start()
        if not self._started.wait(START_TIMEOUT_S):
            raise TimeoutError("the media origin did not start")
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """End every answer and the thread. Harmless when stopped already."""
        if self._loop is not None and self._stopping is not None and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(START_TIMEOUT_S)

    @property
    def address(self) -> str:
        """`host:port`, as `WT_ALLOWED_PRIVATE_HOSTS` takes it."""
        return f"{self._host}:{self._port}"

    def url(self, path: str = "/", /, **faults: Any) -> str:
        """The link of a path, with `faults`, or anything else, as query parameters."""
        query = urlencode(faults, doseq=True)
        return f"http://{self.address}/{path.lstrip('/')}{'?' if query else ''}{query}"

    def signed(self, path: str, lifetime_s: float, ip: str = "") -> str:
        """A link of `path` that answers 403 once `lifetime_s` is over, or to another client than `ip`."""
        path = f"/{path.lstrip('/')}"
        return f"{self.url(path)}?{signing.query(path, self._wall() + lifetime_s, ip)}"

    @contextlib.contextmanager
    def fault(self, prefix: str, /, **faults: Any) -> Iterator[None]:
        """Let `faults` hold for every path beginning with `prefix`, links unchanged, while the block runs."""
        standing = self._site.stand(f"/{prefix.lstrip('/')}", msgspec.convert(faults, Faults))
        try:
            yield
        finally:
            self._site.lift(standing)

    def requests(self, prefix: str = "/") -> list[Seen]:
        """Requests whose path (no query, no `/with/…/`) begins with `prefix`, in order of arrival."""
        return self._journal.of(f"/{prefix.lstrip('/')}")

    def wait(
        self, prefix: str, count: int = 1, timeout: float = 10.0, also: Callable[[Seen], bool] = lambda seen: True
    ) -> list[Seen]:
        """Block until `count` such requests, of which `also` holds, have come.

        :raises TimeoutError: after `timeout` seconds.
        """
        return self._journal.wait(f"/{prefix.lstrip('/')}", count, timeout, also)

    async def wait_async(
        self, prefix: str, count: int = 1, timeout: float = 10.0, also: Callable[[Seen], bool] = lambda seen: True
    ) -> list[Seen]:
        """As `wait`, without blocking the loop."""
        return await self._journal.wait_async(f"/{prefix.lstrip('/')}", count, timeout, also)

    def reset(self) -> None:
        """Forget every request, count and standing fault."""
        self._site.reset()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._error = error
            self._started.set()

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        runner = web.AppRunner(
            self._site.application(), access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
            self._port = runner.addresses[0][1]
            self._started.set()
            await self._stopping.wait()
        finally:
            await runner.cleanup()


def main() -> None:
    """Serve until interrupted, and say where."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.origin", description="A media origin with faults.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    options = parser.parse_args()
    with Origin(host=options.host, port=options.port) as origin, contextlib.suppress(KeyboardInterrupt):
        print(origin.url(), flush=True)  # noqa: T201 - the address is this program's output
        threading.Event().wait()


if __name__ == "__main__":
    main()
