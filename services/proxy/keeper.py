"""Writes the blocks that a fill brings into buckets."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from services.proxy.blocks import Representation, bucket_of
from services.proxy.bucket import Bucket
from services.proxy.disk import Disk


class DiskKeeper:
    """One fill's blocks, bucket by bucket. `close` it at the end."""

    def __init__(self, disk: Disk, digest: str, representation: Representation) -> None:
        self._disk = disk
        self._digest = digest
        self._representation = representation
        self._bucket: Bucket | None = None
        self._is_closed = False

    async def keep(self, blocks: Mapping[int, memoryview]) -> bool:
        for number, group in itertools.groupby(blocks.items(), lambda item: bucket_of(item[0])):
            if not await self._keep(number, dict(group)):
                return False
        return True

    async def _keep(self, number: int, blocks: Mapping[int, memoryview]) -> bool:
        if self._bucket is None or self._bucket.number != number:
            self._release()
            bucket = await self._disk.claim(self._digest, number, self._representation)
            if self._is_closed:
                # The fill would not wait for it any longer.
                if bucket is not None:
                    self._disk.release(bucket)
                return False
            self._bucket = bucket
        return self._bucket is not None and await self._disk.write(self._bucket, blocks)

    def close(self) -> None:
        self._is_closed = True
        self._release()

    def _release(self) -> None:
        if self._bucket is not None:
            self._disk.release(self._bucket)
            self._bucket = None
