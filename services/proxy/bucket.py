"""One bucket as a file that describes itself: head, checksums of its blocks, blocks.

| offset | what |
|---|---|
| 0 | magic, length and CRC-32 of the head, the head as JSON |
| 4096 | for each block the CRC-32 of its bytes and one of that entry; zeros where there is no block |
| 8192 | the blocks, in their places; what is not there is a hole |

A block is written before its entry, and nothing that was written is ever changed. So whatever a crash leaves behind, an
entry either fits its block or gives itself away: after a restart every block is checked before it is first used.
Everything here blocks, and is called in threads.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from msgspec import Struct

from services.common import codec
from services.proxy.blocks import BLOCK_BYTES, BUCKET_BLOCKS, BUCKET_BYTES, Representation

SUFFIX: Final = ".bucket"
DATA_OFFSET: Final = 8192

_MAGIC: Final = b"WTBUCKT1"
_TABLE_OFFSET: Final = 4096
_PREAMBLE: Final = struct.Struct(">8sII")
_ENTRY: Final = struct.Struct(">II")
_MAX_HEAD_BYTES: Final = _TABLE_OFFSET - _PREAMBLE.size


class Head(Struct, kw_only=True, frozen=True):
    """What a bucket says of itself. `at` is when the origin last vouched for it (Unix seconds)."""

    digest: str
    number: int
    total: int
    content_type: str
    etag: str
    last_modified: str
    at: float
    v: int = 1


class Handle:
    """An open file, closed when nobody refers to it any more: what is being sent outlives its eviction."""

    __slots__ = ("fd",)

    def __init__(self, path: Path, flags: int = os.O_RDWR) -> None:
        """:raises OSError: if it can't be opened."""
        self.fd = os.open(path, flags | os.O_CLOEXEC, 0o600)

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError, OSError):
            os.close(self.fd)


@dataclass(slots=True)
class Bucket:
    """A bucket's file and what is known of its blocks. Bit n of `present` and `checked` is block n of the bucket."""

    path: Path
    digest: str
    number: int
    representation: Representation
    at: float
    salt: int
    present: int = 0
    checked: int = 0
    used_at: float = 0.0
    # Fills that may add to it. While there are any it counts with all that it can come to, and stays.
    writers: int = 0
    is_unclaimed: bool = False
    is_dropped: bool = False
    checksums: list[int] = field(default_factory=lambda: [0] * BUCKET_BLOCKS)

    @property
    def first_block(self) -> int:
        """The number, in the object, of its first block."""
        return self.number * BUCKET_BLOCKS

    @property
    def capacity_bytes(self) -> int:
        """What its file can come to."""
        return DATA_OFFSET + min(BUCKET_BYTES, self.representation.total - self.number * BUCKET_BYTES)

    @property
    def charged_bytes(self) -> int:
        """What it counts with: what its file takes, holes left out, or what was promised to those who write."""
        if self.writers:
            return self.capacity_bytes
        return DATA_OFFSET + sum(self.block_bytes(n) for n in range(BUCKET_BLOCKS) if self.present >> n & 1)

    @property
    def is_complete(self) -> bool:
        """Whether every block is there."""
        return all(self.present >> n & 1 for n in range(BUCKET_BLOCKS) if self.block_bytes(n))

    def block_bytes(self, n: int) -> int:
        """The length of its block `n`."""
        start = (self.first_block + n) * BLOCK_BYTES
        return max(0, min(BLOCK_BYTES, self.representation.total - start))

    def offset(self, position: int) -> int:
        """Where in the file byte `position` of the object stands."""
        return DATA_OFFSET + position - self.number * BUCKET_BYTES


def create(path: Path, digest: str, number: int, representation: Representation, at: float) -> Bucket:
    """Make a bucket's file, empty.

    :raises OSError: if there is no room for it, or the file is there.
    :raises ValueError: if its head is too long, or holds what is no text.
    """
    head = codec.encode(
        {
            "digest": digest,
            "number": number,
            "total": representation.total,
            "content_type": _plain(representation.content_type),
            "etag": _plain(representation.etag),
            "last_modified": _plain(representation.last_modified),
            "at": at,
        }
    )
    if len(head) > _MAX_HEAD_BYTES:
        raise ValueError("the head of this bucket is too long")
    salt = zlib.crc32(head)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = Handle(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    page = (_PREAMBLE.pack(_MAGIC, len(head), salt) + head).ljust(DATA_OFFSET, b"\0")
    try:
        _write(handle.fd, page, 0)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return Bucket(path, digest, number, representation, at, salt)


def load(path: Path) -> Bucket | None:
    """The bucket in a file that an earlier process left, its blocks not checked yet; None if it is none of ours.

    :raises OSError: if it can't be read.
    """
    handle = Handle(path, os.O_RDONLY)
    page = os.pread(handle.fd, DATA_OFFSET, 0)
    status = os.fstat(handle.fd)
    if len(page) < DATA_OFFSET:
        return None
    magic, length, salt = _PREAMBLE.unpack_from(page)
    raw = page[_PREAMBLE.size : _PREAMBLE.size + length]
    if magic != _MAGIC or length > _MAX_HEAD_BYTES or zlib.crc32(raw) != salt:
        return None
    try:
        head = codec.decode_as(Head, raw)
    except codec.MalformedError:
        return None
    if not path.name.startswith(f"{head.digest}-{head.number}-") or head.number * BUCKET_BYTES >= head.total:
        return None
    representation = Representation(head.total, head.content_type, head.etag, head.last_modified)
    bucket = Bucket(path, head.digest, head.number, representation, head.at, salt, used_at=status.st_mtime)
    for n in range(BUCKET_BLOCKS):
        checksum, check = _ENTRY.unpack_from(page, _TABLE_OFFSET + n * _ENTRY.size)
        is_whole = status.st_size >= DATA_OFFSET + n * BLOCK_BYTES + bucket.block_bytes(n)
        if check and check == _check(bucket, n, checksum) and is_whole and bucket.block_bytes(n):
            bucket.present |= 1 << n
            bucket.checksums[n] = checksum
    return bucket


def write_blocks(handle: Handle, bucket: Bucket, blocks: Mapping[int, memoryview]) -> dict[int, int]:
    """Write blocks of `bucket` by number, then their entries. Answers their checksums; the caller marks them present.

    :raises OSError: if they could not be written whole; then they are not there.
    """
    for n, data in blocks.items():
        _write(handle.fd, data, DATA_OFFSET + n * BLOCK_BYTES)
    checksums = {n: zlib.crc32(data) for n, data in blocks.items()}
    for n, checksum in checksums.items():
        _write(handle.fd, _ENTRY.pack(checksum, _check(bucket, n, checksum)), _TABLE_OFFSET + n * _ENTRY.size)
    return checksums


def is_sound(handle: Handle, bucket: Bucket, n: int) -> bool:
    """Whether block `n` is what was written.

    :raises OSError: if it can't be read.
    """
    data = os.pread(handle.fd, bucket.block_bytes(n), DATA_OFFSET + n * BLOCK_BYTES)
    return len(data) == bucket.block_bytes(n) and zlib.crc32(data) == bucket.checksums[n]


def file_name(digest: str, number: int, nonce: str) -> str:
    """The name of a bucket's file. A nonce keeps the removal of an old file from meeting a new one."""
    return f"{digest}-{number}-{nonce}{SUFFIX}"


def _plain(text: str) -> str:
    if not text.isascii():
        raise ValueError("a header of this object is no text")
    return text


def _check(bucket: Bucket, n: int, checksum: int) -> int:
    # Never 0, which stands for a block that is not there.
    return zlib.crc32(struct.pack(">III", bucket.salt, n, checksum)) or 1


def _write(fd: int, data: memoryview | bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, offset)
        view, offset = view[written:], offset + written
