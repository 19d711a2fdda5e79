"""The room's Lua scripts, one file each, behind one prelude."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final, Literal

from msgspec.structs import fields

from services.common.wire.models import Permissions

ScriptName = Literal[
    "advance",
    "bans",
    "catchup",
    "chat",
    "delete",
    "grant",
    "hold",
    "join",
    "leave",
    "playback",
    "queue_add",
    "queue_clear",
    "queue_extend",
    "queue_lend",
    "queue_play",
    "queue_remove",
    "queue_reorder",
    "queue_retry",
    "queue_vote",
    "react",
    "reanchor",
    "reap",
    "refresh",
    "release",
    "rename",
    "resolved",
    "send_out",
    "set_role",
    "settings",
    "snapshot",
    "summary",
    "unban",
    "undo",
    "window",
]

_FOLDER: Final = files("services.common.room") / "scripts"


@cache
def source(name: ScriptName) -> str:
    """The Lua text of a script, prelude included."""
    prelude = (_FOLDER / "prelude.lua").read_text(encoding="utf-8")
    return _least() + prelude + (_FOLDER / f"{name}.lua").read_text(encoding="utf-8")


def _least() -> str:
    """LEAST: the role that each permission asks for until a room's settings say another."""
    roles = ", ".join(f"{permission.name} = '{permission.default}'" for permission in fields(Permissions))
    return f"local LEAST = {{{roles}}}\n"
