"""Several ranges in one answer: multipart/byteranges (RFC 9110 §14.6)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from services.proxy.ranges import ContentRange


@dataclass(frozen=True, slots=True)
class Multipart:
    """The frame around parts of an object; `parts` are (text before the bytes, start, stop)."""

    boundary: str
    parts: tuple[tuple[bytes, int, int], ...]
    end: bytes

    @property
    def content_type(self) -> str:
        return f"multipart/byteranges; boundary={self.boundary}"

    @property
    def length(self) -> int:
        """The length of the whole body."""
        return sum(len(text) + stop - start for text, start, stop in self.parts) + len(self.end)


def frame(spans: tuple[tuple[int, int], ...], total: int, content_type: str) -> Multipart:
    """Frame `spans` of an object of `total` bytes."""
    boundary = secrets.token_hex(12)
    parts: list[tuple[bytes, int, int]] = []
    for start, stop in spans:
        lines = (
            "" if not parts else "\r\n",
            f"--{boundary}\r\nContent-Type: {content_type}\r\n",
            f"Content-Range: {ContentRange(start, stop, total).header}\r\n\r\n",
        )
        parts.append(("".join(lines).encode("latin-1", "replace"), start, stop))
    return Multipart(boundary, tuple(parts), f"\r\n--{boundary}--\r\n".encode())
