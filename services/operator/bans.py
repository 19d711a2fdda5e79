"""`bans`: who may not come into a room, and letting them in again."""

from __future__ import annotations

from services.common import codec
from services.common.room.sender import SYSTEM
from services.common.wire.models import Banned
from services.operator.answer import Answer, ago, cut, table
from services.operator.rooms import existing
from services.operator.stores import Stores


async def list_bans(stores: Stores, room: str) -> Answer:
    """Who is banned from a room, the last one first.

    :raises Refused: `no_such_room`, `bad_room_id`.
    """
    await existing(stores, room)
    found = await stores.rooms.bans(room, SYSTEM)
    now = await stores.rooms.masters.time()
    rows = [
        (ban.id, ban.member or "(an address)", cut(ban.name, 40), _held(ban), ban.by or "-", ago(ban.at, now))
        for ban in found
    ]
    data = [{name: value for name, value in codec.to_builtins(ban).items() if name != "can_lift"} for ban in found]
    text = table(("BAN", "PERSON", "NAME", "", "BY", "SET"), rows, f"Nobody is banned from {room}.")
    return Answer({"bans": data}, text)


async def lift(stores: Stores, room: str, ban: str) -> Answer:
    """Let somebody in again, with the addresses of that ban.

    :raises Refused: `no_such_room`, `bad_room_id`, `no_such_ban`.
    """
    await existing(stores, room)
    await stores.rooms.unban(room, SYSTEM, ban)
    return Answer({"lifted": ban, "room": room}, f"Lifted the ban {ban} of the room {room}.")


def _held(ban: Banned) -> str:
    return "with their address" if ban.has_address and ban.member else ""
