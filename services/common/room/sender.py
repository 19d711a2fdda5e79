"""Who a command comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Sender:
    """Who a command comes from. `command` is its id, by which a repeat is known; '' applies it every time."""

    member: str
    connection: str = ""
    command: str = ""


# The room itself, which may do anything.
SYSTEM: Final = Sender("")
