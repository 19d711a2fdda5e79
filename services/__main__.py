"""Everything on one machine: `python -m services [--replicas N] [--check-config]`, also `watch-together`.

`python -m services rooms|bans|cache|cookies|doctor` is the operator's command line (`services.operator`).
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from services.common import logs
from services.common.config import CommonSettings, SettingsError, describe, load
from services.common.keyring import local_secret
from services.common.serving import EXIT_PORT_TAKEN, EXIT_SETTINGS
from services.gateway.config import GatewaySettings
from services.local.installation import Installation
from services.local.ports import Ports, free_port, lan_address, plan, taken
from services.local.supervisor import Stage, Supervisor
from services.local.valkey import Embedded
from services.operator import __main__ as operator
from services.proxy.config import ProxySettings
from services.resolver.config import ResolverSettings
from services.sync.config import SyncSettings

MOST_REPLICAS = 32
EXIT_BUSY = 4
PORTS_WAIT_S = 5.0
_SHAPES: dict[str, type[CommonSettings]] = {
    "every service": CommonSettings,
    "gateway": GatewaySettings,
    "sync": SyncSettings,
    "proxy": ProxySettings,
    "resolver": ResolverSettings,
}


def main(argv: list[str] | None = None) -> int:
    """The command. Gives the exit status: 0 after a signal, 2 for settings, 3 for a taken port, 4 for taken data."""
    given = sys.argv[1:] if argv is None else argv
    if given and given[0] in operator.COMMANDS:
        return operator.main(given)
    options = _arguments().parse_args(given)
    try:
        settings = _settings(os.environ)
    except SettingsError as error:
        return _complain(EXIT_SETTINGS, *error.problems)
    if options.check_config:
        print(_effective(os.environ))
        return 0
    ports = plan(settings.port, options.replicas, settings.admin_port)
    if busy := _still_taken(settings.host, ports):
        numbers = ", ".join(map(str, busy))
        advice = f"another address: make up PORT={settings.port + 10}"
        return _complain(EXIT_PORT_TAKEN, f"port {numbers} is taken by another program; take {advice}")
    installation = Installation(settings, ports, settings.data_dir.resolve(), os.environ)
    installation.folder.mkdir(parents=True, exist_ok=True)
    logs.configure("supervisor", level=settings.log_level)
    with _alone(installation.folder) as is_alone:
        if not is_alone:
            return _complain(EXIT_BUSY, f"Watch Together already runs with the data in {installation.folder}")
        return asyncio.run(_run(installation))


async def _run(installation: Installation) -> int:
    local_secret(installation.folder)
    stages: list[Stage] = []
    redis_url = installation.environ.get("WT_REDIS_URL", "")
    if not redis_url:
        embedded = Embedded(installation.folder / "redis", free_port())
        embedded.prepare()
        redis_url = embedded.url
        stages.append(Stage((embedded.spec(dict(installation.environ)),), end_s=3.0))
    stages += installation.stages(redis_url)
    print(f"Watch Together is starting; everything it keeps is in {installation.folder}", flush=True)
    return await Supervisor(stages, lambda: print(welcome(installation), flush=True)).run()


def welcome(installation: Installation) -> str:
    """The block that says where to go."""
    lines = ["", "  Watch Together is ready.", ""]
    for address in installation.addresses():
        is_shared = address.endswith(f":{installation.ports.shared}")
        lines.append(f"    {address}{'   (shared: goes on when a replica dies)' if is_shared else ''}")
    main_port = installation.ports.shared or installation.ports.public[0]
    if not installation.is_open:
        lines += ["", "  For your household: make up HOST=0.0.0.0"]
    elif lan := lan_address():
        lines += ["", f"  In your network: http://{lan}:{main_port}"]
    metrics = ", ".join(f"127.0.0.1:{port}" for port in installation.ports.admin)
    return "\n".join([*lines, f"  Metrics: {metrics} (/metrics)", "  Ctrl-C stops everything.", ""])


def _arguments() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(prog="watch-together", description="Watch any video with friends.")
    arguments.epilog = f"For an operator: %(prog)s {'|'.join(operator.COMMANDS)} (each has --help)."
    arguments.add_argument("--replicas", type=_replicas, default=1, help="combined processes, on successive ports")
    arguments.add_argument("--check-config", action="store_true", help="print the effective settings and end")
    return arguments


def _replicas(text: str) -> int:
    count = int(text)
    if not 1 <= count <= MOST_REPLICAS:
        raise argparse.ArgumentTypeError(f"expected 1 to {MOST_REPLICAS}")
    return count


def _settings(environ: Mapping[str, str]) -> CommonSettings:
    """What all share; every service's own is checked too, so that a wrong one is told before anything starts.

    :raises SettingsError: with all problems of all services.
    """
    problems: dict[str, None] = {}
    for shape in _SHAPES.values():
        try:
            load(shape, environ)
        except SettingsError as error:
            problems |= dict.fromkeys(error.problems)
    settings = None if problems else load(CommonSettings, environ)
    if settings is not None and not 1 <= settings.port <= 65535 - MOST_REPLICAS - 1100:
        problems[f"WT_PORT={settings.port}: a local installation needs a port from 1 to 64403"] = None
    if problems or settings is None:
        raise SettingsError(list(problems))
    return settings


def _still_taken(host: str, ports: Ports) -> list[int]:
    """The public ports that are taken, after those of an earlier run that is just ending had time to go free."""
    until = time.monotonic() + PORTS_WAIT_S
    while (busy := taken(host, ports)) and time.monotonic() < until:
        time.sleep(0.1)
    return busy


def _effective(environ: Mapping[str, str]) -> str:
    common = set(describe(load(CommonSettings, environ)))
    lines = []
    for name, shape in _SHAPES.items():
        described = describe(load(shape, environ))
        own = described if shape is CommonSettings else [line for line in described if line not in common]
        lines += [f"# {name}", *own, ""]
    return "\n".join(lines).rstrip()


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Hold the data folder; two installations in one would write over each other. The lock ends with the process."""
    with (folder / "lock").open("a", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _complain(status: int, *problems: str) -> int:
    for problem in problems:
        print(problem, file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
