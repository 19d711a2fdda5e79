"""`python -m tests.chaos.torture --minutes 10`: readers of an origin that breaks the rules, through proxies that die.

Every byte that a reader gets must be the origin's, in its place and of one generation; an answer that ends cleanly must
be whole. The seed is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import secrets
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp
from yarl import URL

from services.common.keyring import KeyRing
from services.common.stream import Kind, StreamRef, StreamSigner, expiry, object_id
from tests.support.crooked import DEFECTS, Crooked, content, pick
from tests.support.node import SECRET, Node
from tests.support.redis import RedisServer

SIGNER: Final = StreamSigner(KeyRing((SECRET,)))
READERS: Final = 12
SIZES: Final = (1, 1000, 262_144, 262_145, 3_000_000, 11_000_000, 27_000_000)
_CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class WrongByteError(AssertionError):
    """A reader got what the origin did not send, or was told that this is all."""


@dataclass(slots=True)
class Torture:
    """What happened. `outcomes` counts statuses and connections that were dropped."""

    rng: random.Random
    outcomes: Counter[str] = field(default_factory=Counter)
    defects: Counter[str] = field(default_factory=Counter)
    read_bytes: int = 0
    kills: int = 0


async def torture(seconds: float, seed: str, *, replicas: int = 2, kill_every_s: float = 4.0) -> Torture:
    """Read for so long.

    :raises WrongByteError: at the first wrong byte.
    """
    told = Torture(random.Random(seed))
    with tempfile.TemporaryDirectory() as folder, RedisServer() as redis, ExitStack() as running:
        async with Crooked().serving() as origin:
            settings = {
                "WT_REDIS_URL": redis.url,
                "WT_ALLOWED_PRIVATE_HOSTS": origin.address,
                "WT_PROXY_FIRST_BYTE_TIMEOUT_S": "2",
                "WT_PROXY_CHUNK_TIMEOUT_S": "1",
                "WT_PROXY_DISK_BYTES": "150000000",
                "WT_PROXY_MEMORY_BYTES": "30000000",
                "WT_LOG_LEVEL": "error",
            }
            nodes = []
            for n in range(replicas):
                (place := Path(folder) / str(n)).mkdir()
                node = Node("services.proxy", place / "log", settings={**settings, "WT_NODE": f"node{n}"})
                nodes.append(await asyncio.to_thread(running.enter_context, node))
            until = time.monotonic() + seconds
            async with asyncio.TaskGroup() as tasks:
                for _ in range(READERS):
                    tasks.create_task(_read(told, origin, nodes, until))
                tasks.create_task(_kill(told, nodes, until, kill_every_s))
    return told


async def _kill(told: Torture, nodes: list[Node], until: float, every_s: float) -> None:
    while time.monotonic() + every_s < until:
        await asyncio.sleep(every_s)
        node = told.rng.choice(nodes)
        await asyncio.to_thread(node.kill)
        await asyncio.to_thread(node.start)
        told.kills += 1


async def _read(told: Torture, origin: Crooked, nodes: list[Node], until: float) -> None:
    marks = [secrets.token_hex(3) for _ in range(2)]
    async with aiohttp.ClientSession(auto_decompress=False) as http:
        while time.monotonic() < until:
            rng = told.rng
            defect, size = pick(rng), rng.choice(SIZES)
            url = origin.url(defect, size, rng.choice(marks))
            path = SIGNER.path(StreamRef(url, Kind.SEGMENT, object_id(url), "", expiry(time.time())))
            first = rng.randrange(size)
            last = min(first + rng.choice((0, 100, 300_000, 4_000_000)), size + 5)
            headers = rng.choice(
                ({}, {"Range": "bytes=0-"}, {"Range": f"bytes={first}-{last}"}, {"Range": f"bytes=-{last}"})
            )
            told.defects[defect] += 1
            try:
                async with asyncio.timeout(20):
                    told.outcomes[await _checked(told, http, rng.choice(nodes), path, headers, defect, size)] += 1
            except (aiohttp.ClientError, OSError):
                told.outcomes["dropped"] += 1
            except TimeoutError:
                told.outcomes["late"] += 1


async def _checked(
    told: Torture, http: aiohttp.ClientSession, node: Node, path: str, headers: dict[str, str], defect: str, size: int
) -> str:
    async with http.get(URL(node.url + path, encoded=True), headers=headers) as response:
        if response.status not in (200, 206):
            return str(response.status)
        tag = re.fullmatch(r'(?:W/)?"g(\d+)"', response.headers.get("ETag", ""))
        generation = int(tag[1]) if tag else 0
        position, stop = 0, size
        if response.status == 206:
            span = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if span is None:
                raise WrongByteError(f"{defect}: a 206 that does not say which part it is")
            position, stop = int(span[1]), int(span[2]) + 1
            if headers.get("Range", "").startswith("bytes=0-") and position:
                raise WrongByteError(f"{defect}: another part than was asked for")
        async for chunk in response.content.iter_any():
            told.read_bytes += len(chunk)
            if chunk != content(generation, position, position + len(chunk)):
                raise WrongByteError(f"{defect}: wrong bytes at {position} of {size}, {headers}, {response.headers}")
            position += len(chunk)
        # An origin that lies about its length in a way that HTTP can't show is believed.
        if position < stop and defect != "length_lies_low":
            raise WrongByteError(f"{defect}: a clean end at {position} of {stop}, {headers}, {response.headers}")
        return str(response.status)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.torture")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", default=secrets.token_hex(4))
    options = parser.parse_args()
    print(f"{len(DEFECTS)} defects, seed {options.seed}", flush=True)  # noqa: T201 - what this program is for
    told = asyncio.run(torture(options.minutes * 60, options.seed))
    print(dict(told.outcomes), f"{told.read_bytes / 1e9:.2f} GB, {told.kills} kills: no wrong byte")  # noqa: T201


if __name__ == "__main__":
    main()
