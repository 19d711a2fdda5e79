"""`cache`: what is kept of links and streams, and how to have links opened anew."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from redis.asyncio import Redis

from services.common.chain import PUBLIC
from services.common.guard import page_url
from services.common.keys import url_digest
from services.operator.answer import Answer, counted, size, table
from services.operator.stores import Stores, asking, names

KEPT: Final = (
    "Not touched: streams that play go on (their contexts stay), and so does what proxies hold on their disks and in "
    "memory.\nTo empty a proxy's disk stop it and remove its folder below WT_DATA_DIR/proxy."
)
HINTS: Final = "Hints say which proxy holds which part; without them proxies find their own files all the same."
REMEMBERED: Final = "Gateways may answer from their own memory for a second more."


@dataclass(slots=True)
class Pile:
    """Values of one kind: how many, and how many bytes."""

    count: int = 0
    size: int = 0


async def list_cache(stores: Stores) -> Answer:
    """Resolved formats, stream contexts, and each proxy's buckets."""
    redis, keys = stores.jobs_redis, stores.keys
    formats: Counter[str] = Counter()
    start, piles = keys.format("", "").removesuffix(":"), {"formats": Pile(), "contexts": Pile()}
    async for page in names(redis, start):
        formats.update("public" if name.endswith(f":{PUBLIC}") else "personal" for name in page)
        await _weigh(redis, page, piles["formats"])
    async for page in names(redis, keys.stream("")):
        await _weigh(redis, page, piles["contexts"])
    nodes = await _nodes(stores)
    rows: list[tuple[object, ...]] = [
        ("resolved formats", piles["formats"].count, size(piles["formats"].size), _of_kinds(formats)),
        ("stream contexts", piles["contexts"].count, size(piles["contexts"].size), "needed by what plays"),
    ]
    for name, node in nodes.items():
        is_up = f"runs at {node['address']}" if node["address"] else "does not run"
        rows.append((f"buckets of {name}", node["buckets"], _held(node["bytes"]), is_up))
    data = {
        "formats": {
            "count": piles["formats"].count,
            "bytes": piles["formats"].size,
            "public": formats["public"],
            "personal": formats["personal"],
        },
        "contexts": {"count": piles["contexts"].count, "bytes": piles["contexts"].size},
        "proxies": nodes,
    }
    return Answer(data, table(("WHAT", "COUNT", "SIZE", ""), rows, ""))


async def purge_link(stores: Stores, link: str) -> Answer:
    """Forget what is known of one link, for everybody: the next who asks has it opened.

    :raises Refused: `bad_url`, `refused_target`.
    """
    digest = url_digest(page_url(link))
    count = await _purge(stores.jobs_redis, stores.keys.format(digest, ""))
    what = counted(count, "result")
    text = f"Deleted {what} of that link. {REMEMBERED}" if count else "Nothing is kept of that link."
    return Answer({"formats": count}, text, 0 if count else 1)


async def purge(stores: Stores, *, hints: bool) -> Answer:
    """Forget what is known of all links; with `hints` also which proxy holds what."""
    formats = await _purge(stores.jobs_redis, stores.keys.format("", "").removesuffix(":"))
    lines = [f"Deleted {counted(formats, 'resolved format')}. {REMEMBERED}"]
    data = {"formats": formats}
    if hints:
        data["hints"] = await _purge_hints(stores)
        lines.append(f"Deleted {counted(data['hints'], 'hint')} of proxies. {HINTS}")
    return Answer(data, "\n".join([*lines, KEPT]))


async def _purge(redis: Redis, start: str) -> int:
    count = 0
    async for page in names(redis, start):
        with asking():
            count += int(await redis.unlink(*page))
    return count


async def _purge_hints(stores: Stores) -> int:
    """The lists of who holds an object's parts. Leases, and when each proxy's files were read, are not theirs."""
    start, count = stores.keys.bucket(""), 0
    async for page in names(stores.jobs_redis, start):
        lists = [name for name in page if ":" not in name.removeprefix(start)]
        if lists:
            with asking():
                count += int(await stores.jobs_redis.unlink(*lists))
    return count


async def _weigh(redis: Redis, page: list[str], pile: Pile) -> None:
    with asking():
        async with redis.pipeline(transaction=False) as pipe:
            for name in page:
                pipe.strlen(name)
            sizes = await pipe.execute()
    pile.count += len(page)
    pile.size += sum(sizes)


async def _nodes(stores: Stores) -> dict[str, dict[str, object]]:
    """Each proxy that runs or has told of its buckets. `bytes`: of its folder, where that is on this machine."""
    redis, start = stores.jobs_redis, stores.keys.bucket_lru("")
    with asking():
        whole, micros = await redis.time()
        told = await redis.zrangebyscore(stores.keys.proxy_nodes(), whole * 1000 + micros // 1000, "+inf")
    addresses = {name: address for name, address, *_ in (entry.decode().split(" ") for entry in told)}
    buckets: dict[str, int] = {}
    async for page in names(redis, start):
        for name in page:
            with asking():
                buckets[name.removeprefix(start)] = int(await redis.zcard(name))
    folder = stores.settings.data_dir / "proxy"
    return {
        name: {
            "address": addresses.get(name),
            "buckets": buckets.get(name, 0),
            "bytes": _held_in(folder / name),
        }
        for name in sorted(addresses.keys() | buckets.keys())
    }


def _held_in(folder: Path) -> int | None:
    """What a folder's files take on the disk, holes left out; None if it is not here."""
    if not folder.is_dir():
        return None
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            try:
                total += (Path(place) / name).stat().st_blocks * 512
            except OSError:  # dropped meanwhile
                continue
    return total


def _held(count: object) -> str:
    return size(count) if isinstance(count, int) else "elsewhere"


def _of_kinds(formats: Counter[str]) -> str:
    return f"{formats['public']} for all, {formats['personal']} opened with cookies"
