"""The resolver as a process: it serves nobody, so it has the operator's port, signals and an orderly end only."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Mapping

import structlog
import uvloop

from services.common import logs, metrics, tracing
from services.common.config import SettingsError, describe, load
from services.common.serving import EXIT_PORT_TAKEN, EXIT_SETTINGS, PortTakenError, admin_listener, serve_admin
from services.resolver.app import ResolverApp
from services.resolver.config import ResolverSettings

log = structlog.get_logger(__name__)


async def work(service: ResolverApp, settings: ResolverSettings) -> None:
    """Work until SIGTERM or SIGINT, then give running jobs `WT_DRAIN_S`; a second signal ends that at once.

    :raises PortTakenError: if the operator's port is taken; then nothing was started.
    """
    operator = admin_listener(settings, settings.port)
    stops: asyncio.Queue[signal.Signals] = asyncio.Queue()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stops.put_nowait, number)
    metrics.announce("resolver")
    async with asyncio.TaskGroup() as tasks:
        background = [
            tasks.create_task(serve_admin(operator, service.health)),
            tasks.create_task(metrics.watch_loop()),
            tasks.create_task(metrics.watch_health(service.health)),
        ]
        try:
            await service.start()
            log.info("working", admin_port=operator.getsockname()[1])
            await stops.get()
            service.health.is_draining = True
            log.info("draining", seconds=settings.drain_s)
            draining, impatient = asyncio.create_task(service.drain(settings.drain_s)), asyncio.create_task(stops.get())
            await asyncio.wait({draining, impatient}, return_when=asyncio.FIRST_COMPLETED)
            for task in (draining, impatient):
                task.cancel()
            await asyncio.gather(draining, impatient, return_exceptions=True)
        finally:
            await service.stop()
            for task in background:
                task.cancel()
    log.info("stopped")


def main(environ: Mapping[str, str], argv: list[str]) -> int:
    """The command `python -m services.resolver [--check-config]`. Gives the exit status."""
    arguments = argparse.ArgumentParser(prog="python -m services.resolver")
    arguments.add_argument("--check-config", action="store_true", help="print the effective settings and end")
    options = arguments.parse_args(argv)
    try:
        settings = load(ResolverSettings, environ)
        if options.check_config:
            sys.stdout.write("\n".join(describe(settings)) + "\n")
            return 0
        logs.configure("resolver", node=settings.node, level=settings.log_level)
        tracing.configure("resolver", settings.node, settings.trace_endpoint)
        service = ResolverApp(settings)
    except SettingsError as error:
        sys.stderr.write("".join(f"{problem}\n" for problem in error.problems))
        return EXIT_SETTINGS
    try:
        uvloop.run(work(service, settings))
    except PortTakenError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_PORT_TAKEN
    return 0


def run() -> None:
    """The process' entry."""
    sys.exit(main(os.environ, sys.argv[1:]))
