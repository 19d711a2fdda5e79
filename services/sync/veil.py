"""What guests see in place of members' e-mail addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from services.common import codec


class Veil:
    """Replaces the e-mails of everybody who was seen in a room, wherever a frame names one as a whole value."""

    def __init__(self, alias: Callable[[str], str]) -> None:
        self._alias = alias
        self._aliases: dict[str, str] = {}
        self._members: dict[str, str] = {}

    def learn(self, members: Iterable[str]) -> None:
        """Remember the e-mails among member ids; those who have left stay covered."""
        for member in members:
            if "@" in member:
                quoted = codec.encode_text(member)
                if quoted not in self._aliases:
                    alias = self._alias(member)
                    self._aliases[quoted] = codec.encode_text(alias)
                    self._members[alias] = member

    def reveal(self, member: str) -> str:
        """The member whom a guest calls so."""
        return self._members.get(member, member)

    def cover(self, frame: str) -> str:
        """The frame for a guest."""
        for email, alias in self._aliases.items():
            frame = frame.replace(email, alias)
        return frame
