"""A room with sockets on this replica: its mirror, and how frames reach them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from services.common import codec
from services.common.errors import CloseCode
from services.common.room.snapshot import Anchor, RoomRecord
from services.common.tracing import item_span
from services.common.wire.models import MemberStatus, Role, VideoState, You
from services.common.wire.server import Heartbeat, RoomState, Statuses
from services.sync import metrics
from services.sync.connection import Connection
from services.sync.lights import Digest, Lights
from services.sync.mirror import apply, follows, frame_of
from services.sync.veil import Veil

_SENT_OUT: Final = {"kicked": CloseCode.KICKED, "banned": CloseCode.BANNED}


@dataclass(slots=True, eq=False)
class HostedRoom:
    """`pending` holds events that came while the room is being read; None once it is live.

    `wanted` maps an item to when its resolution was last asked for (monotonic seconds) and not answered since, `lent`
    to whose cookies may serve it. `lights` are all members' players as told by all replicas, `reports` what this
    replica has not told yet. `has_dry`: a player here may have run dry.
    """

    record: RoomRecord
    veil: Veil
    # The record's, which is asked for all the time.
    id: str = field(init=False)
    connections: set[Connection] = field(default_factory=set)
    pending: list[bytes] | None = field(default_factory=list)
    wanted: dict[str, float] = field(default_factory=dict)
    lent: dict[str, frozenset[str]] = field(default_factory=dict)
    users: int = 0
    has_dry: bool = False
    lights: Lights = field(default_factory=Lights)
    # As the sockets here were told.
    is_reachable: bool = True
    reports: dict[str, MemberStatus] = field(default_factory=dict)
    # Of which item the room was told what it offers, and when (monotonic seconds).
    window_told: tuple[str, float] = ("", 0.0)
    # Who watched which item at the last look, and where (seconds).
    seen: dict[str, tuple[str, float]] = field(default_factory=dict)
    # The item whose end a member here has seen.
    finished: str = ""
    # Where proxies were told that the room is.
    told_anchor: Anchor | None = None
    # The stream contexts of a video, worked out once.
    contexts: tuple[VideoState | None, list[str]] = (None, [])

    def __post_init__(self) -> None:
        self.id = self.record.id

    @property
    def blind(self) -> list[str]:
        """Members who see no end now: hidden, or with a player that stands."""
        return [member for member, status in self.lights.all().items() if status.state in ("hidden", "stalled")]

    def receive(self, raw: bytes, *, was_held: bool = False) -> str:
        """Take one event from Redis. Answers what became of it: `applied`, `held`, `old` or `gap`.

        A lower version of another Redis history is news (a gap), unless it was held while we read that history.
        """
        if self.pending is not None:
            self.pending.append(raw)
            return "held"
        try:
            event = codec.decode(raw)
            if "version" not in event:
                return self._pass_on(event, raw)
            if event["version"] <= self.record.version and (was_held or event["run"] == self.record.run):
                return "old"
            if not follows(self.record, event):
                return "gap"
            apply(self.record, event)
        except (codec.MalformedError, KeyError, TypeError):
            return "gap"
        self._note(event)
        # Of hundreds of changes to a long queue at once only the first are told: then all wait for a snapshot.
        if any(connection.outbox.takes_events for connection in self.connections):
            self._tell(event, frame_of(self.record, event, raw))
        if event["type"] == "member_left" and event.get("reason") in _SENT_OUT:
            self._send_out(event["email"], _SENT_OUT[event["reason"]])
        return "applied"

    def _tell(self, event: dict[str, Any], frame: str) -> None:
        if event["type"] == "set_video":
            with item_span("set_video", event.get("item_id") or ""):
                self.broadcast(frame)
        else:
            self.broadcast(frame)

    def _note(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "member_joined":
                self.veil.learn(self.record.members)
            case "set_video":
                # Its turn has come: what was asked before that is no reason to wait.
                self.wanted.pop(event["item_id"] or "", None)
            case "queue_update" if event["op"] == "item" and event["item"]["status"] != "resolving":
                # Answered: who tries it again asks anew.
                self.wanted.pop(event["item"]["id"], None)
            case "play" | "seek" if event.get("by"):
                # Moved by somebody: an end that was seen before is to be seen again.
                self.finished = ""
            case _:
                pass

    def _pass_on(self, event: dict[str, Any], raw: bytes) -> str:
        """What changes nothing: reactions, and how members' players are."""
        if event["type"] == "statuses":
            self._light(codec.convert(Digest, event))
        else:
            self.broadcast(raw.decode())
        return "passed"

    def _light(self, digest: Digest) -> None:
        """Tell what a replica's word on some members makes of them."""
        told = self.lights.tell(digest.replica, digest.at, digest.members, digest.gone)
        members = self.record.members
        self.lights.keep(members.__contains__)
        here = {member: status for member, status in told.items() if member in members}
        if here:
            self.broadcast(codec.encode_text(Statuses(members=here)))

    def _send_out(self, member: str, code: int) -> None:
        for connection in self.connections:
            if connection.identity.id == member:
                connection.close(code)

    def begin_reading(self) -> None:
        """Hold events from now on, until `replace`."""
        if self.pending is None:
            self.pending = []

    def replace(self, record: RoomRecord | None) -> bool:
        """Take a fresh snapshot (None: what we have is still right) and the events held since. False on a gap."""
        if record is not None:
            self.record = record
            self.veil.learn(record.members)
        held, self.pending = self.pending or [], None
        return all(self.receive(raw, was_held=True) != "gap" for raw in held)

    def broadcast(self, frame: str) -> None:
        """Queue an event for everybody here. Never waits."""
        veiled: str | None = None
        metrics.FRAMES.add(by=len(self.connections))
        for connection in self.connections:
            theirs = frame
            if connection.identity.is_guest:
                theirs = veiled = self.veil.cover(frame) if veiled is None else veiled
            if not connection.outbox.put(theirs):
                metrics.SLOW.labels("snapshot").inc()

    def beat(self, now: float) -> None:
        """Queue a heartbeat for everybody here."""
        record = self.record
        heartbeat = Heartbeat(
            timestamp=record.anchor.position_at(now),
            is_playing=record.anchor.is_moving,
            server_time=now,
            version=record.version,
            run=record.run,
            rate=record.anchor.rate,
        )
        frame = codec.encode_text(heartbeat)
        for connection in self.connections:
            connection.outbox.put_heartbeat(frame)

    def state_for(self, connection: Connection, now: float) -> str:
        """The whole room as this member may see it."""
        member = self.record.members.get(connection.identity.id)
        role: Role = member.role if member else "member"
        state = RoomState(
            room=self.record.room(now),
            version=self.record.version,
            run=self.record.run,
            server_time=now,
            you=You(
                id=connection.identity.id,
                name=member.name if member else connection.identity.name,
                role=role,
                is_guest=connection.identity.is_guest,
            ),
            chat=list(self.record.chat),
            log=list(self.record.log),
            waiting=self.record.waiting,
            starts_at=self.record.anchor.at if self.record.anchor.is_moving and self.record.anchor.at > now else None,
            statuses=self.lights.all(),
        )
        frame = codec.encode_text(msgspec.to_builtins(state))
        return self.veil.cover(frame) if connection.identity.is_guest else frame
