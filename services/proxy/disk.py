"""L2: buckets in a folder of this node, at most so many bytes, the least recently read first out.

The index lives in memory and in the event loop; files are touched in threads. What is in the folder at the start is
taken over. Nothing here fails a request: where the disk is full or broken, there is no bucket to write to or read from.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import structlog

from services.proxy import bucket as files
from services.proxy import metrics
from services.proxy.blocks import BLOCK_BYTES, BUCKET_BLOCKS, BUCKET_BYTES, Representation, bucket_of
from services.proxy.bucket import Bucket, Handle
from services.proxy.slices import FileSlice, Handles
from services.proxy.space import Space

T = TypeVar("T")
log = structlog.get_logger(__name__)

# What one claim may push out beyond the bytes it needs, to get back above the floor of free space.
MOST_EVICTED: Final = 64
# A bucket that was made for somebody who has left meanwhile is nobody's after so long.
UNCLAIMED_S: Final = 1.0

BucketKey = tuple[str, int]


@dataclass(slots=True)
class Stored:
    """What is kept of one object: buckets by number, all of one generation."""

    representation: Representation
    at: float
    buckets: dict[int, Bucket] = field(default_factory=dict)


class Disk:
    """The buckets of one folder. `start` before use. `wall` gives Unix seconds."""

    def __init__(
        self, folder: Path, max_bytes: int, *, free_bytes: int = 0, wall: Callable[[], float] = time.time
    ) -> None:
        """:param free_bytes: how much the file system must keep free; below it nothing is added."""
        self.folder = folder
        self.max_bytes = max_bytes
        self.used_bytes = 0
        self.space = Space(folder, free_bytes)
        self._wall = wall
        self._objects: dict[str, Stored] = {}
        # By their last use, the next to go first.
        self._buckets: OrderedDict[BucketKey, Bucket] = OrderedDict()
        self._making: dict[BucketKey, asyncio.Task[Bucket | None]] = {}
        self._handles = Handles()
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="buckets")
        self._listeners: list[Callable[[Bucket], None]] = []
        self._read_since: dict[str, float] = {}
        self._dropped_since: set[str] = set()

    @property
    def buckets(self) -> list[Bucket]:
        """All of them, the next to go first."""
        return list(self._buckets.values())

    def on_complete(self, listener: Callable[[Bucket], None]) -> None:
        """Have `listener` told of every bucket of which a fill brought the last block."""
        self._listeners.append(listener)

    def reorder(self, read: Mapping[str, float]) -> None:
        """Take over when buckets were last read, by file name."""
        for bucket in self._buckets.values():
            bucket.used_at = read.get(bucket.path.name, bucket.used_at)
        self._buckets = OrderedDict(sorted(self._buckets.items(), key=lambda item: item[1].used_at))

    def changes(self) -> tuple[dict[str, float], set[str]]:
        """What was read and what left since the last call, by file name."""
        changes = self._read_since, self._dropped_since
        self._read_since, self._dropped_since = {}, set()
        return changes

    async def start(self) -> None:
        """Take over what the folder holds."""
        if self.max_bytes <= 0:
            return
        for bucket in await self._in_thread(_scan, self.folder):
            stored = self._objects.get(bucket.digest)
            if stored is not None and not stored.representation.is_same(bucket.representation):
                # Of two generations the one that was vouched for later holds.
                if bucket.at < stored.at:
                    self._unlink(bucket.path)
                    continue
                self.forget(bucket.digest)
            if (twin := self._buckets.get((bucket.digest, bucket.number))) is not None:
                self.drop(twin)
            self._enter(bucket)
        while self.used_bytes > self.max_bytes and self._evict():
            pass
        log.info("buckets_found", folder=str(self.folder), buckets=len(self._buckets), bytes=self.used_bytes)

    def close(self) -> None:
        """Let the threads end. What was being written is finished first."""
        self._threads.shutdown(wait=True)
        self._handles.clear()

    def stored(self, digest: str) -> Stored | None:
        """What is kept of an object."""
        return self._objects.get(digest)

    def holds(self, digest: str, block: int) -> bool:
        """Whether a block of an object is kept."""
        bucket = self._buckets.get((digest, bucket_of(block)))
        return bucket is not None and bool(bucket.present >> block % BUCKET_BLOCKS & 1)

    def extent(self, digest: str, position: int, stop: int) -> FileSlice | None:
        """What is kept and checked from `position` on, up to `stop` or the bucket's end; None if nothing is."""
        bucket = self._buckets.get((digest, position // BUCKET_BYTES))
        if bucket is None:
            return None
        n = first = position // BLOCK_BYTES % BUCKET_BLOCKS
        ready = bucket.present & bucket.checked
        while n < BUCKET_BLOCKS and ready >> n & 1:
            n += 1
        if n == first:
            return None
        handle = self._handle(bucket)
        if handle is None:
            return None
        end = min(stop, (bucket.first_block + n) * BLOCK_BYTES, bucket.representation.total)
        return FileSlice(handle, bucket.offset(position), end - position)

    async def check(self, digest: str, block: int) -> bool:
        """Whether a block of an object is kept and sound: after a restart it is read once to see that."""
        bucket = self._buckets.get((digest, bucket_of(block)))
        n = block % BUCKET_BLOCKS
        if bucket is None or not bucket.present >> n & 1:
            return False
        if bucket.checked >> n & 1:
            return True
        handle = self._handle(bucket)
        try:
            is_sound = handle is not None and await self._in_thread(files.is_sound, handle, bucket, n)
        except OSError:
            is_sound = False
        if is_sound:
            bucket.checked |= 1 << n
        elif bucket.present >> n & 1:
            metrics.UNSOUND_BLOCKS.inc()
            self._changed(bucket, bucket.present & ~(1 << n))
        return is_sound

    def touch(self, digest: str, position: int) -> None:
        """Note that a bucket was read."""
        key = (digest, position // BUCKET_BYTES)
        bucket = self._buckets.get(key)
        if bucket is not None:
            bucket.used_at = self._read_since[bucket.path.name] = self._wall()
            self._buckets.move_to_end(key)

    async def claim(self, digest: str, number: int, representation: Representation) -> Bucket | None:
        """The bucket to write blocks of an object into, its room reserved until `release`; None if there is none.

        What is kept of another generation of the object goes.
        """
        stored = self._objects.get(digest)
        if stored is not None and not stored.representation.is_same(representation):
            self.forget(digest)
        key = (digest, number)
        bucket = self._buckets.get(key)
        if bucket is None:
            making = self._making.get(key)
            if making is None:
                making = self._making[key] = asyncio.create_task(self._make(digest, number, representation))
                making.add_done_callback(lambda _: self._making.pop(key, None))
            bucket = await asyncio.shield(making)
            if bucket is None or bucket.is_dropped:
                return None
        elif not bucket.writers and not await self._make_room(bucket.capacity_bytes - bucket.charged_bytes, bucket):
            return None
        if bucket.is_dropped or not bucket.representation.is_same(representation):
            return None
        if bucket.is_unclaimed:
            bucket.is_unclaimed = False
        else:
            self._recharge(bucket, bucket.writers + 1)
        return bucket

    def release(self, bucket: Bucket) -> None:
        """Give back the room that was reserved and not used. A bucket that nothing was put into goes."""
        self._recharge(bucket, bucket.writers - 1)
        if not bucket.writers and not bucket.present:
            self.drop(bucket)
        if not bucket.writers and not bucket.is_dropped and bucket.is_complete:
            for listener in self._listeners:
                listener(bucket)

    async def write(self, bucket: Bucket, blocks: Mapping[int, memoryview]) -> bool:
        """Keep blocks, by their numbers in the object. False if that failed: then they are not there."""
        if bucket.is_dropped:
            return False
        numbered = {block - bucket.first_block: data for block, data in blocks.items()}
        missing = {n: data for n, data in numbered.items() if not bucket.present >> n & 1}
        if not missing:
            return True
        handle = self._handle(bucket)
        if handle is None:
            return False
        try:
            checksums = await self._in_thread(files.write_blocks, handle, bucket, missing)
        except OSError as error:
            self.space.failed(error)
            return False
        if self._buckets.get((bucket.digest, bucket.number)) is not bucket:
            return False
        for n, checksum in checksums.items():
            bucket.checksums[n] = checksum
            bucket.checked |= 1 << n
            self._changed(bucket, bucket.present | 1 << n)
        return True

    def forget(self, digest: str) -> None:
        """Let go of all that is kept of an object."""
        stored = self._objects.get(digest)
        for bucket in list(stored.buckets.values()) if stored else ():
            self.drop(bucket)

    def drop(self, bucket: Bucket) -> None:
        """Let go of a bucket. Who reads it reads on."""
        key = (bucket.digest, bucket.number)
        if self._buckets.get(key) is not bucket:
            return
        del self._buckets[key]
        self.used_bytes -= bucket.charged_bytes
        bucket.is_dropped = True
        stored = self._objects[bucket.digest]
        del stored.buckets[bucket.number]
        if not stored.buckets:
            del self._objects[bucket.digest]
        self._handles.discard(bucket.path)
        self._unlink(bucket.path)
        self._read_since.pop(bucket.path.name, None)
        self._dropped_since.add(bucket.path.name)

    async def _make(self, digest: str, number: int, representation: Representation) -> Bucket | None:
        nonce = secrets.token_hex(4)
        path = self.folder / digest[:2] / files.file_name(digest, number, nonce)
        bucket = Bucket(path, digest, number, representation, self._wall(), 0, writers=1)
        if not await self._make_room(bucket.capacity_bytes, None):
            return None
        # Charged before the file is there, so that no number of fills together goes beyond the cap.
        self.used_bytes += bucket.capacity_bytes
        try:
            bucket = await self._in_thread(files.create, path, digest, number, representation, bucket.at)
        except (OSError, ValueError) as error:
            if isinstance(error, OSError):
                self.space.failed(error)
            return None
        finally:
            self.used_bytes -= bucket.capacity_bytes
        stored = self._objects.get(digest)
        if stored is not None and not stored.representation.is_same(representation):
            self._unlink(path)
            return None
        bucket.used_at = self._wall()
        # Its room stays reserved until who asked for it has it, or has had time to.
        bucket.writers, bucket.is_unclaimed = 1, True
        self._enter(bucket)
        asyncio.get_running_loop().call_later(UNCLAIMED_S, self._unclaim, bucket)
        return bucket

    def _unclaim(self, bucket: Bucket) -> None:
        if bucket.is_unclaimed:
            bucket.is_unclaimed = False
            self.release(bucket)

    async def _make_room(self, need: int, keep: Bucket | None) -> bool:
        """Push out until `need` bytes fit. False if they can't."""
        if self.max_bytes <= 0 or self.space.is_paused or need > self.max_bytes:
            return False
        while self.used_bytes + need > self.max_bytes:
            if not self._evict(keep):
                return False
        try:
            for _ in range(MOST_EVICTED):
                if await self._in_thread(self.space.has_room, need):
                    return self.used_bytes + need <= self.max_bytes
                if not self._evict(keep):
                    break
        except OSError as error:
            self.space.failed(error)
            return False
        self.space.rest()
        return False

    def _evict(self, keep: Bucket | None = None) -> bool:
        for bucket in self._buckets.values():
            if not bucket.writers and bucket is not keep:
                metrics.EVICTIONS.inc()
                self.drop(bucket)
                return True
        return False

    def _enter(self, bucket: Bucket) -> None:
        key = (bucket.digest, bucket.number)
        self._buckets[key] = bucket
        stored = self._objects.get(bucket.digest)
        if stored is None:
            stored = self._objects[bucket.digest] = Stored(bucket.representation, bucket.at)
        stored.at = max(stored.at, bucket.at)
        stored.buckets[bucket.number] = bucket
        self.used_bytes += bucket.charged_bytes

    def _recharge(self, bucket: Bucket, writers: int) -> None:
        before = bucket.charged_bytes
        bucket.writers = writers
        if not bucket.is_dropped:
            self.used_bytes += bucket.charged_bytes - before

    def _changed(self, bucket: Bucket, present: int) -> None:
        before = bucket.charged_bytes
        bucket.present = present
        if not bucket.is_dropped:
            self.used_bytes += bucket.charged_bytes - before

    def _handle(self, bucket: Bucket) -> Handle | None:
        try:
            return self._handles.get(bucket.path)
        except OSError:
            # Somebody removed the file: so there is no bucket either.
            self.drop(bucket)
            return None

    def _unlink(self, path: Path) -> None:
        with contextlib.suppress(RuntimeError):
            self._threads.submit(_remove, path)

    async def _in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _scan(folder: Path) -> list[Bucket]:
    """Every bucket below `folder`, the least recently used first. Other files with their suffix are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for path in folder.glob(f"*/*{files.SUFFIX}"):
        try:
            bucket = files.load(path)
        except OSError:
            continue
        if bucket is None or not bucket.present:
            _remove(path)
        else:
            found.append(bucket)
    return sorted(found, key=lambda bucket: bucket.used_at)
