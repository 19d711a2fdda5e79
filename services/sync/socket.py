"""`WS /ws/{room_id}`: one task reads, one writes; neither waits for the other, nor for anything slow."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from typing import Final, get_args
from urllib.parse import parse_qs

import structlog
from msgspec import structs
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from services.common import codec
from services.common.errors import CLOSE_CODES, Broken, CloseCode, Refused, Unavailable, WatchTogetherError
from services.common.identity import Identities, Identity
from services.common.keys import is_room_id
from services.common.net import Caller, TrustedProxies, origin_allowed
from services.common.playlists import Playlists
from services.common.room.runner import unavailable
from services.common.room.store import RoomStore
from services.common.websocket import EXTENSION
from services.common.wire import client, server
from services.sync import commands, metrics
from services.sync.addresses import Addresses
from services.sync.clock import RoomClock
from services.sync.config import SyncSettings
from services.sync.connection import Connection
from services.sync.hosted import HostedRoom
from services.sync.hub import Hub
from services.sync.limits import AddressSockets, Limits
from services.sync.outbox import Mark
from services.sync.players import Players

log = structlog.get_logger()

MOST_TEXT_BYTES: Final = 32 * 1024
# So many frames in a row that are no messages end the connection.
_MISUSE_LIMIT: Final = 20
_CLOSE_TIMEOUT_S: Final = 2.0
_READING_PAUSE_S: Final = 0.005
_KNOWN_TYPES: Final = frozenset(shape.__struct_config__.tag for shape in get_args(client.AnyClientMessage))
# Nothing becomes necessary by these: to look through the queue after each costs more than a long queue's worth.
_CHANGE_NO_ITEM: Final = frozenset(("play", "pause", "seek", "set_rate", "chat", "react", "rename"))

_OF_A_MEMBER: Final = (client.SetRole, client.Kick, client.Ban)

# Told about every other applied command, to see to what it made necessary.
Changed = Callable[[HostedRoom], None]


class SocketEndpoint:
    """Takes sockets of any room."""

    def __init__(
        self,
        settings: SyncSettings,
        identities: Identities,
        proxies: TrustedProxies,
        hub: Hub,
        store: RoomStore,
        playlists: Playlists,
        clock: RoomClock,
        players: Players,
        addresses: Addresses,
        on_changed: Changed,
    ) -> None:
        self._settings = settings
        self._identities = identities
        self._proxies = proxies
        self._hub = hub
        self._store = store
        self._playlists = playlists
        self._clock = clock
        self._players = players
        self._addresses = addresses
        self._on_changed = on_changed
        self._by_address = AddressSockets(settings.address_sockets_max)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket from handshake to close."""
        await receive()
        headers = Headers(scope=scope)
        caller = self._proxies.caller(scope)
        if not origin_allowed(headers.get("origin"), caller, self._settings):
            # Before accepting: the browser of a foreign page gets 403 and learns nothing.
            await send({"type": "websocket.close", "code": 1008})
            return
        with contextlib.ExitStack() as place:
            try:
                place.enter_context(self._by_address.hold(caller.address))
            except Refused as refusal:
                await send({"type": "websocket.accept"})
                await self._refuse(send, refusal)
                return
            await self._take_in(scope, headers, caller, receive, send)

    async def _take_in(self, scope: Scope, headers: Headers, caller: Caller, receive: Receive, send: Send) -> None:
        try:
            identity, cookie = await self._identify(scope, headers, caller)
            room = self._room_id(scope["path"])
            address = await self._addresses.digest(caller.address)
        except WatchTogetherError as error:
            await send({"type": "websocket.accept"})
            await self._refuse(send, error)
            return
        accept_headers = [(b"set-cookie", cookie.encode())] if cookie else []
        await send({"type": "websocket.accept", "headers": accept_headers})
        connection = Connection(
            id=secrets.token_hex(8),
            room=room,
            identity=identity,
            limits=Limits(),
            transport=scope.get("extensions", {}).get(EXTENSION),
            heard_at=self._clock.monotonic(),
            address=address,
        )
        with structlog.contextvars.bound_contextvars(room=room, connection=connection.id):
            await self._serve(connection, receive, send)

    async def _identify(self, scope: Scope, headers: Headers, caller: Caller) -> tuple[Identity, str | None]:
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        name = query.get("name", [None])[0]
        return await self._identities.identify(headers, name=name, secure=caller.is_secure)

    def _room_id(self, path: str) -> str:
        room = path.removeprefix("/ws/")
        if not is_room_id(room):
            raise Refused("bad_room_id", "A room's name has 1 to 64 letters, digits, - or _.")
        return room

    async def _refuse(self, send: Send, error: WatchTogetherError) -> None:
        frame = server.Error(code=error.code, message=error.message, retry_after_ms=error.retry_after_ms)
        await send({"type": "websocket.send", "text": codec.encode_text(frame)})
        code = CLOSE_CODES.get(error.code, CloseCode.RESTARTING)
        metrics.CLOSES.labels(str(code)).inc()
        await send({"type": "websocket.close", "code": code, "reason": error.code})

    async def _serve(self, connection: Connection, receive: Receive, send: Send) -> None:
        try:
            room = await self._hub.join(connection)
        except (Refused, Unavailable) as error:
            await self._refuse(send, error)
            return
        said_goodbye = False
        try:
            said_goodbye = await self._converse(connection, room, receive, send)
        finally:
            self._players.left(room, connection)
            await asyncio.shield(self._hub.leave(connection, self._grace_s(said_goodbye=said_goodbye)))

    def _grace_s(self, *, said_goodbye: bool) -> float | None:
        if said_goodbye:
            return self._settings.closed_grace_s
        # Who is sent away because this replica ends has the whole of their lease to come back in.
        return None if self._hub.is_draining else self._settings.dropped_grace_s

    async def _converse(self, connection: Connection, room: HostedRoom, receive: Receive, send: Send) -> bool:
        """Read and write until either side ends it. Whether the peer closed it on purpose."""
        reader = asyncio.create_task(self._read(connection, room, receive))
        writer = asyncio.create_task(self._write(connection, room, send))
        closing = asyncio.create_task(connection.closing.wait())
        try:
            await asyncio.wait((reader, writer, closing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reader, writer, closing):
                task.cancel()
            if connection.flushing is not None:
                connection.flushing.cancel()
            outcomes = await asyncio.gather(reader, writer, closing, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                log.error("socket_failed", exc_info=outcome)
        if connection.close_code is not None:
            await self._close(connection, send)
        return outcomes[0] is True

    async def _close(self, connection: Connection, send: Send) -> None:
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await send({"type": "websocket.close", "code": connection.close_code})
        except TimeoutError:
            if connection.transport is not None:
                connection.transport.abort()

    async def _write(self, connection: Connection, room: HostedRoom, send: Send) -> None:
        while True:
            frame = await connection.outbox.take()
            if frame is Mark.SNAPSHOT and room.pending is not None:
                # The room is being read, perhaps for long: what it says now would be older than what is about to come.
                # Answers don't wait for that.
                connection.outbox.put_snapshot()
                answer = connection.outbox.take_answer()
                if answer is None:
                    await asyncio.sleep(_READING_PAUSE_S)
                    continue
                frame = answer
            elif frame is Mark.SNAPSHOT:
                frame = room.state_for(connection, self._clock.now(room.id))
            try:
                async with asyncio.timeout(self._settings.unwritable_s):
                    await send({"type": "websocket.send", "text": frame})
            except TimeoutError:
                metrics.SLOW.labels("aborted").inc()
                if connection.transport is not None:
                    connection.transport.abort()
                return
            except OSError:
                # The peer is gone; `_read` hears how.
                return

    async def _read(self, connection: Connection, room: HostedRoom, receive: Receive) -> bool:
        """Take frames until the peer is gone. Whether it closed on purpose."""
        misuse = 0
        while True:
            event = await receive()
            if event["type"] == "websocket.disconnect":
                return event.get("code") in (1000, 1001)
            connection.heard_at = now = self._clock.monotonic()
            misuse = 0 if await self._take(connection, room, event.get("text"), now) else misuse + 1
            if misuse >= _MISUSE_LIMIT:
                connection.close(CloseCode.MISUSE)

    async def _take(self, connection: Connection, room: HostedRoom, text: str | None, now: float) -> bool:
        """Handle one frame. False if it was no message at all."""
        if text is None:
            self._complain(connection, "malformed", "Messages are JSON text.")
            return False
        if len(text) > MOST_TEXT_BYTES:
            self._complain(connection, "too_large", f"A message has at most {MOST_TEXT_BYTES} bytes.")
            return False
        message = client.read(text)
        if message is None:
            return self._refuse_frame(connection, text)
        wait_ms = connection.limits.take(commands.limit_of(message), now)
        if wait_ms:
            words = "That was too fast."
            self._complain(connection, "too_many_requests", words, getattr(message, "id", None), retry_after_ms=wait_ms)
            return True
        match message:
            case client.Clock():
                reply = server.ClockReply(client_time=message.client_time, server_time=self._clock.now(room.id))
                connection.answer(codec.encode_text(reply))
            case client.Resync():
                connection.outbox.put_snapshot()
            case client.Status():
                self._players.report(room, connection, message)
            case client.Pong():
                pass
            case _:
                await self._command(connection, room, message, now)
        return True

    def _refuse_frame(self, connection: Connection, text: str) -> bool:
        """Say what is wrong with a frame. False if it is not even an object."""
        try:
            raw = codec.decode(text)
        except codec.MalformedError:
            self._complain(connection, "malformed", "That is not JSON (NaN and Infinity are not).")
            return False
        try:
            client.parse(raw)
        except codec.MalformedError as error:
            self._complain(connection, _code_of(raw), str(error), _id_of(raw))
        else:
            self._complain(connection, "invalid", "That is no message.", _id_of(raw))
        return isinstance(raw, dict)

    async def _command(self, connection: Connection, room: HostedRoom, command: client.AnyCommand, now: float) -> None:
        seeks = connection.seeks
        if not isinstance(command, client.Seek):
            # What was wished before goes before.
            if (batch := seeks.flush(now)) is not None:
                await self._run(connection, room, batch.seek, batch.superseded)
            await self._run(connection, room, command)
        elif (batch := seeks.take(command, now)) is not None:
            await self._run(connection, room, batch.seek, batch.superseded)
        else:
            self._flush_later(connection, room)

    def _flush_later(self, connection: Connection, room: HostedRoom) -> None:
        due_at = connection.seeks.due_at
        if connection.flushing is not None or due_at is None:
            return

        async def flush() -> None:
            await asyncio.sleep(max(0.0, due_at - self._clock.monotonic()))
            connection.flushing = None
            if (batch := connection.seeks.flush(self._clock.monotonic())) is not None:
                await self._run(connection, room, batch.seek, batch.superseded)

        connection.flushing = asyncio.create_task(flush())

    async def _run(
        self, connection: Connection, room: HostedRoom, command: client.AnyCommand, superseded: tuple[str, ...] = ()
    ) -> None:
        """Apply a command, and give its answer to the seeks that it replaces, too."""
        ids = (*superseded, command.id)
        if isinstance(command, _OF_A_MEMBER):
            command = structs.replace(command, member=room.veil.reveal(command.member))
        kind = str(type(command).__struct_config__.tag)
        outcome = "applied"
        try:
            if not room.is_reachable:
                # At once, and never sent: whoever has been told that changes wait must not wait for the answer.
                raise unavailable()
            begun = self._clock.monotonic()
            try:
                version = await commands.run(
                    self._store, self._playlists, connection, command, superseded, blind=room.blind
                )
            finally:
                metrics.COMMAND_SECONDS.observe(self._clock.monotonic() - begun)
        except (Refused, Unavailable, Broken) as error:
            if isinstance(error, Broken):
                # Not the socket's end: the page would come back, and say the same again.
                log.exception("command_broken", command=kind)
                error = Broken(error.code, "Something is wrong on our side.")
            outcome = error.code
            for id_ in ids:
                self._complain(connection, error.code, error.message, id_, retry_after_ms=error.retry_after_ms)
        else:
            for id_ in ids:
                if id_ is not None:
                    connection.answer(codec.encode_text(server.Ack(id=id_, version=version)))
            if isinstance(command, client.Ended):
                room.finished = command.item_id
            if isinstance(command, client.Rename):
                connection.identity = Identity(
                    connection.identity.id, command.name, connection.identity.is_guest, connection.identity.email
                )
            if kind not in _CHANGE_NO_ITEM:
                self._on_changed(room)
        metrics.COMMANDS.add(kind, outcome)

    def _complain(
        self,
        connection: Connection,
        code: str,
        message: str,
        id: str | None = None,
        *,
        retry_after_ms: int | None = None,
    ) -> None:
        error = server.Error(code=code, message=message, id=id, retry_after_ms=retry_after_ms)
        connection.answer(codec.encode_text(error))


def _code_of(raw: object) -> str:
    if not isinstance(raw, dict):
        return "malformed"
    kind = raw.get("type")
    return "invalid" if isinstance(kind, str) and kind in _KNOWN_TYPES else "unknown_type"


def _id_of(raw: object) -> str | None:
    found = raw.get("id") if isinstance(raw, dict) else None
    return found if isinstance(found, str) and len(found) <= 64 else None
