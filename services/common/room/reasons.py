"""What a room says when it says no, in words for people, by code."""

from __future__ import annotations

from typing import Final

MOST_ITEMS: Final = 500
MOST_MEMBERS: Final = 200

REASONS: Final[dict[str, str]] = {
    "nothing_playing": "Nothing is playing yet.",
    "live": "A live stream goes at its own speed, and can be sought in only where its pictures have dates.",
    "no_such_item": "That item is no longer in the queue.",
    "no_such_room": "There is no room of that name.",
    "not_lent": "Their cookies may not serve this item any more.",
    "queue_full": f"The queue is full ({MOST_ITEMS} items).",
    "not_at_end": "The video is not over yet.",
    "nobody_present": "Nobody is in the room.",
    "not_a_member": "You are not in this room.",
    "forbidden": "You may not do that in this room.",
    "room_full": "This room is full.",
    "too_many_bans": "So many are banned from this room that no more can be.",
    "no_such_ban": "That ban was lifted already.",
    "banned": "You are banned from this room.",
    "locked": "This room is locked: nobody new comes in.",
    "password_required": "This room has a password.",
    "no_such_member": "They are not in this room any more.",
    "too_late": "It is too late to undo that.",
    "not_undoable": "That can't be undone.",
    "not_waiting": "The room does not wait for this.",
    "excused": "The room does not wait for somebody who stalls so often.",
    "snapshot_needed": "Too much has happened since.",
}
