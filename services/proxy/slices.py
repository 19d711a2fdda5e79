"""Parts of files, and how they are read without holding up the loop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.proxy.bucket import Handle

MAX_HANDLES: Final = 256
# The room that reads in the loop take at a time.
READ_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class FileSlice:
    """`count` bytes of a file from `offset` on, every one of them checked."""

    handle: Handle
    offset: int
    count: int

    def __len__(self) -> int:
        return self.count


class Handles:
    """Open files, the least recently used closed first."""

    def __init__(self) -> None:
        self._open: OrderedDict[Path, Handle] = OrderedDict()

    def get(self, path: Path) -> Handle:
        """The file under `path`.

        :raises OSError: if it can't be opened.
        """
        handle = self._open.get(path)
        if handle is not None:
            self._open.move_to_end(path)
            return handle
        handle = self._open[path] = Handle(path)
        if len(self._open) > MAX_HANDLES:
            self._open.popitem(last=False)
        return handle

    def discard(self, path: Path) -> None:
        """Let go of one; who reads it reads on."""
        self._open.pop(path, None)

    def clear(self) -> None:
        """Let go of all."""
        self._open.clear()


async def read_slice(piece: FileSlice, at: int) -> bytes:
    """Some bytes of a slice from its byte `at` on: without a thread where the system has them in memory.

    :raises OSError: if they can't be read.
    """
    count = min(READ_BYTES, piece.count - at)
    buffer = bytearray(count)
    try:
        size = os.preadv(piece.handle.fd, [buffer], piece.offset + at, os.RWF_NOWAIT)
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EOPNOTSUPP):
            raise
        return await asyncio.to_thread(os.pread, piece.handle.fd, count, piece.offset + at)
    return bytes(memoryview(buffer)[:size])


async def read_whole(piece: FileSlice) -> bytes:
    """All bytes of a slice.

    :raises OSError: if they can't be read.
    """
    body = bytearray()
    while len(body) < piece.count:
        chunk = await read_slice(piece, len(body))
        if not chunk:
            raise OSError("the file ends early")
        body += chunk
    return bytes(body)


async def warm(piece: FileSlice, at: int, count: int) -> None:
    """Have the system read bytes of a slice into its memory, unless they are there: sending would wait for them."""
    probe = bytearray(1)
    try:
        for position in (*range(at, at + count, READ_BYTES), at + count - 1):
            os.preadv(piece.handle.fd, [probe], piece.offset + position, os.RWF_NOWAIT)
    except OSError:
        with contextlib.suppress(OSError):
            await asyncio.to_thread(os.pread, piece.handle.fd, count, piece.offset + at)
