from __future__ import annotations

import asyncio
import time
from pathlib import Path

from services.proxy.blocks import BLOCK_BYTES, Representation, object_digest
from services.proxy.catalogue import Catalogue
from services.proxy.disk import Disk
from services.proxy.memory import CacheKey, Memory
from tests.support.shelf import blob

KEY = CacheKey("public", "film")
OLD = Representation(3 * BLOCK_BYTES, "video/mp4", '"old"')
NEW = Representation(3 * BLOCK_BYTES, "video/mp4", '"new"')


async def test_disk_answers_alone_for_the_generation_that_it_holds(tmp_path: Path) -> None:
    disk = Disk(tmp_path, 1 << 30)
    await disk.start()
    try:
        bucket = await disk.claim(object_digest(*KEY), 0, OLD)
        assert bucket is not None
        assert await disk.write(bucket, {0: memoryview(blob(0, BLOCK_BYTES))})
        disk.release(bucket)
        catalogue = Catalogue(Memory(0), disk, time.monotonic)
        known = catalogue.of(KEY)
        [piece] = catalogue.extents(KEY, OLD, 0, 1000) or []
        assert piece.count == 1000
        # As where a fill of the old one has put a block here, while another was told of already.
        known.representation = NEW
        assert catalogue.extents(KEY, NEW, 0, 1000) is None
    finally:
        await asyncio.to_thread(disk.close)
