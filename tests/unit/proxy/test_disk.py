from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.proxy import bucket as files
from services.proxy.blocks import BLOCK_BYTES, BUCKET_BYTES, Representation
from services.proxy.disk import Disk
from services.proxy.keeper import DiskKeeper
from services.proxy.slices import read_slice
from tests.support.shelf import blob

FILM = Representation(30_000_000, "video/mp4", '"one"', "")
NAME = "ab" * 16
OTHER = "cd" * 16


def block(number: int, total: int = FILM.total) -> memoryview:
    return memoryview(blob(number * BLOCK_BYTES, min((number + 1) * BLOCK_BYTES, total)))


@asynccontextmanager
async def opened(folder: Path, max_bytes: int = 1 << 30, free_bytes: int = 0) -> AsyncIterator[Disk]:
    disk = Disk(folder, max_bytes, free_bytes=free_bytes)
    await disk.start()
    try:
        yield disk
    finally:
        await asyncio.to_thread(disk.close)


def file_of(folder: Path) -> Path:
    [path] = folder.glob("*/*.bucket")
    return path


async def kept(disk: Disk, name: str, *numbers: int, representation: Representation = FILM) -> bool:
    for number in numbers:
        bucket = await disk.claim(name, number // 40, representation)
        if bucket is None:
            return False
        done = await disk.write(bucket, {number: block(number, representation.total)})
        disk.release(bucket)
        if not done:
            return False
    return True


async def read(disk: Disk, name: str, start: int, stop: int) -> bytes | None:
    found = b""
    while start < stop:
        if not await disk.check(name, start // BLOCK_BYTES):
            return None
        piece = disk.extent(name, start, stop)
        assert piece is not None
        at = 0
        while at < piece.count:
            at += len(chunk := await read_slice(piece, at))
            found += chunk
        start += piece.count
    return found


async def test_what_was_kept_is_read_back_across_blocks_and_buckets(tmp_path: Path) -> None:
    async with opened(tmp_path) as disk:
        assert await kept(disk, NAME, 38, 39, 40, 114)
        start = 38 * BLOCK_BYTES + 5
        assert await read(disk, NAME, start, 41 * BLOCK_BYTES) == blob(start, 41 * BLOCK_BYTES)
        # The last block is a short one.
        assert await read(disk, NAME, 114 * BLOCK_BYTES, FILM.total) == blob(114 * BLOCK_BYTES, FILM.total)
        assert disk.extent(NAME, 37 * BLOCK_BYTES, FILM.total) is None
        assert disk.extent(OTHER, 0, 10) is None


async def test_an_extent_ends_where_a_block_is_missing(tmp_path: Path) -> None:
    async with opened(tmp_path) as disk:
        await kept(disk, NAME, 0, 1, 3)
        piece = disk.extent(NAME, 100, FILM.total)
        assert piece is not None
        assert piece.count == 2 * BLOCK_BYTES - 100


async def test_a_restart_finds_what_was_kept_and_checks_it_before_use(tmp_path: Path) -> None:
    async with opened(tmp_path) as disk:
        await kept(disk, NAME, 0, 1)
        used = disk.used_bytes
    async with opened(tmp_path) as disk:
        assert disk.used_bytes == used
        assert disk.extent(NAME, 0, 10) is None
        assert await disk.check(NAME, 0)
        assert await read(disk, NAME, 0, 10) == blob(0, 10)


async def test_a_block_whose_bytes_went_bad_is_not_there(tmp_path: Path) -> None:
    async with opened(tmp_path) as disk:
        await kept(disk, NAME, 0, 1)
    path = file_of(tmp_path)
    with path.open("r+b") as file:
        file.seek(files.DATA_OFFSET + 1000)
        file.write(b"?")
    async with opened(tmp_path) as disk:
        assert not await disk.check(NAME, 0)
        assert await disk.check(NAME, 1)


@pytest.mark.parametrize("cut", [0, 100, 5000, files.DATA_OFFSET, files.DATA_OFFSET + BLOCK_BYTES - 1])
async def test_a_file_cut_anywhere_leaves_no_wrong_byte(tmp_path: Path, cut: int) -> None:
    async with opened(tmp_path) as disk:
        await kept(disk, NAME, 0)
    path = file_of(tmp_path)
    os.truncate(path, cut)
    async with opened(tmp_path) as disk:
        assert not await disk.check(NAME, 0)
        assert not disk.buckets


@pytest.mark.parametrize("at", [3, 14, 40, 4097, 4101])
async def test_a_head_or_entry_that_was_torn_is_not_believed(tmp_path: Path, at: int) -> None:
    async with opened(tmp_path) as disk:
        await kept(disk, NAME, 0)
    path = file_of(tmp_path)
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 1]))
    async with opened(tmp_path) as disk:
        assert not await disk.check(NAME, 0)


async def test_another_generation_replaces_what_was_kept(tmp_path: Path) -> None:
    async with opened(tmp_path) as disk:
        await kept(disk, NAME, 0, 40)
        newer = Representation(FILM.total, "video/mp4", '"two"')
        assert await kept(disk, NAME, 1, representation=newer)
        assert not disk.holds(NAME, 0)
        assert not disk.holds(NAME, 40)
        stored = disk.stored(NAME)
        assert stored is not None
        assert stored.representation == newer


async def test_the_least_recently_read_bucket_makes_room(tmp_path: Path) -> None:
    room = 2 * (BUCKET_BYTES + files.DATA_OFFSET)
    async with opened(tmp_path, room) as disk:
        await kept(disk, NAME, *range(40))
        await kept(disk, OTHER, *range(40))
        disk.touch(NAME, 0)
        assert await kept(disk, NAME, 40)
        assert disk.holds(NAME, 0)
        assert not disk.holds(OTHER, 0)
        assert disk.used_bytes <= room


async def test_fills_together_never_reserve_more_than_there_is(tmp_path: Path) -> None:
    room = 3 * (BUCKET_BYTES + files.DATA_OFFSET)
    async with opened(tmp_path, room) as disk:
        claims = await asyncio.gather(*(disk.claim(f"{n:032x}", 0, FILM) for n in range(10)))
        assert len([claim for claim in claims if claim is not None]) == 3
        assert disk.used_bytes <= room


async def test_a_disk_below_its_floor_takes_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path, free_bytes=1 << 60) as disk:
        assert not await kept(disk, NAME, 0)
        assert not disk.buckets


async def test_a_folder_that_went_away_fails_nobody(tmp_path: Path) -> None:
    async with opened(tmp_path) as disk:
        await kept(disk, NAME, 0)
        file_of(tmp_path).unlink()
        disk._handles.clear()
        assert disk.extent(NAME, 0, 10) is None
        assert await kept(disk, NAME, 0)
        assert await read(disk, NAME, 0, 10) == blob(0, 10)


async def test_what_is_being_read_outlives_its_eviction(tmp_path: Path) -> None:
    async with opened(tmp_path) as disk:
        await kept(disk, NAME, 0)
        piece = disk.extent(NAME, 0, 1000)
        assert piece is not None
        disk.forget(NAME)
        assert await read_slice(piece, 0) == blob(0, 1000)
        assert disk.used_bytes == 0


async def test_a_validator_that_is_no_text_is_not_kept(tmp_path: Path) -> None:
    async with opened(tmp_path) as disk:
        odd = Representation(FILM.total, "video/mp4", '"\udce9"')
        assert not await kept(disk, NAME, 0, representation=odd)


async def test_a_bucket_that_nothing_was_put_into_is_let_go(tmp_path: Path) -> None:
    async with opened(tmp_path) as disk:
        bucket = await disk.claim(NAME, 0, FILM)
        assert bucket is not None
        disk.release(bucket)
        assert disk.buckets == []
        assert disk.used_bytes == 0


async def test_a_block_that_is_written_after_its_fill_has_left_is_counted(tmp_path: Path) -> None:
    async with opened(tmp_path) as disk:
        assert await kept(disk, NAME, 0)
        bucket = await disk.claim(NAME, 0, FILM)
        assert bucket is not None
        writing = asyncio.create_task(disk.write(bucket, {1: block(1)}))
        await asyncio.sleep(0)
        disk.release(bucket)
        assert await writing
        assert disk.used_bytes == bucket.charged_bytes == files.DATA_OFFSET + 2 * BLOCK_BYTES
        disk.forget(NAME)
        assert disk.used_bytes == 0


async def test_a_fill_that_gives_up_on_a_slow_disk_leaves_nothing_reserved(tmp_path: Path) -> None:
    async with opened(tmp_path) as disk:
        keeper = DiskKeeper(disk, NAME, FILM)
        keeping = asyncio.create_task(keeper.keep({0: block(0)}))
        await asyncio.sleep(0)
        keeper.close()
        assert not await keeping
        assert disk.buckets == []
        assert disk.used_bytes == 0


async def test_blocks_of_two_buckets_are_kept_together(tmp_path: Path) -> None:
    async with opened(tmp_path) as disk:
        keeper = DiskKeeper(disk, NAME, FILM)
        assert await keeper.keep({number: block(number) for number in range(38, 42)})
        keeper.close()
        start, stop = 38 * BLOCK_BYTES, 42 * BLOCK_BYTES
        assert await read(disk, NAME, start, stop) == blob(start, stop)
        used = disk.used_bytes
    async with opened(tmp_path) as disk:
        assert disk.used_bytes == used
        assert await read(disk, NAME, start, stop) == blob(start, stop)
