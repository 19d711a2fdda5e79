"""Asking a process whether it is ready."""

from __future__ import annotations

import asyncio
import contextlib

TIMEOUT_S = 1.0


async def is_ready(host: str, port: int) -> bool:
    """Whether `/readyz` there answers 200 within a second."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                return (await reader.readline()).startswith(b"HTTP/1.1 200")
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except (OSError, TimeoutError):
        return False
