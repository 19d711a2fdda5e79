"""A client's commands until they are answered, by the rules of PROTOCOL.md: pure.

Times are the client's own seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

# A laptop that wakes must not seek the room; a link that was pasted is still wanted a minute later.
PLAYBACK_S: Final = 10.0
OTHERS_S: Final = 90.0
# A fail-over may lose what was just acknowledged: so long it is kept to be said again.
KEPT_S: Final = 10.0
# Unanswered on a line that lives: said again, under the same id.
REPEAT_S: Final = 4.0
PLAYBACK: Final = frozenset({"play", "pause", "seek", "set_rate", "ended"})
LATER: Final = frozenset({"unavailable", "too_many_requests"})


@dataclass(slots=True)
class Command:
    """One command. `version` is what it was applied as; `code` why it was refused; neither: nobody knows."""

    id: str
    kind: str
    fields: dict[str, Any]
    made_at: float
    due_at: float = 0.0
    sent: int = 0
    version: int | None = None
    code: str | None = None
    is_expired: bool = False
    acks: list[int] = field(default_factory=list)

    @property
    def expires_at(self) -> float:
        return self.made_at + (PLAYBACK_S if self.kind in PLAYBACK else OTHERS_S)

    def message(self) -> dict[str, Any]:
        """The frame's content."""
        return {"type": self.kind, "id": self.id, **self.fields}


class CommandBox:
    """Holds commands; `done` are those whose fate is sealed, in the order of that."""

    def __init__(self) -> None:
        self.waiting: dict[str, Command] = {}
        self.kept: dict[str, tuple[Command, float]] = {}
        self.done: list[Command] = []

    def add(self, command: Command) -> None:
        """Take a new one; `due` gives it out."""
        self.waiting[command.id] = command

    def due(self, now: float) -> list[Command]:
        """What is to be sent now, in order. Each is due again when nothing is heard of it."""
        found = [command for command in self.waiting.values() if command.due_at <= now < command.expires_at]
        for command in found:
            command.sent += 1
            command.due_at = now + REPEAT_S
        return found

    def renew(self) -> None:
        """The line is new: everything unanswered is due at once."""
        for command in self.waiting.values():
            command.due_at = 0.0

    def settle(self, id: str, version: int, now: float) -> None:
        """It was applied."""
        command = self.waiting.pop(id, None)
        if command is None:
            return
        command.version = version
        command.acks.append(version)
        self.kept[id] = (command, now + KEPT_S)
        self.done.append(command)

    def refuse(self, id: str, code: str, retry_after_s: float, now: float) -> None:
        """It was refused, for good or for now."""
        command = self.waiting.get(id)
        if command is None:
            return
        if code in LATER:
            command.due_at = now + retry_after_s
            return
        del self.waiting[id]
        command.code = code
        self.done.append(command)

    def reopen(self, version: int, now: float) -> list[Command]:
        """Another Redis history begins at `version`: what it lost waits again, under the same ids."""
        lost = [command for command, until in self.kept.values() if (command.version or 0) > version and now < until]
        self.kept.clear()
        for command in lost:
            self.done.remove(command)
            command.version, command.due_at = None, 0.0
            # What was promised in a history that is lost is void.
            command.acks.clear()
        self.waiting = {command.id: command for command in lost} | self.waiting
        return lost

    def expire(self, now: float) -> list[Command]:
        """Give up on what has waited too long."""
        late = [command for command in self.waiting.values() if command.expires_at <= now]
        for command in late:
            del self.waiting[command.id]
            command.is_expired = True
            self.done.append(command)
        self.kept = {id: entry for id, entry in self.kept.items() if now < entry[1]}
        return late
