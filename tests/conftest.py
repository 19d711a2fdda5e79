"""What every test may ask for. One Redis and one media origin serve the whole run; each test has keys of its own."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from redis.asyncio import Redis
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from services.common import redis as connections
from services.common.keys import Keys
from tests.support.media import Media, make
from tests.support.origin import Origin
from tests.support.redis import RedisServer

# These drive real processes against the wall clock: a machine that stands still for seconds is not a defect.
TRIED_AGAIN: Final = ("chaos", "e2e", "integration")

# Browsers measure what is on screen: one worker has all of those, in turn, from the beginning.
ALONE: Final = "tests/e2e"
# These measure nothing, and wait more than they work: whichever worker is free takes them, a file at a time.
PATIENT: Final = tuple(
    f"{ALONE}/test_{name}.py"
    for name in ("accessibility", "clients", "extension", "extension_firefox", "library", "policy", "sign_ins")
)

FIGURE: Final = "figure"
MOST_OF_A_REASON: Final = 400


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Three tries count as one where real processes meet a busy machine; the summary says why there was a further one.

    `--reruns 0` switches that off. What is patient comes behind what is long, and before what is short.
    """
    items.sort(key=_turn)
    if config.getoption("reruns") is not None:
        return
    here = Path(__file__).parent
    for item in items:
        if item.path.relative_to(here).parts[0] in TRIED_AGAIN:
            item.add_marker(pytest.mark.flaky(reruns=2, reruns_delay=1))


def _turn(item: pytest.Item) -> int:
    return 2 if item.nodeid.startswith("tests/unit/") else 1 if item.nodeid.startswith(PATIENT) else 0


class Lanes(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Workers share the run a file at a time, in the order of the files; browsers that measure are one file here."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return ALONE if path.startswith(f"{ALONE}/") and path not in PATIENT else path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Lanes:
    """Take the place of xdist's own ways to share tests out."""
    config.option.loadscopereorder = False
    return Lanes(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured, and why a test was tried again."""
    if again := terminalreporter.stats.get("rerun", ()):
        terminalreporter.section("tried again")
        for report in again:
            crash = getattr(report.longrepr, "reprcrash", None)
            where = f"{Path(crash.path).name}:{crash.lineno}: {crash.message}" if crash else str(report.longrepr)
            terminalreporter.write_line(f"{report.nodeid} ({report.when}): {where[:MOST_OF_A_REASON]}")
    reports = [report for kind in ("passed", "failed", "rerun") for report in terminalreporter.stats.get(kind, ())]
    figures = [
        value for report in reports if report.when == "call" for name, value in report.user_properties if name == FIGURE
    ]
    if figures:
        terminalreporter.section("measured on this machine")
        for figure in figures:
            terminalreporter.write_line(str(figure))


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Have a measured figure printed after the run."""
    return partial(record_property, FIGURE)


@pytest.fixture(scope="session")
def media() -> Media:
    """The clips; made on first use."""
    return make()


@pytest.fixture(scope="session")
def origin(media: Media) -> Iterator[Origin]:
    """The media origin. Use ids and queries of your own; take `origin.fault` as a context manager."""
    with Origin() as running:
        yield running


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """One server for the run. A test that freezes or kills a server starts its own `RedisServer`."""
    with RedisServer(append="always") as server:
        yield server


@pytest.fixture
def keys() -> Keys:
    """A keyspace that no other test sees."""
    return Keys(f"t{secrets.token_hex(5)}")


@pytest_asyncio.fixture
async def redis(redis_server: RedisServer) -> AsyncIterator[Redis]:
    """A client as the services make it, closed with the test."""
    client = connections.connect(redis_server.url)
    yield client
    await client.aclose()
