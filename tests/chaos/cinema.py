"""Who looks at a screen while a house falls apart: real Chromium players, and readers who know every byte."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import statistics
from typing import Final

import aiohttp
from playwright.async_api import Browser
from playwright.async_api import Error as BrowserError

from tests.bench.parts import counter
from tests.chaos.house import House
from tests.support import page
from tests.support.page import Person, spread
from tests.support.shelf import blob
from tests.support.viewer import Viewer
from tests.support.waiting import until

TOGETHER: Final = 3
# So long after a fault's end everybody is where the room is.
SETTLE_S: Final = 10.0
WITHIN_S: Final = 0.5
FILM_BYTES: Final = 64_000_000
PIECE_BYTES: Final = 300_000
READERS: Final = 2
FETCH_TIMEOUT_S: Final = 15.0


class Cinema:
    """`players` pages, three to a room, that watch `film` (`host:port` of a counter's server), and two readers."""

    def __init__(self, house: House, film: str, *, players: int, seed: int) -> None:
        self._house = house
        self._film = film
        self._players = players
        self._dice = random.Random(seed)
        self._stack = contextlib.AsyncExitStack()
        self._rooms: list[list[Person]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._spreads: list[float] = []
        self._drifts: list[float] = []
        self._wrong: list[str] = []
        self._read_bytes = 0
        self._pieces = 0
        self._refused = 0

    async def arrive(self) -> None:
        """Open the pages, start a film in each room, and begin to read."""
        chromium = await self._stack.enter_async_context(page.browser())
        for first in range(0, self._players, TOGETHER):
            names = [f"P{number}" for number in range(first, min(first + TOGETHER, self._players))]
            self._rooms.append(await self._open(chromium, f"cinema-{first}", names))
        session = await self._stack.enter_async_context(aiohttp.ClientSession(self._house.front.url))
        stream = await self._stream()
        self._tasks = [asyncio.create_task(self._read(session, stream)) for _ in range(READERS)]

    async def look(self, faults: str) -> list[str]:
        """Give everybody ten seconds; then see whether rooms are together, and bytes come and were right."""
        known = self._pieces
        await asyncio.sleep(SETTLE_S)
        problems = [
            f"{faults}: {problem}" for people in self._rooms if (problem := await self._problem(people)) is not None
        ]
        try:
            # What was asked for while the fault lasted may take until its time is over.
            await until(lambda: self._pieces > known, FETCH_TIMEOUT_S, "nobody could read the stream")
        except TimeoutError as error:
            problems.append(f"{faults}: {error}")
        wrong, self._wrong = self._wrong, []
        for people in self._rooms:
            await self._rewind(people)
        return problems + [f"{faults}: {each}" for each in wrong]

    async def go_home(self) -> None:
        """Close everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()

    def rows(self) -> list[str]:
        """What was measured."""
        spreads = sorted(self._spreads) or [0.0]
        middle, worst = statistics.median(spreads) * 1000, spreads[-1] * 1000
        off = max(self._drifts, default=0.0) * 1000
        return [
            f"{self._players} players, {SETTLE_S:.0f} s after each fault: {middle:.0f} ms apart (median), "
            f"{worst:.0f} ms at most, and from where their rooms are {off:.0f} ms at most, {len(self._spreads)} looks",
            f"read through the edge: {self._read_bytes / 1e6:.0f} MB, every byte compared; {self._refused} fetches "
            "were refused or broke off",
        ]

    async def _open(self, chromium: Browser, room: str, names: list[str]) -> list[Person]:
        people = [await Person.enter(chromium, self._house.front.url, room, name) for name in names]
        await people[0].add(f"http://{self._film}/counter.mp4")
        await asyncio.gather(*(person.playing(timeout_s=60) for person in people))
        return people

    async def _problem(self, people: list[Person]) -> str | None:
        """What is wrong with a room. The median of some looks: a busy machine shows a frame late now and then."""
        looks, offs = [], []
        try:
            before = await asyncio.gather(*(person.sample() for person in people))
            for _ in range(3):
                await asyncio.sleep(0.3)
                looks.append(await spread(people))
                drifts = await asyncio.gather(*(person.told("drift") for person in people))
                offs.append(max(abs(drift) if drift is not None else math.inf for drift in drifts))
            after = await asyncio.gather(*(person.sample() for person in people))
            for person, then, now in zip(people, before, after, strict=True):
                if now.position - then.position < (now.at - then.at) / 2:
                    return f"{person.name} stands still at {now.position:.1f} s"
        except BrowserError as error:
            return f"a page of {people[0].name}'s room is gone: {error}"
        apart_s, off_s = statistics.median(looks), statistics.median(offs)
        self._spreads.append(apart_s)
        self._drifts.append(off_s)
        if apart_s > WITHIN_S:
            return f"{people[0].name}'s room is {apart_s:.2f} s apart"
        # Pages that are wrong together are wrong, too. Infinity: one does not know where it is.
        return None if off_s <= WITHIN_S else f"somebody in {people[0].name}'s room is {off_s:.2f} s away from it"

    async def _rewind(self, people: list[Person]) -> None:
        """Keep the film going for as long as the party does."""
        if (await people[0].sample()).position > counter.DURATION_S * 0.7:
            await people[0].page.keyboard.press("0")

    async def _stream(self) -> str:
        """The signed address of a blob, as a room gets it."""
        async with Viewer(self._house.addresses, "readers", "Rea") as viewer:
            await viewer.joined()
            await viewer.ask("queue_add", url=self._house.origin.url(f"/blob/{FILM_BYTES}.mp4"))
            await until(lambda: viewer.picture.video is not None, 60, "the blob did not open")
            return str((viewer.picture.video or {})["stream_url"])

    async def _read(self, session: aiohttp.ClientSession, stream: str) -> None:
        timeout = aiohttp.ClientTimeout(total=FETCH_TIMEOUT_S)
        while True:
            start = self._dice.randrange(FILM_BYTES - PIECE_BYTES)
            headers = {"Range": f"bytes={start}-{start + PIECE_BYTES - 1}"}
            try:
                async with session.get(stream, headers=headers, timeout=timeout) as answer:
                    body = await answer.read()
                    if answer.status != 206:
                        self._refused += 1
                    elif body != blob(start, start + PIECE_BYTES):
                        self._wrong.append(f"wrong bytes in {start} to {start + PIECE_BYTES}")
                    else:
                        self._read_bytes += len(body)
                        self._pieces += 1
            except (aiohttp.ClientError, TimeoutError, OSError):
                self._refused += 1
            await asyncio.sleep(self._dice.uniform(0.1, 0.6))
