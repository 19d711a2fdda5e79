"""What people do beside talking: they open pages, look around, keep lists, and their players read streams."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
from yarl import URL

from tests.support.asking import signed
from tests.support.origin import Origin
from tests.support.shelf import blob

# Few enough that caches are full of them before anything is compared.
SEGMENTS: Final = 20
SEGMENT_BYTES: Final = 200_000
FILM_BYTES: Final = 40_000_000
PIECE_BYTES: Final = 300_000
PAUSE_S: Final = 0.15
TIMEOUT: Final = aiohttp.ClientTimeout(total=20)


@dataclass(slots=True)
class Errands:
    """Guests and players at `addresses`, whose streams come from `origin`; `room` is one that is there.

    `done` counts what was answered as it should be, `failures` what was not.
    """

    addresses: Sequence[str]
    origin: Origin
    room: str
    seed: int
    done: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)

    async def run(self) -> None:
        """Go on until cancelled."""
        async with asyncio.TaskGroup() as people:
            for number in range(2):
                people.create_task(self._visit(random.Random(f"{self.seed}-guest-{number}")))
                people.create_task(self._play(random.Random(f"{self.seed}-player-{number}")))

    async def _visit(self, dice: random.Random) -> None:
        """Guests whom nobody has seen before, one after the other."""
        while True:
            # Addresses of numbers keep no cookies otherwise.
            jar = aiohttp.CookieJar(unsafe=True)
            async with aiohttp.ClientSession(dice.choice(self.addresses), cookie_jar=jar, timeout=TIMEOUT) as http:
                for path in (f"/room/{self.room}", "/api/session", "/api/rooms", f"/api/rooms/{self.room}"):
                    await self._ask(http, "GET", path)
                kept = await self._ask(http, "POST", "/api/playlists", json={"name": "Tonight"})
                if kept is not None:
                    await self._ask(http, "DELETE", f"/api/playlists/{kept['id']}")
            await asyncio.sleep(dice.uniform(0, 2 * PAUSE_S))

    async def _ask(self, http: aiohttp.ClientSession, method: str, path: str, **body: Any) -> Any:
        what = f"{method} {path.partition('/playlists/')[0]}"
        try:
            async with http.request(method, path, **body) as answer:
                if answer.ok:
                    self.done[what] += 1
                    return await answer.json() if answer.content_type == "application/json" else await answer.read()
                self.failures[f"{what}: {answer.status}"] += 1
        except (aiohttp.ClientError, TimeoutError) as error:
            self.failures[f"{what}: {error!r}"] += 1
        return None

    async def _play(self, dice: random.Random) -> None:
        """A player: small pieces in memory, and parts of a film that is on disk, every byte compared."""
        segments = [signed(self.origin.url(f"/blob/{SEGMENT_BYTES}.ts", v=str(n))) for n in range(SEGMENTS)]
        film = signed(self.origin.url(f"/blob/{FILM_BYTES}.mp4"))
        async with aiohttp.ClientSession(timeout=TIMEOUT) as http:
            while True:
                base = dice.choice(self.addresses)
                await self._read(http, base + dice.choice(segments), 0, SEGMENT_BYTES)
                start = dice.randrange(FILM_BYTES - PIECE_BYTES)
                await self._read(http, base + film, start, start + PIECE_BYTES)
                await asyncio.sleep(dice.uniform(0, 2 * PAUSE_S))

    async def _read(self, http: aiohttp.ClientSession, url: str, start: int, end: int) -> None:
        try:
            async with http.get(URL(url, encoded=True), headers={"Range": f"bytes={start}-{end - 1}"}) as answer:
                if answer.status != 206:
                    self.failures[f"a stream: {answer.status}"] += 1
                elif await answer.read() != blob(start, end):
                    self.failures["a stream: wrong bytes"] += 1
                else:
                    self.done["a stream"] += 1
        except (aiohttp.ClientError, TimeoutError) as error:
            self.failures[f"a stream: {error!r}"] += 1
