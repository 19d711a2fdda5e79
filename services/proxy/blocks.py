"""How an object is cut up for keeping: buckets of 10 MiB, each of 40 blocks of 256 KiB."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

BLOCK_BYTES: Final = 256 * 1024
BUCKET_BLOCKS: Final = 40
BUCKET_BYTES: Final = BLOCK_BYTES * BUCKET_BLOCKS


@dataclass(frozen=True, slots=True)
class Representation:
    """One generation of an object, as its origin describes it. `total` is its length in bytes."""

    total: int
    content_type: str
    etag: str = ""
    last_modified: str = ""

    @property
    def is_strong(self) -> bool:
        """Whether parts of it that were fetched at different times can be told to belong together."""
        return bool(self._strong_etag or self.last_modified)

    def is_same(self, other: Representation) -> bool:
        """Whether both are the same bytes: by strong ETag, else by date (RFC 9110 §8.8), and by length.

        Two that have no validators at all are the same if their lengths are: only for objects whose id says so.
        """
        if self.total != other.total:
            return False
        mine, theirs = self._strong_etag, other._strong_etag
        return mine == theirs if mine or theirs else self.last_modified == other.last_modified

    @property
    def _strong_etag(self) -> str:
        return "" if self.etag.startswith("W/") else self.etag


def object_digest(scope: str, object_id: str) -> str:
    """The name of an object in files and in Redis: 32 hexadecimal digits that tell nothing."""
    return hashlib.blake2b(f"{scope}\n{object_id}".encode(), digest_size=16).hexdigest()


def block_of(position: int) -> int:
    """The number of the block that holds a byte."""
    return position // BLOCK_BYTES


def block_span(block: int, total: int) -> tuple[int, int]:
    """Start and stop of a block in an object of `total` bytes; the last one may be short."""
    return block * BLOCK_BYTES, min((block + 1) * BLOCK_BYTES, total)


def bucket_of(block: int) -> int:
    """The number of the bucket that holds a block."""
    return block // BUCKET_BLOCKS


def bucket_stop(position: int, total: int | None = None) -> int:
    """Where the bucket that holds `position` ends, or the object."""
    stop = (position // BUCKET_BYTES + 1) * BUCKET_BYTES
    return stop if total is None else min(stop, total)


def floor(position: int) -> int:
    """Where the block that holds `position` begins."""
    return position // BLOCK_BYTES * BLOCK_BYTES
