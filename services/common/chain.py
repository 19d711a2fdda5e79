"""The ways to open a link, in the order they are tried: with one's own cookies, with lent ones, without. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from services.common.wire.models import Attempt, VideoState

PUBLIC: Final = "public"


class Link(Struct, frozen=True, kw_only=True):
    """One way to open a link. `owner` is whose cookies, '' for nobody's; `audience` for whom: '' is the owner alone.

    `scope` is under what its result, its streams and their bytes are kept: `public`, or a name that nobody can guess
    without the cookies' salt, which changes when they do.
    """

    scope: str = PUBLIC
    owner: str = ""
    audience: str = ""


ANONYMOUS: Final = Link()


class Entry(Struct, kw_only=True, frozen=True):
    """One video of a playlist, as the playlist tells of it; it was not opened."""

    url: str
    title: str
    thumbnail: str = ""
    duration: float = 0


class Resolution(Struct, kw_only=True, frozen=True):
    """A flight's result: a video, or the code and sentence of why there is none. Times are Unix seconds.

    `may_mend`: with other cookies, or without any, it might be another one. `attempts`: how each way failed.
    `opened_with`: whose cookies opened it, '' for nobody's. `entries`: what follows the video in a playlist.
    """

    video: VideoState | None = None
    code: str | None = None
    message: str | None = None
    resolved_at: float
    expires_at: float
    may_mend: bool = False
    attempts: list[Attempt] = []
    opened_with: str = ""
    entries: list[Entry] = []
    v: int = 1


def scope_of(salt: str, owner: str, audience: str, digest: str) -> str:
    """The scope of a link (its URL's digest) opened with cookies of generation `salt`, for an audience."""
    return hashlib.blake2b("\n".join((salt, owner, audience, digest)).encode(), digest_size=15).hexdigest()


def audience_of(room: str, item: str) -> str:
    """The people of a room, as far as one item goes."""
    return f"{room}/{item}"


def item_of(audience: str) -> tuple[str, str]:
    """The room and item of an audience; ('', '') for the owner alone."""
    room, _, item = audience.partition("/")
    return room, item


def attempt(link: Link, failure: Resolution) -> Attempt:
    """How one way failed."""
    return Attempt(lender=link.owner, code=failure.code or "", message=failure.message or "")


def goes_on(result: Resolution, rest: Sequence[Link]) -> bool:
    """Whether the next way is tried after this result."""
    return result.video is None and result.may_mend and bool(rest)


def concluded(result: Resolution, attempts: Sequence[Attempt]) -> Resolution:
    """What is told of the last way that was tried, with how each failed where there were several."""
    return replace(result, attempts=list(attempts)) if result.video is None and len(attempts) > 1 else result


def next_way(links: Sequence[Link], known: Sequence[Resolution | None]) -> Link:
    """What must run next, where `known_answer` has none."""
    return next(link for link, result in zip(links, known, strict=True) if result is None)


def known_answer(links: Sequence[Link], known: Sequence[Resolution | None], *, own: bool = False) -> Resolution | None:
    """What the cache already answers: any way's video, else a failure that ends the chain. None: something must run.

    `own`: only what the ways before it can't open is taken from the last one, which is everybody's.
    """
    attempts: list[Attempt] = []
    is_settled = True
    for place, (link, result) in enumerate(zip(links, known, strict=True)):
        if result is None:
            is_settled = False
        elif result.video is not None:
            if is_settled or not own or link.owner:
                return result
        elif is_settled:
            attempts.append(attempt(link, result))
            if not goes_on(result, links[place + 1 :]):
                return concluded(result, attempts)
    return None
