"""L1: small whole objects in memory, bounded by bytes and by entries of a kind, kept as long as they are read."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

MAX_ENTRY_BYTES: Final = 25 * 1000 * 1000
FIRST_TTL_S: Final = 60.0
LAST_TTL_S: Final = 3600.0


class CacheKey(NamedTuple):
    """What cached bytes belong to: whose eyes they are for, and which object they are."""

    scope: str
    object_id: str


class Shelf(StrEnum):
    """Kinds of entries; each has room of its own, so that video never pushes audio out."""

    AUDIO = "audio"
    VIDEO = "video"
    TEXT = "text"


MAX_ENTRIES: Final = {Shelf.AUDIO: 500, Shelf.VIDEO: 200, Shelf.TEXT: 500}


# What nobody has read yet may take this part of the bytes and of a shelf.
TRIAL_SHARE: Final = 4


@dataclass(slots=True)
class Entry:
    """One whole object. `ttl_s` given: it lives so long and no longer, however often it is read.

    `is_on_trial`: nobody has asked for it yet. It pushes out nothing that was read, and is the first to go.
    """

    body: bytes | memoryview
    content_type: str
    shelf: Shelf
    etag: str = ""
    last_modified: str = ""
    ttl_s: float | None = None
    is_on_trial: bool = False
    stored_at: float = 0.0
    used_at: float = 0.0
    expires_at: float = 0.0
    reads: int = 0


class Memory:
    """Least recently used first out, of each shelf what is on trial before what was read.

    `now` is a monotonic clock's.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._shelves: Mapping[Shelf, OrderedDict[CacheKey, Entry]] = {shelf: OrderedDict() for shelf in Shelf}
        self._trials: Mapping[Shelf, OrderedDict[CacheKey, Entry]] = {shelf: OrderedDict() for shelf in Shelf}
        self.held_bytes = 0
        self._trial_bytes = 0

    def __len__(self) -> int:
        return sum(map(self.count, Shelf))

    def count(self, shelf: Shelf) -> int:
        """How many entries are on `shelf`."""
        return len(self._shelves[shelf]) + len(self._trials[shelf])

    def get(self, key: CacheKey, now: float) -> Entry | None:
        """The entry, which lives longer by being read: each read doubles its time, up to an hour."""
        entry = self.peek(key)
        if entry is None:
            return None
        if entry.expires_at <= now:
            self._drop(key, entry)
            return None
        entry.reads += 1
        entry.used_at = now
        if entry.ttl_s is None:
            entry.expires_at = now + min(LAST_TTL_S, FIRST_TTL_S * 2 ** min(entry.reads, 10))
        if entry.is_on_trial:
            self._drop(key, entry)
            entry.is_on_trial = False
            self._enter(key, entry)
        else:
            self._shelves[entry.shelf].move_to_end(key)
        return entry

    def peek(self, key: CacheKey) -> Entry | None:
        """The entry, expired or not, without counting as a read."""
        for entries in (*self._shelves.values(), *self._trials.values()):
            entry = entries.get(key)
            if entry is not None:
                return entry
        return None

    def put(self, key: CacheKey, entry: Entry, now: float) -> bool:
        """Keep `entry` in place of what was under its key. False if it is too large to be kept, or there is no room."""
        self.discard(key)
        size = len(entry.body)
        if size >= MAX_ENTRY_BYTES or size > self._max_bytes:
            return False
        entry.stored_at = entry.used_at = now
        entry.expires_at = now + (FIRST_TTL_S if entry.ttl_s is None else entry.ttl_s)
        return self._try(key, entry) if entry.is_on_trial else self._enter(key, entry)

    def discard(self, key: CacheKey) -> None:
        """Forget what is under `key`, if anything is."""
        entry = self.peek(key)
        if entry is not None:
            self._drop(key, entry)

    def sweep(self, now: float) -> None:
        """Forget what has expired."""
        for entries in (*self._shelves.values(), *self._trials.values()):
            for key, entry in list(entries.items()):
                if entry.expires_at <= now:
                    self._drop(key, entry)

    def _enter(self, key: CacheKey, entry: Entry) -> bool:
        entries, trials = self._shelves[entry.shelf], self._trials[entry.shelf]
        entries[key] = entry
        self.held_bytes += len(entry.body)
        if self.count(entry.shelf) > MAX_ENTRIES[entry.shelf]:
            self._drop(*next(iter((trials or entries).items())))
        while self.held_bytes > self._max_bytes:
            self._drop(*(self._oldest(self._trials) or self._oldest(self._shelves) or (key, entry)))
        return True

    def _try(self, key: CacheKey, entry: Entry) -> bool:
        trials, size = self._trials[entry.shelf], len(entry.body)
        most = MAX_ENTRIES[entry.shelf]
        while trials and (len(trials) >= most // TRIAL_SHARE or self.count(entry.shelf) >= most):
            self._drop(*next(iter(trials.items())))
        while self._trial_bytes + size > self._max_bytes // TRIAL_SHARE or self.held_bytes + size > self._max_bytes:
            oldest = self._oldest(self._trials)
            if oldest is None:
                return False
            self._drop(*oldest)
        if self.count(entry.shelf) >= most:
            return False
        trials[key] = entry
        self.held_bytes += size
        self._trial_bytes += size
        return True

    def _oldest(self, shelves: Mapping[Shelf, OrderedDict[CacheKey, Entry]]) -> tuple[CacheKey, Entry] | None:
        heads = [next(iter(entries.items())) for entries in shelves.values() if entries]
        return min(heads, key=lambda head: head[1].used_at, default=None)

    def _drop(self, key: CacheKey, entry: Entry) -> None:
        size = len(entry.body)
        if entry.is_on_trial:
            del self._trials[entry.shelf][key]
            self._trial_bytes -= size
        else:
            del self._shelves[entry.shelf][key]
        self.held_bytes -= size
