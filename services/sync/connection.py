"""One socket as its room sees it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from services.common.errors import CloseCode
from services.common.identity import Identity
from services.common.wire.models import MemberStatus
from services.sync import metrics
from services.sync.limits import Limits
from services.sync.outbox import Outbox
from services.sync.seeks import Seeks


class Transport(Protocol):
    """The socket below, where the server gives it (`services.common.websocket`)."""

    def abort(self) -> None: ...

    def write_text(self, text: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class PlayerReport:
    """What a socket's player said last. `dry_since` is monotonic seconds; `ready_for` is the item it could play.

    `is_told`: it said anything yet. `is_asked`: the room was asked to wait for this dryness; `is_excused`: it declined.
    """

    status: MemberStatus = MemberStatus(state="ready")
    dry_since: float | None = None
    ready_for: str = ""
    is_told: bool = False
    is_asked: bool = False
    is_excused: bool = False


@dataclass(slots=True, eq=False)
class Connection:
    """A member's socket. `id` is minted by the server, one per socket; `heard_at` is monotonic seconds."""

    id: str
    room: str
    identity: Identity
    limits: Limits
    transport: Transport | None
    heard_at: float
    # Which address this came from, hashed: what a ban by address holds.
    address: str = ""
    outbox: Outbox = field(default_factory=Outbox, init=False)
    is_hidden: bool = False
    rtt_s: float = 0.0
    player: PlayerReport = PlayerReport()
    seeks: Seeks = field(default_factory=Seeks)
    flushing: asyncio.Task[None] | None = None
    commands: int = 0
    close_code: int | None = None
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        if self.transport is not None:
            self.outbox = Outbox(self.transport.write_text)

    def send(self, frame: str) -> None:
        """Queue an event for this socket alone. Never waits."""
        metrics.FRAMES.add()
        if not self.outbox.put(frame):
            metrics.SLOW.labels("snapshot").inc()

    def answer(self, frame: str) -> None:
        """Queue an answer to what this member said. Who only asks and never reads is closed as too slow."""
        metrics.FRAMES.add()
        if not self.outbox.put_answer(frame):
            self.close(CloseCode.SLOW_CLIENT)

    def close(self, code: int) -> None:
        """Have the socket closed with `code`; the first one counts."""
        if self.close_code is None:
            self.close_code = code
            metrics.CLOSES.labels(str(code)).inc()
            self.closing.set()

    def mint_command(self) -> str:
        """An id for a command that came without one, so that a retry of ours applies it once."""
        self.commands += 1
        return f"~{self.id}.{self.commands}"
