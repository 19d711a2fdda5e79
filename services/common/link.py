"""A bare connection to a Redis server: commands out, every reply handed over as it comes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import hiredis

from services.common.tls import Tls, context_of
from services.common.topology import Address


class Link(asyncio.Protocol):
    """Bytes to replies; replies to `on_reply`. `lost` is done when the connection has ended, whoever ended it."""

    def __init__(self, on_reply: Callable[[Any], None]) -> None:
        self._reader = hiredis.Reader()
        self._on_reply = on_reply
        self._transport: asyncio.Transport | None = None
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            while (reply := self._reader.gets()) is not False:
                self._on_reply(reply)
        except hiredis.ProtocolError:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.lost.done():
            self.lost.set_result(None)

    @property
    def is_closing(self) -> bool:
        """Whether what is sent now goes nowhere."""
        return self._transport is None or self._transport.is_closing()

    def send(self, *command: str | bytes) -> None:
        """Queue one command. On a connection that is ending it goes nowhere, of which `lost` will tell."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(hiredis.pack_command(command))  # type: ignore[arg-type]  # its stub says 1-tuple

    def abort(self) -> None:
        """End the connection now, whatever is still unsent."""
        if self._transport is not None:
            self._transport.abort()


async def dial(
    address: Address,
    on_reply: Callable[[Any], None],
    *,
    tls: Tls | None,
    username: str,
    password: str,
    has_pushes: bool = False,
) -> Link:
    """Connect and send AUTH if there is a password; its reply goes to `on_reply` first.

    With `has_pushes` HELLO is sent in any case, and what is published comes as a `hiredis.PushNotification`, so that
    commands may be given on a connection that subscribes, too.

    :raises OSError: if nobody listens there.
    """
    loop = asyncio.get_running_loop()
    if address.path:
        _, link = await loop.create_unix_connection(lambda: Link(on_reply), address.path)
    else:
        context = None if tls is None else context_of(tls)
        _, link = await loop.create_connection(lambda: Link(on_reply), address.host, address.port, ssl=context)
    if has_pushes:
        who = [b"AUTH", (username or "default").encode(), password.encode()] if password else []
        link.send(b"HELLO", b"3", *who)
    elif password:
        user = [username.encode()] if username else []
        link.send(b"AUTH", *user, password.encode())
    return link


@contextlib.asynccontextmanager
async def dialled(
    address: Address, on_reply: Callable[[Any], None], *, tls: Tls | None, username: str, password: str
) -> AsyncIterator[Link]:
    """`dial`, and the connection's end."""
    link = await dial(address, on_reply, tls=tls, username=username, password=password)
    try:
        yield link
    finally:
        link.abort()


async def ask(address: Address, *command: bytes, tls: Tls | None, username: str, password: str) -> Any:
    """The reply to one command on a connection of its own; no deadline.

    :raises OSError: if there is no connection, or it ends before the reply.
    :raises hiredis.ReplyError: if the server refuses.
    """
    replies: list[Any] = []
    wanted = 2 if password else 1
    answered = asyncio.get_running_loop().create_future()

    def take(reply: Any) -> None:
        replies.append(reply)
        if not answered.done() and (len(replies) == wanted or isinstance(reply, hiredis.ReplyError)):
            answered.set_result(reply)

    async with dialled(address, take, tls=tls, username=username, password=password) as link:
        link.send(*command)
        await asyncio.wait((answered, link.lost), return_when="FIRST_COMPLETED")
    if not answered.done():
        raise ConnectionResetError(f"{address} closed the connection")
    if isinstance(reply := answered.result(), hiredis.ReplyError):
        raise reply
    return reply
