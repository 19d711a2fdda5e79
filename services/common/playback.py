"""Where rooms are in their streams, as sync tells proxies: a hint, of which any may be lost."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct

from services.common import codec
from services.common.wire.models import VideoState


class Position(Struct, frozen=True):
    """A room plays, or will play, these streams from `position_s` on."""

    contexts: list[str]
    position_s: float


class Positions(Struct, frozen=True):
    """One message: all that moved since the one before."""

    rooms: list[Position]
    v: int = 1


def encode(positions: Iterable[Position]) -> bytes:
    """A message for `Keys.playback`."""
    return codec.encode(Positions(list(positions)))


def decode(raw: bytes) -> list[Position]:
    """What a message says.

    :raises MalformedError: if it is none of ours.
    """
    return codec.decode_as(Positions, raw).rooms


def contexts_of(video: VideoState) -> list[str]:
    """The stream contexts of a video of which the proxy knows the order of segments."""
    leading = [video.stream_url, video.manifest_url, *(quality.stream_url for quality in video.qualities)]
    found = [parse_qs(urlsplit(url).query).get("c", [""])[0] for url in leading if url]
    return [context for context in dict.fromkeys(found) if context]
