"""Who must not notice a roll-out: sockets that wait, and players that need bytes all the time."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Final

import aiohttp
from websockets.exceptions import WebSocketException

from tests.support.member import Member

# Of a film: what a player takes a second, fetches at a time, and likes to have in store.
BYTES_PER_S: Final = 100_000
PIECE_BYTES: Final = 200_000
STORE_S: Final = 12.0
AGAIN_S: Final = 0.2
FETCH_TIMEOUT_S: Final = 10.0


class Lodger:
    """A socket that stays in its room, and comes back as a page does. `slowest_s` is the longest it was away."""

    def __init__(self, url: str, room: str, name: str, seed: int) -> None:
        self._url, self._room, self.name = url, room, name
        self._random = random.Random(seed)
        self.is_in = False
        self.returns = 0
        self.slowest_s = 0.0
        self.last_error = ""
        self._left_at: float | None = None

    async def stay(self) -> None:
        """Until cancelled."""
        while True:
            wait_s = self._random.uniform(0, 0.25)
            try:
                async with Member(self._url, self._room, self.name) as member:
                    await member.expect("room_state", timeout_s=15)
                    self._entered()
                    await member.closed(timeout_s=1e9)
                    goodbye = [message for message in member.seen if message["type"] == "goodbye"]
                    if goodbye:
                        wait_s = (goodbye[-1]["retry_after_ms"] or 0) / 1000
            except (OSError, WebSocketException, EOFError, TimeoutError) as error:
                self.last_error = repr(error)
            if self.is_in:
                self.is_in, self._left_at = False, time.monotonic()
            await asyncio.sleep(wait_s)

    def _entered(self) -> None:
        self.is_in = True
        if self._left_at is not None:
            self.returns += 1
            self.slowest_s = max(self.slowest_s, time.monotonic() - self._left_at)

    def away_s(self) -> float:
        """For how long it has been away now."""
        return 0.0 if self.is_in or self._left_at is None else time.monotonic() - self._left_at


class Screen:
    """A player's buffer: filled through the edge, emptied by the clock. It has stopped if it ever runs dry."""

    def __init__(self, session: aiohttp.ClientSession, stream: str, size: int) -> None:
        self._session, self._stream, self._size = session, stream, size
        self._fetched_s = 0.0
        self._begun_at: float | None = None
        self.least_s = STORE_S
        self.failures: list[str] = []

    @property
    def has_begun(self) -> bool:
        """Whether it plays."""
        return self._begun_at is not None

    async def play(self) -> None:
        """Until cancelled. It begins with a full store."""
        at = 0
        while True:
            store_s = self._store()
            if store_s >= STORE_S:
                self._begun_at = self._begun_at or time.monotonic()
                await asyncio.sleep(0.1)
                continue
            if await self._fetch(at):
                at = (at + PIECE_BYTES) % (self._size - PIECE_BYTES)
                self._fetched_s += PIECE_BYTES / BYTES_PER_S
            else:
                await asyncio.sleep(AGAIN_S)
            self._store()

    def _store(self) -> float:
        played_s = 0.0 if self._begun_at is None else time.monotonic() - self._begun_at
        store_s = self._fetched_s - played_s
        if self._begun_at is not None:
            self.least_s = min(self.least_s, store_s)
        return store_s

    async def _fetch(self, at: int) -> bool:
        timeout = aiohttp.ClientTimeout(total=FETCH_TIMEOUT_S)
        headers = {"Range": f"bytes={at}-{at + PIECE_BYTES - 1}"}
        try:
            async with self._session.get(self._stream, headers=headers, timeout=timeout) as answer:
                body = await answer.read()
                if answer.status == 206 and len(body) == PIECE_BYTES:
                    return True
                self.failures.append(f"status {answer.status}")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self.failures.append(type(error).__name__)
        return False
