"""Mutated frames against a real replica: `python -m tests.chaos.fuzz [--frames 100000] [--seed N]`.

It must not crash, leak, log an error of ours or let another member's room be harmed.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from websockets.exceptions import WebSocketException

from tests.chaos.frames import frames
from tests.chaos.stage import Stage
from tests.support import rooms
from tests.support.invariants import broken_promises, divergence
from tests.support.member import Member
from tests.support.viewer import Viewer
from tests.support.waiting import until

CONNECTIONS: Final = 4
# So many frames, then an honest one: twenty in a row that are no messages end a connection.
BATCH: Final = 15
# What memory may grow by over all frames: allocators and caches that were not full yet.
MOST_GROWTH_BYTES: Final = 12 * 1024 * 1024
# Sockets in the middle of ending; those that leaked would be many more.
MOST_NEW_DESCRIPTORS: Final = 4
# uvicorn's word for a text frame that is no UTF-8: the peer's fault, and the connection's end.
EXPECTED_COMPLAINT: Final = "Invalid UTF-8 sequence"
ROOM: Final = "fuzzed"


@dataclass(slots=True)
class Outcome:
    """`answers` counts error codes and other types of frames that came back."""

    seed: int
    sent: int = 0
    seconds: float = 0.0
    reconnects: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    growth_bytes: int = 0
    descriptors: tuple[int, int] = (0, 0)
    failures: list[str] = field(default_factory=list)

    def text(self) -> str:
        """The outcome for people."""
        said = ", ".join(f"{count} {what}" for what, count in self.answers.most_common(12))
        return (
            f"seed {self.seed}: {self.sent} frames in {self.seconds:.1f} s, {self.reconnects} reconnects; "
            f"memory grew by {self.growth_bytes / 1024:.0f} KiB, descriptors {self.descriptors[0]} -> "
            f"{self.descriptors[1]}\nanswers: {said}"
        ) + "".join(f"\n  FAILED: {failure}" for failure in self.failures)


class _Mouth(Member):
    """A connection that says anything and only counts what it hears."""

    heard: Counter[str]

    async def take(self, message: dict[str, object]) -> None:
        self.heard[str(message.get("code") if message["type"] == "error" else message["type"])] += 1
        self._news.set()


async def run(count: int, seed: int) -> Outcome:
    """Send `count` frames to a replica of its own."""
    outcome = Outcome(seed)
    settings = {"WT_HEARTBEAT_S": "1", "WT_LOG_LEVEL": "warning"}
    async with Stage(1, settings, seed=seed, append="everysec") as stage:
        node = stage.nodes[0]
        assert node.process is not None
        async with Viewer([node.url], ROOM, "Owner") as owner, Viewer([node.url], "other", "Other") as other:
            await asyncio.gather(owner.joined(), other.joined())
            await rooms.start(stage.store, owner, duration=36_000)
            version = other.picture.version
            source = frames(seed)
            await _bombard(node.url, source, count // 10, outcome)
            before = memory(node.process.pid), _others(stage, node.process.pid)
            began = time.monotonic()
            await _bombard(node.url, source, count, outcome)
            outcome.seconds = time.monotonic() - began
            # Members' leases and the last sockets end.
            await asyncio.sleep(3)
            after = memory(node.process.pid), _others(stage, node.process.pid)
            outcome.growth_bytes, outcome.descriptors = after[0] - before[0], (before[1], after[1])
            outcome.failures += await _harm(owner, other, version)
        if node.process.poll() is not None:
            outcome.failures.append("the replica has ended")
        if outcome.growth_bytes > MOST_GROWTH_BYTES:
            outcome.failures.append(f"memory grew by {outcome.growth_bytes} bytes")
        if after[1] > before[1] + MOST_NEW_DESCRIPTORS:
            outcome.failures.append(f"descriptors went from {before[1]} to {after[1]}")
        outcome.failures += [said for said in stage.complaints() if not said.startswith(EXPECTED_COMPLAINT)]
    return outcome


async def _harm(owner: Viewer, other: Viewer, version: int) -> list[str]:
    """What became of the room that was shot at, and of the one beside it."""
    failures = []
    await until(lambda: owner.is_live, what="the owner did not stay in the room")
    answer = await owner.ask("seek", timestamp=1234)
    if answer.version is None and answer.code != "nothing_playing":
        failures.append(f"the owner's seek was answered with {answer.code}")
    audits = owner.picture.audits
    await asyncio.sleep(1)
    await owner.say("resync")
    await until(lambda: owner.picture.audits > audits, what="no snapshot agreed with what the owner saw")
    failures += broken_promises([owner, other]) + divergence([owner])
    if other.picture.version != version:
        failures.append("another room has changed")
    return failures


async def _bombard(url: str, source: Iterator[str | bytes], count: int, outcome: Outcome) -> None:
    await asyncio.gather(*(_shoot(url, source, count // CONNECTIONS, outcome) for _ in range(CONNECTIONS)))


async def _shoot(url: str, source: Iterator[str | bytes], count: int, outcome: Outcome) -> None:
    sent, cookie = 0, ""
    while sent < count:
        mouth = _Mouth(url, ROOM, "Fuzz", headers={"Cookie": cookie} if cookie else {})
        mouth.heard = outcome.answers
        try:
            async with mouth:
                cookie = cookie or mouth.cookie
                while sent < count:
                    for _ in range(BATCH):
                        frame = next(source)
                        sent += 1
                        outcome.sent += 1
                        await mouth.socket.send(frame, text=True)
                    await mouth.send("pong")
                    # What is behind this in the line when it breaks would be counted and never read.
                    await asyncio.wait_for(await mouth.socket.ping(), 10)
        except (WebSocketException, OSError, TimeoutError):
            outcome.reconnects += 1
            await asyncio.sleep(0.01)


def _others(stage: Stage, pid: int) -> int:
    """Descriptors of a replica that are no connections to Redis: of those there are as many as its pools allow."""
    return descriptors(pid) - stage.backs[0].connections


def memory(pid: int) -> int:
    """Resident bytes of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096


def descriptors(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def main(argv: list[str]) -> int:
    """The command. Gives 0 if nothing failed."""
    arguments = argparse.ArgumentParser(prog="python -m tests.chaos.fuzz", description=__doc__)
    arguments.add_argument("--frames", type=int, default=100_000)
    arguments.add_argument("--seed", type=int, default=None)
    options = arguments.parse_args(argv)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000)
    outcome = asyncio.run(run(options.frames, seed))
    sys.stdout.write(f"{outcome.text()}\n")
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
