"""Waiting for something to become true."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable


async def until(is_so: Callable[[], object], timeout_s: float = 10.0, what: str = "") -> None:
    """Return when `is_so()` is true.

    :raises TimeoutError: naming `what`, if that takes longer than `timeout_s`.
    """
    deadline = time.monotonic() + timeout_s
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(what or "it did not become so")
        await asyncio.sleep(0.02)


async def says(read: Callable[[], Awaitable[str]], text: str, timeout_s: float) -> None:
    """Return when what `read` answers holds `text`.

    :raises TimeoutError: with what it says instead.
    """
    deadline = time.monotonic() + timeout_s
    while text not in (found := await read()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{text!r} is not in: {found}")
        await asyncio.sleep(0.05)
