"""The room's Lua scripts, one file each, behind one prelude."""

from __future__ import annotations

import re
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
_NAME: Final = re.compile(r"[A-Za-z_]\w*")


@cache
def source(name: ScriptName) -> str:
    """The Lua text of a script, behind what it uses of the prelude.

    Redis runs the whole text for every command: to define what is not used cost more than most scripts do.
    """
    body = _code(_read(name))
    used, needed = set(_NAME.findall(body)), list[str]()
    for definition in reversed(_definitions()):
        if not used.isdisjoint(_defined_by(definition)):
            needed.insert(0, definition)
            used.update(_NAME.findall(definition))
    return "".join((*needed, body))


@cache
def _definitions() -> list[str]:
    """The prelude's definitions in order: each begins in the first column, and uses those before it."""
    found: list[str] = []
    for line in _code(_least() + _read("prelude")).splitlines(keepends=True):
        if line.startswith("local "):
            found.append(line)
        else:
            found[-1] += line
    return found


def _least() -> str:
    """LEAST: the role that each permission asks for until a room's settings say another."""
    roles = ", ".join(f"{permission.name} = '{permission.default}'" for permission in fields(Permissions))
    return f"local LEAST = {{{roles}}}\n"


def _defined_by(definition: str) -> list[str]:
    head = definition.split("\n", 1)[0]
    if head.startswith("local function "):
        return _NAME.findall(head)[2:3]
    return _NAME.findall(head.split("=", 1)[0])[1:]


def _read(name: str) -> str:
    return (_FOLDER / f"{name}.lua").read_text(encoding="utf-8")


def _code(text: str) -> str:
    """Without comments, whose words are no names."""
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if line.strip() and not line.lstrip().startswith("--"))
