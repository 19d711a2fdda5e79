"""What the media origin does wrong on demand."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct


class Faults(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Faults of one answer. All default to off; byte positions count from the start of the file, not of the answer.

    They come from the query (`/clip.mp4?rate=50000`), from a prefix that a manifest's relative links inherit
    (`/with/rate=50000&cut_at=9000/hls/master.m3u8`) or from `Origin.fault`, which leaves the URL as it is.
    """

    rate: int | None = None  # bytes per second
    delay: float = 0.0  # seconds before the status line
    stall_at: int | None = None  # sends up to this byte, then nothing, until the client leaves
    cut_at: int | None = None  # sends up to this byte, then closes, whatever Content-Length promised
    times: int | None = None  # stall, cut, status and location hit only the first so many requests of a URL
    forbid_after: int | None = None  # 403 once the URL was asked for so many times
    forbid_after_bytes: int | None = None  # cut off, then 403, once the URL has delivered so many bytes
    status: int | None = None  # answers this, with a short text
    location: str = ""  # answers a redirect there (302, or `status`)
    type: str = ""  # lies about Content-Type
    etag: str = ""  # the validator of another generation of the file
    no_range: bool = False  # ignores Range: 200 and all of it
    shift_range: bool = False  # its 206 names and sends a range one byte further than asked
    range_parameter: bool = False  # takes a part from the query parameter `range`, and answers 200 with it alone
    no_length: bool = False  # chunked, without Content-Length
    need: list[str] = []  # `Name:value` headers without which it answers 403; an empty value means any
    need_cookie: list[str] = []  # `name=value` cookies without which it answers 403
    need_digest: list[str] = []  # `name=digest` (`signing.digest`) of cookies without which it answers 403
    ends_at: float | None = None  # Unix seconds at which a live playlist is closed
    expire: float | None = None  # Unix seconds; needs a right `sig`; 403 when over
    sig: str = ""
    ip: str = ""  # covered by `sig`: 403 for any other client address


def parse(pairs: Iterable[tuple[str, str]]) -> Faults:
    """Faults of query parameters; those with other names (a player's own) are not ours and are left out.

    :raises ValueError: if a value has the wrong type.
    """
    values: dict[str, str | list[str]] = {}
    for name, value in pairs:
        if name in ("need", "need_cookie", "need_digest"):
            values[name] = [*values.get(name, []), value]
        elif name in Faults.__struct_fields__:
            values[name] = value
    try:
        return msgspec.convert(values, Faults, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error


def split_prefix(path: str) -> tuple[str, list[tuple[str, str]]]:
    """A path without its `/with/<query>/` prefixes, and their parameters; both percent-encoded as they came."""
    pairs: list[tuple[str, str]] = []
    while path.startswith("/with/"):
        query, slash, rest = path.removeprefix("/with/").partition("/")
        if not slash:
            break
        pairs += parse_qsl(query, keep_blank_values=True)
        path = f"/{rest}"
    return path, pairs


def merge(*layers: Faults) -> Faults:
    """Later layers win where they say something; needs add up."""
    merged: dict[str, object] = {}
    for layer in layers:
        for name, value in msgspec.structs.asdict(layer).items():
            if isinstance(value, list):
                merged[name] = [*_list(merged.get(name)), *value]
            elif value != getattr(Faults(), name) or name not in merged:
                merged[name] = value
    return msgspec.convert(merged, Faults)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
