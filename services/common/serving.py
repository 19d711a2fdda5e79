"""Running one service as a process: sockets, signals, health and metrics, and an end that nobody notices."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Protocol

import structlog
import uvicorn
import uvloop
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.types import ASGIApp, Receive, Scope, Send

from services.common import codec, logs, metrics, tracing
from services.common.config import CommonSettings, S, SettingsError, describe, load
from services.common.health import Health
from services.common.http import FileHttpProtocol
from services.common.websocket import RoomWebSocketProtocol

log = structlog.get_logger(__name__)

# A room answers frames above 32 KiB with an error and goes on; only beyond this is the socket closed (1009).
MAX_FRAME_BYTES: Final = 256 * 1024
# Longer than the idle time of the edges in front of us, or they would reuse what we just closed.
KEEP_ALIVE_S: Final = 75
# Who takes nothing of what was sent for so long is gone, or might as well be; players that rest ask again by Range.
STALL_S: Final = 120.0
# For requests that still run when draining is over.
GRACE_S: Final = 3
# What a service's end may wait for: a store that hangs, for one.
STOP_S: Final = 5.0
# The Date header has seconds.
_TICK_S: Final = 0.5
# A socket for each of so many people; the kernel's tables have an end.
MOST_DESCRIPTORS: Final = 1 << 20
# Linux has it, macOS has not.
_USER_TIMEOUT: Final[int | None] = getattr(socket, "TCP_USER_TIMEOUT", None)
EXIT_SETTINGS: Final = 2
EXIT_PORT_TAKEN: Final = 3


class ServiceApp(Protocol):
    """One service, built but not begun. Every service's `app.py` offers `build(environ) -> ServiceApp`."""

    @property
    def asgi(self) -> ASGIApp:
        """What answers requests, between `start` and `stop`."""

    @property
    def health(self) -> Health:
        """The checks of this service."""

    async def start(self) -> None:
        """Open connections and begin background work, in the running loop."""

    async def drain(self, seconds: float) -> None:
        """Send clients elsewhere within `seconds`, while requests are still answered."""

    async def stop(self) -> None:
        """End background work and close connections."""


class PortTakenError(RuntimeError):
    """Somebody else listens where we should."""


def listen(host: str, port: int, *, stall_s: float = STALL_S) -> socket.socket:
    """A listening TCP socket, whose connections end when the other side takes nothing for `stall_s`.

    :raises PortTakenError: if the address is taken or not ours.
    """
    listener = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if _USER_TIMEOUT is not None:
            # The system tells a slow reader, who acknowledges now and then, from one who never reads; we could not.
            listener.setsockopt(socket.IPPROTO_TCP, _USER_TIMEOUT, int(stall_s * 1000))
        listener.bind(address)
    except OSError as error:
        if listener is not None:
            listener.close()
        raise PortTakenError(f"cannot listen on {host}:{port}: {error.strerror or error}") from None
    listener.listen(2048)
    listener.setblocking(False)
    return listener


def with_health(app: ASGIApp, health: Health) -> ASGIApp:
    """`app`, with `/healthz` and `/readyz` in front of it."""

    async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path")
        if scope["type"] != "http" or path not in ("/healthz", "/readyz"):
            await app(scope, receive, send)
        elif path == "/healthz":
            await _answer(send, 200, b'{"alive":true}', "application/json")
        else:
            report = await health.report()
            await _answer(send, 200 if report.ready else 503, codec.encode(report), "application/json")

    return asgi


def admin(health: Health, registry: CollectorRegistry) -> ASGIApp:
    """The operator's side of a process: `/metrics` beside the two health paths."""

    async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == "/metrics":
            await _answer(send, 200, generate_latest(registry), CONTENT_TYPE_LATEST)
        else:
            await _answer(send, 404, b"", "text/plain")

    return with_health(asgi, health)


async def serve_admin(listener: socket.socket, health: Health, registry: CollectorRegistry = metrics.Registry) -> None:
    """Serve the operator's side until cancelled."""
    server = _Server(_config(admin(health, registry)))
    try:
        await server.serve(sockets=[listener])
    finally:
        listener.close()


def admin_listener(settings: CommonSettings, port: int) -> socket.socket:
    """The socket of `WT_ADMIN_PORT`, by default 1000 above `port`.

    :raises PortTakenError: if that is taken.
    """
    wanted = settings.admin_port or (port + 1000 if settings.port and port + 1000 < 65536 else 0)
    return listen(settings.admin_host or settings.host, wanted)


async def serve(service: ServiceApp, settings: CommonSettings, name: str) -> None:
    """Serve until SIGTERM or SIGINT, then drain: not ready, `drain`, go on for `WT_DRAIN_S`, close, `stop`.

    A second signal ends the draining at once.

    :raises PortTakenError: if a port is taken; then nothing was started.
    """
    with contextlib.ExitStack() as resources:
        public = resources.enter_context(listen(settings.host, settings.port))
        port = int(public.getsockname()[1])
        operator = resources.enter_context(admin_listener(settings, port))
        stops = resources.enter_context(_signals())
        metrics.announce(name)
        server = _Server(_config(with_health(service.asgi, service.health)))
        async with asyncio.TaskGroup() as tasks:
            await service.start()
            background = [
                tasks.create_task(serve_admin(operator, service.health)),
                tasks.create_task(metrics.watch_loop()),
                tasks.create_task(metrics.watch_health(service.health)),
            ]
            try:
                serving = tasks.create_task(server.serve(sockets=[public]))
                log.info("serving", host=settings.host, port=port, admin_port=operator.getsockname()[1])
                await stops.get()
                log.info("draining", seconds=settings.drain_s)
                service.health.is_draining = True
                await _drain(service, settings.drain_s, stops)
                server.should_exit = True
                await serving
            finally:
                await _stop(service)
                for task in background:
                    task.cancel()
    log.info("stopped")


def main(name: str, shape: type[S], build: Callable[[Mapping[str, str]], ServiceApp], argv: list[str]) -> int:
    """The command of one service: `python -m services.<name> [--check-config]`. Gives the exit status."""
    arguments = argparse.ArgumentParser(prog=f"python -m services.{name}")
    arguments.add_argument("--check-config", action="store_true", help="print the effective settings and end")
    options = arguments.parse_args(argv)
    try:
        settings = load(shape, os.environ)
        if options.check_config:
            sys.stdout.write("\n".join(describe(settings)) + "\n")
            return 0
        logs.configure(name, node=settings.node, level=settings.log_level)
        tracing.configure(name, settings.node, settings.trace_endpoint)
        service = build(os.environ)
    except SettingsError as error:
        sys.stderr.write("".join(f"{problem}\n" for problem in error.problems))
        return EXIT_SETTINGS
    _take_descriptors()
    try:
        uvloop.run(serve(service, settings, name))
    except PortTakenError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_PORT_TAKEN
    return 0


def _take_descriptors() -> None:
    """Open as many files and sockets as this user may: shells and Docker give 1024 to those who do not ask."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `serve`: uvicorn alone would close every socket at once."""
        yield

    async def main_loop(self) -> None:
        """uvicorn's, which wakes ten times a second: as much as a hundred idle sockets cost."""
        while not await self.on_tick(0):  # noqa: ASYNC110 - a flag of uvicorn's, which others set, too
            await asyncio.sleep(_TICK_S)


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="none",
        http=FileHttpProtocol,
        ws=RoomWebSocketProtocol,
        ws_max_size=MAX_FRAME_BYTES,
        ws_per_message_deflate=False,
        # Rooms ask who has said nothing for long, by a message that pages hear of, and end who keeps silent.
        ws_ping_interval=None,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )


@contextlib.contextmanager
def _signals() -> Iterator[asyncio.Queue[signal.Signals]]:
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[signal.Signals] = asyncio.Queue()
    handled = (signal.SIGTERM, signal.SIGINT)
    for number in handled:
        loop.add_signal_handler(number, arrived.put_nowait, number)
    try:
        yield arrived
    finally:
        for number in handled:
            loop.remove_signal_handler(number)


async def _drain(service: ServiceApp, seconds: float, stops: asyncio.Queue[signal.Signals]) -> None:
    draining = asyncio.create_task(service.drain(seconds))
    impatient = asyncio.create_task(stops.get())
    try:
        await asyncio.wait({impatient}, timeout=seconds)
    finally:
        impatient.cancel()
        draining.cancel()
        outcome = (await asyncio.gather(draining, impatient, return_exceptions=True))[0]
    if isinstance(outcome, Exception):
        log.error("drain_failed", exc_info=outcome)


async def _stop(service: ServiceApp) -> None:
    """Let a service end, for so long. Cancelling what hangs could hang too: it is left behind."""
    stopping = asyncio.create_task(service.stop())
    done, _ = await asyncio.wait({stopping}, timeout=STOP_S)
    if not done:
        log.warning("stop_abandoned", seconds=STOP_S)
    elif (error := stopping.exception()) is not None:
        log.error("stop_failed", exc_info=error)


async def _answer(send: Send, status: int, body: bytes, content_type: str) -> None:
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
