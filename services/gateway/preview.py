"""What a room's link tells a messenger that unfurls it: Open Graph tags, escaped."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Final

from services.common.net import Caller
from services.common.room.snapshot import RoomRecord, for_strangers
from services.common.wire.models import QueueItem

SITE: Final = "Watch Together"
# Of the build; square, so that messengers draw it small.
ICON: Final = "/icon-512.png"
_NAMED: Final = 3


def of_landing(caller: Caller) -> str:
    """Tags of the page where nobody is in a room yet."""
    return _tags(caller, "/", SITE, "Watch any video with friends, in time with each other.")


def of_room(room: str, record: RoomRecord | None, caller: Caller) -> str:
    """Tags of a room's link. Of an unknown room, and of one with a password, no more than an invitation."""
    current: QueueItem | None = None
    names: list[str] = []
    if record is not None and not record.settings.has_password:
        current = for_strangers(record.items.get(record.item_id))
        names = [member.name for member in record.members.values()]
    title = f"Watch {current.title} together" if current else "Watch together"
    return _tags(caller, f"/room/{room}", title, who_is_there(names), current.thumbnail if current else "")


def _tags(caller: Caller, path: str, title: str, description: str, picture: str = "") -> str:
    base = f"{caller.scheme}://{caller.host}"
    named = {
        "og:type": "website",
        "og:site_name": SITE,
        "og:url": base + path,
        "og:title": title,
        "og:description": description,
        "og:image": picture if picture and not picture.startswith("/") else base + (picture or ICON),
    }
    card = {"twitter:card": "summary_large_image" if picture else "summary"}
    return "\n".join([*_metas("property", named), *_metas("name", card)])


def _metas(attribute: str, tags: Mapping[str, str]) -> list[str]:
    return [f'<meta {attribute}="{name}" content="{escape(value)}" />' for name, value in tags.items()]


def who_is_there(names: list[str]) -> str:
    """A sentence: "Ana, Ben and 2 others are there."."""
    if not names:
        return "Come in and bring your friends."
    if len(names) == 1:
        return f"{names[0]} is there."
    others = len(names) - _NAMED
    if others > 0:
        return f"{', '.join(names[:_NAMED])} and {others} {'other' if others == 1 else 'others'} are there."
    return f"{', '.join(names[:-1])} and {names[-1]} are there."
