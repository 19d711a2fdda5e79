"""One installation of two replicas for the stories."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.support import page
from tests.support.installation import Installation
from tests.support.node import ROOT
from tests.support.origin import Origin


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every story drives a browser, and takes the time that takes."""
    for item in items:
        if "/e2e/" in item.path.as_posix():
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.timeout(240), append=False)


def local_settings(origin: Origin) -> dict[str, str]:
    """What lets an installation fetch from the local media origin, and know its extractor."""
    return {
        "WT_ALLOWED_PRIVATE_HOSTS": origin.address,
        "WT_YTDLP_PLUGIN_DIRS": str(ROOT / "tests" / "support"),
        "WT_LOG_LEVEL": "info",
        "WT_HISTORY_S": "1",
    }


@pytest.fixture(scope="session")
def installation(origin: Origin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Two replicas, their shared address, a resolver and an embedded Valkey."""
    if page.chromium() is None:
        pytest.fail("Chromium is missing: apt-get install chromium, or set CHROMIUM to its path")
    folder = tmp_path_factory.mktemp("installation") / "data"
    with Installation(folder, replicas=2, settings=local_settings(origin)) as running:
        yield running


@pytest_asyncio.fixture
async def chromium() -> AsyncIterator[Browser]:
    """A fresh browser."""
    async with page.browser() as launched:
        yield launched


@pytest.fixture
def room() -> str:
    """A room that nobody was in."""
    return f"film-{secrets.token_hex(4)}"
