"""A roll-out under load: every replica of every service is restarted, one after the other, and nobody must notice.

`python -m tests.drill [--sockets 500] [--players 20]`. Gives 1 if a player stopped, a socket was away for more than
five seconds, or an acknowledged command is missing.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp

from tests.drill.people import Lodger, Screen
from tests.drill.stand import SERVICES, Stand
from tests.support.invariants import broken_promises
from tests.support.node import Node
from tests.support.viewer import Viewer
from tests.support.waiting import until

ROOM_SIZE: Final = 20
FILM_BYTES: Final = 64_000_000
AWAY_S: Final = 5.0
SETTLE_S: Final = 3.0
# A host that is nowhere: added like any link, and given up before yt-dlp sees it.
WISH: Final = "http://wish.invalid/clip"


@dataclass(slots=True)
class Report:
    """What was seen; `failures` are sentences."""

    steps: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def say(self, line: str) -> None:
        """A line for whoever waits."""
        self.steps.append(line)
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


class Drill:
    """One run over a stand."""

    def __init__(self, stand: Stand, sockets: int, players: int, services: Sequence[str] = SERVICES) -> None:
        self._services = services
        self._stand = stand
        url = stand.url
        rooms = [f"lodge-{number}" for number in range(-(-(sockets - players) // ROOM_SIZE))]
        self._lodgers = [
            Lodger(url, rooms[number // ROOM_SIZE], f"L{number}", number) for number in range(sockets - players)
        ]
        self._viewers = [Viewer([url], "cinema", f"V{number}", silence_s=30, seed=number) for number in range(players)]
        self._screens: list[Screen] = []
        self._halts = 0
        self.report = Report()

    async def run(self) -> Report:
        """Bring everybody in, roll out, and judge."""
        tasks = [asyncio.create_task(lodger.stay()) for lodger in self._lodgers]
        async with aiohttp.ClientSession(self._stand.url, connector=aiohttp.TCPConnector(limit=0)) as session:
            try:
                for viewer in self._viewers:
                    await viewer.__aenter__()
                await asyncio.gather(*(viewer.joined(60) for viewer in self._viewers))
                await until(lambda: all(lodger.is_in for lodger in self._lodgers), 120, "not every socket got in")
                tasks += await self._begin_film(session)
                tasks += [asyncio.create_task(self._wish()), asyncio.create_task(self._watch())]
                await asyncio.sleep(SETTLE_S)
                for service in self._services:
                    for number, node in enumerate(self._stand.nodes[service]):
                        await self._roll(f"{service}-{number + 1}", node)
                await self._judge()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await asyncio.gather(*(viewer.leave() for viewer in self._viewers), return_exceptions=True)
        return self.report

    async def _begin_film(self, session: aiohttp.ClientSession) -> list[asyncio.Task[None]]:
        host = self._viewers[0]
        await host.ask("queue_add", url=self._stand.origin.url(f"/blob/{FILM_BYTES}.mp4"))
        await until(lambda: host.picture.video is not None, 60, "the film did not open")
        video = host.picture.video or {}
        await host.ask("play", timestamp=0.0)
        await until(lambda: all(viewer.picture.is_moving for viewer in self._viewers), 15, "not everybody plays")
        self._screens = [Screen(session, str(video["stream_url"]), FILM_BYTES) for _ in self._viewers]
        tasks = [asyncio.create_task(screen.play()) for screen in self._screens]
        await until(lambda: all(screen.has_begun for screen in self._screens), 60, "not every player has bytes")
        return tasks

    async def _wish(self) -> None:
        """Somebody wants something all the time."""
        for number, viewer in zip(itertools.count(), itertools.cycle(self._viewers), strict=False):
            viewer.command("queue_add", url=f"{WISH}/{number}")
            await asyncio.sleep(0.4)

    async def _watch(self) -> None:
        """A room that plays goes on playing."""
        while True:
            self._halts += sum(not viewer.picture.is_moving for viewer in self._viewers)
            await asyncio.sleep(0.2)

    async def _roll(self, name: str, node: Node) -> None:
        before = sum(lodger.returns for lodger in self._lodgers)
        begun = time.monotonic()
        status = await asyncio.to_thread(node.stop, timeout_s=40)
        stopped_s = time.monotonic() - begun
        await asyncio.to_thread(node.start)
        await asyncio.sleep(SETTLE_S)
        try:
            await until(lambda: all(lodger.is_in for lodger in self._lodgers), 60)
        except TimeoutError:
            away = [lodger for lodger in self._lodgers if not lodger.is_in]
            self.report.failures += [f"{lodger.name} did not come back: {lodger.last_error}" for lodger in away]
        moved = sum(lodger.returns for lodger in self._lodgers) - before
        slowest = max((lodger.slowest_s for lodger in self._lodgers), default=0.0)
        least = min(screen.least_s for screen in self._screens)
        self.report.say(
            f"{name:12} ended in {stopped_s:4.1f} s with {status}; {moved:4} sockets moved, "
            f"slowest so far {slowest:.2f} s; least in store {least:.1f} s"
        )
        if status != 0:
            self.report.failures.append(f"{name} ended with {status}")

    async def _judge(self) -> None:
        report = self.report
        await asyncio.sleep(SETTLE_S)
        viewers, screens = self._viewers, self._screens
        await until(lambda: all(viewer.is_live for viewer in viewers), 30, "not every player is in its room")
        wishes = [c for v in viewers for c in v.box.done if c.kind == "queue_add" and c.version is not None]
        listed = Counter(item["url"] for item in viewers[0].picture.queue)
        lost = [c.fields["url"] for c in wishes if c.fields["url"].startswith(WISH) and not listed[c.fields["url"]]]
        twice = [url for url, count in listed.items() if count > 1]
        slowest = max((lodger.slowest_s for lodger in self._lodgers), default=0.0)
        dry = sum(screen.least_s <= 0 for screen in screens)
        failed = Counter(failure for screen in screens for failure in screen.failures)
        report.say(
            f"{len(self._lodgers) + len(viewers)} sockets, slowest return {slowest:.2f} s; {len(screens)} players, "
            f"least in store {min(screen.least_s for screen in screens):.1f} s; {len(wishes)} commands acknowledged, "
            f"{len(lost)} lost; fetches tried again: {dict(failed)}"
        )
        if len(wishes) < len(viewers):
            report.failures.append(f"only {len(wishes)} commands were acknowledged: nothing was shown")
        report.failures += [f"an acknowledged command is missing: {url}" for url in lost]
        report.failures += [f"a command was applied twice: {url}" for url in twice]
        report.failures += broken_promises(viewers)
        if slowest > AWAY_S:
            report.failures.append(f"a socket was away for {slowest:.1f} s")
        if dry:
            report.failures.append(f"{dry} players ran dry")
        if self._halts:
            report.failures.append(f"rooms stood still in {self._halts} looks")


def main(argv: list[str]) -> int:
    """The command. Gives 0 if nobody noticed."""
    arguments = argparse.ArgumentParser(prog="python -m tests.drill", description=__doc__)
    arguments.add_argument("--sockets", type=int, default=500)
    arguments.add_argument("--players", type=int, default=20)
    arguments.add_argument("--services", nargs="+", choices=SERVICES, default=SERVICES, help="which are restarted")
    options = arguments.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="drill-") as folder, Stand(Path(folder)) as stand:
        report = asyncio.run(Drill(stand, options.sockets, options.players, options.services).run())
    for failure in report.failures:
        sys.stdout.write(f"FAILED: {failure}\n")
    sys.stdout.write("nobody noticed\n" if not report.failures else "")
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
