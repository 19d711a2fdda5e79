"""That a service which blocks its event loop fails a unit test, as `tests/unit/conftest.py` promises."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from blockbuster import BlockingError

from services.common.keyring import local_secret


async def test_a_service_that_reads_a_file_in_the_loop_fails_the_test(tmp_path: Path) -> None:
    with pytest.raises(BlockingError):
        local_secret(tmp_path)


async def test_the_same_in_a_thread_passes(tmp_path: Path) -> None:
    assert await asyncio.to_thread(local_secret, tmp_path)


async def test_a_test_may_read_a_file_itself(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert (tmp_path / "file").read_text() == "x"
