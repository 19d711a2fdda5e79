"""A person's playlist, and what they do with it: pure."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from services.common.errors import Refused
from services.common.guard import parse_url
from services.common.keys import url_digest
from services.common.wire.models import QueueItem
from services.common.wire.rest import NewPlaylistItem, Playlist, PlaylistItem, PlaylistSummary

MOST_ITEMS: Final = 500
Change = Callable[[Playlist], Playlist]
# A picture through our own proxy; an address elsewhere would tell that site who looks.
_OWN_PICTURES: Final = "/api/proxy?"


@dataclass(frozen=True, slots=True)
class Adding:
    """Who adds a playlist to a queue, and when (Unix seconds). `lend`: their cookies may serve its items there."""

    by: str
    at: float
    lend: bool = False


def created(name: str, items: Iterable[NewPlaylistItem], now: float) -> Playlist:
    """A new playlist. `now`: Unix seconds.

    :raises Refused: as `extended`; `malformed` if nothing is left of the name.
    """
    empty = Playlist(id=secrets.token_hex(6), name=_name(name), created_at=now, updated_at=now)
    return extended(empty, items, now)


def renamed(playlist: Playlist, name: str, now: float) -> Playlist:
    """:raises Refused: `malformed` if nothing is left of the name."""
    return replace(playlist, name=_name(name), updated_at=now)


def extended(playlist: Playlist, items: Iterable[NewPlaylistItem], now: float) -> Playlist:
    """`playlist` with more links at its end.

    :raises Refused: `bad_url` or `refused_target` for what is no link, `playlist_full` beyond 500.
    """
    more = [_made(item, now) for item in items]
    if len(playlist.items) + len(more) > MOST_ITEMS:
        raise Refused("playlist_full", f"A playlist holds {MOST_ITEMS} links.")
    return replace(playlist, items=[*playlist.items, *more], updated_at=now)


def reordered(playlist: Playlist, order: Sequence[str], now: float) -> Playlist:
    """`playlist` in a new order: what `order` does not name keeps its own at the end."""
    by_id = {item.id: item for item in playlist.items}
    named = [by_id.pop(each) for each in dict.fromkeys(order) if each in by_id]
    return replace(playlist, items=[*named, *by_id.values()], updated_at=now)


def without(playlist: Playlist, item: str, now: float) -> Playlist:
    """`playlist` without an item; repeating it changes nothing."""
    return replace(playlist, items=[each for each in playlist.items if each.id != item], updated_at=now)


def described(playlist: Playlist, item: str, details: NewPlaylistItem, now: float) -> Playlist:
    """`playlist` with what was learnt of one of its links.

    :raises Refused: `not_found` if that is gone, `malformed` if the details are another link's.
    """
    known = next((each for each in playlist.items if each.id == item), None)
    if known is None:
        raise Refused("not_found", "That is not in the playlist any more.")
    if details.url.strip() != known.url:
        raise Refused("malformed", "These are the details of another link.")
    fresh = replace(_made(details, known.added_at), id=known.id)
    items = [fresh if each.id == item else each for each in playlist.items]
    return replace(playlist, items=items, updated_at=now)


def summary(playlist: Playlist) -> PlaylistSummary:
    """What the list of playlists tells of one."""
    return PlaylistSummary(
        id=playlist.id,
        name=playlist.name,
        count=len(playlist.items),
        duration=sum(item.duration for item in playlist.items),
        thumbnail=next((item.thumbnail for item in playlist.items if item.thumbnail), ""),
        updated_at=playlist.updated_at,
    )


def queued(playlist: Playlist, first_id: str, adding: Adding) -> list[QueueItem]:
    """A playlist's links as items of a queue, the first under `first_id`; a repeat gives the same ids.

    The first is resolved at once, the others count as ready: each is opened when its turn comes.

    :raises Refused: `playlist_empty`.
    """
    if not playlist.items:
        raise Refused("playlist_empty", "There is nothing in this playlist yet.")
    return [
        QueueItem(
            id=first_id if number == 0 else url_digest(f"{first_id}/{number}")[:12],
            url=item.url,
            title=item.title,
            thumbnail=item.thumbnail,
            duration=item.duration,
            added_by=adding.by,
            added_at=adding.at,
            status="resolving" if number == 0 else "ready",
            lenders=[adding.by] if adding.lend else [],
        )
        for number, item in enumerate(playlist.items)
    ]


def _made(item: NewPlaylistItem, now: float) -> PlaylistItem:
    url = item.url.strip()
    if not url.isprintable():
        raise Refused("bad_url", "That is not a link.")
    parse_url(url)
    return PlaylistItem(
        id=secrets.token_hex(5),
        url=url,
        title=_line(item.title) or url[:200],
        thumbnail=item.thumbnail if item.thumbnail.startswith(_OWN_PICTURES) else "",
        duration=item.duration,
        added_at=now,
    )


def _name(name: str) -> str:
    shown = _line(name)
    if not shown:
        raise Refused("malformed", "A playlist needs a name.")
    return shown


def _line(text: str) -> str:
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())
