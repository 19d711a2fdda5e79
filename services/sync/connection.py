"""One socket as its room sees it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from services.common.errors import CloseCode
from services.common.identity import Identity
from services.sync import metrics
from services.sync.limits import Limits
from services.sync.outbox import Outbox


class Transport(Protocol):
    """The socket below, where the server gives it (`services.common.websocket`)."""

    def abort(self) -> None: ...


@dataclass(slots=True, eq=False)
class Connection:
    """A member's socket. `id` is minted by the server, one per socket; `heard_at` is monotonic seconds."""

    id: str
    room: str
    identity: Identity
    limits: Limits
    transport: Transport | None
    heard_at: float
    outbox: Outbox = field(default_factory=Outbox)
    is_hidden: bool = False
    commands: int = 0
    close_code: int | None = None
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    def send(self, frame: str) -> None:
        """Queue an event. Never waits."""
        metrics.FRAMES.inc()
        if not self.outbox.put(frame):
            metrics.SLOW.labels("snapshot").inc()

    def answer(self, frame: str) -> None:
        """Queue an answer to what this member said. Who only asks and never reads is closed as too slow."""
        metrics.FRAMES.inc()
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
