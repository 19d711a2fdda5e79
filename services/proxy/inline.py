"""An answer that no upstream gives: the text that stands in a stream's own context."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import Final

from services.common.guard import Target

STATUS: Final = 200


class InlineAnswer:
    """A whole text, as an upstream would send it."""

    def __init__(self, text: str, target: Target) -> None:
        self._body = text.encode()
        self.status = STATUS
        self.target = target
        self.headers: Mapping[str, str] = {
            "Content-Length": str(len(self._body)),
            # Two openings of a page may bring two texts: they are two generations of one object.
            "ETag": f'"{hashlib.blake2b(self._body, digest_size=12).hexdigest()}"',
        }

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body."""
        yield self._body

    def release(self) -> None:
        """Nothing is held."""
