"""Connections for commands: how many, how long they wait, how they are dropped."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Iterable
from typing import Any, Final

from redis.asyncio.client import Pipeline
from redis.asyncio.connection import AbstractConnection, Connection, ConnectionPool, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import BusyLoadingError, ReadOnlyError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from services.common.topology import Address, Topology

CONNECT_TIMEOUT_S: Final = 1.0
COMMAND_TIMEOUT_S: Final = 2.0
RETRIES: Final = 4


class ServerConnection(Connection):
    """A connection that can be cut from outside while a command waits on it.

    A server that was demoted says READONLY to writes; then the connection is of no use, and the command is retried on
    another.
    """

    def abort(self) -> None:
        """Cut it: whoever waits on it gets redis-py's `ConnectionError`, and retries."""
        if self._writer is not None:
            self._writer.transport.abort()

    async def _connect(self) -> None:
        try:
            await super()._connect()  # type: ignore[no-untyped-call]
        except OSError as error:
            # Retried, unlike an OSError: a server that starts again is away for a moment.
            raise RedisConnectionError(self._error_message(error)) from error

    async def send_packed_command(self, command: bytes | str | Iterable[bytes], check_health: bool = True) -> None:
        """Write a command, connecting first where that is needed.

        redis-py's own waits by `asyncio.wait_for`, which before Python 3.12 loses a cancellation that comes in the very
        moment in which the bytes are out (python/cpython#86296): a task that asks again and again then never ends.

        :raises redis.exceptions.RedisError: if it can't be written in time.
        """
        if not self.is_connected:
            await self.connect()  # type: ignore[no-untyped-call]
        elif check_health:
            await self.check_health()  # type: ignore[no-untyped-call]
        whole = command.encode() if isinstance(command, str) else command
        try:
            async with asyncio.timeout(self.socket_timeout):
                await self._send_packed_command([whole] if isinstance(whole, bytes) else whole)
        except TimeoutError:
            await self.disconnect(nowait=True)
            raise RedisTimeoutError("Timeout writing to socket") from None
        except OSError as error:
            await self.disconnect(nowait=True)
            raise RedisConnectionError(f"Error while writing to socket: {error}") from error
        except BaseException:
            # Half a command may be out.
            await self.disconnect(nowait=True)
            raise

    async def _send_packed_command(self, command: Iterable[bytes]) -> None:
        try:
            await super()._send_packed_command(command)
        except RuntimeError as error:
            # What uvloop says of a transport that was lost meanwhile; redis-py knows only an OSError to be a loss.
            raise BrokenPipeError(errno.EPIPE, "the connection is lost") from error

    async def read_response(self, *args: Any, **options: Any) -> Any:
        try:
            return await super().read_response(*args, **options)
        except ReadOnlyError as error:
            await self.disconnect()
            raise RedisConnectionError("demoted to a replica") from error


class TlsServerConnection(ServerConnection, SSLConnection):
    """The same over TLS."""


class Transaction(Pipeline):
    """A pipeline that gives its connection back whatever happens while it forgets what it watched.

    redis-py's own keeps it for good when the answer to UNWATCH is late, or whoever waits for that is cancelled.
    """

    async def reset(self) -> None:
        """Forget what was watched and queued, and give the connection back."""
        try:
            await super().reset()  # type: ignore[no-untyped-call]
        except BaseException:
            connection, self.connection = self.connection, None
            if connection is not None:
                await connection.disconnect(nowait=True)
                await self.connection_pool.release(connection)
            raise


class Pool(ConnectionPool):
    """A pool whose users wait for a free connection, and connect beside each other.

    redis-py's own refuses when all are in use, and makes everybody wait behind one that connects to a hung server.
    """

    def __init__(self, *, max_connections: int = 64, **options: Any) -> None:
        super().__init__(max_connections=max_connections, **options)
        self._free = asyncio.Semaphore(max_connections)

    async def get_connection(self, command_name: Any = None, *keys: Any, **options: Any) -> AbstractConnection:
        """A live connection, to be given back with `release`.

        :raises redis.exceptions.ConnectionError: if there is none to be had.
        """
        try:
            async with asyncio.timeout(COMMAND_TIMEOUT_S if self._free.locked() else None):
                await self._free.acquire()
        except TimeoutError:
            raise RedisConnectionError("every connection is in use") from None
        try:
            connection: AbstractConnection = self.get_available_connection()  # type: ignore[no-untyped-call]
        except BaseException:
            self._free.release()
            raise
        try:
            await self.ensure_connection(connection)
        except BaseException:
            await self.release(connection)
            raise
        return connection

    async def release(self, connection: AbstractConnection) -> None:
        """Give a connection back."""
        try:
            await super().release(connection)
        finally:
            self._free.release()

    def abort(self) -> None:
        """Cut every connection: they lead to a server that is not the right one any more."""
        for connection in (*self._available_connections, *self._in_use_connections):
            if isinstance(connection, ServerConnection):
                connection.abort()


def retrying(retries: int = RETRIES) -> dict[str, Any]:
    """Pool options. Scripts are safe to repeat (they carry ids), so lost connections are retried.

    Where nobody listens retries end within about two seconds; then redis-py's own errors reach the adapter.
    """
    return {
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "socket_timeout": COMMAND_TIMEOUT_S,
        "retry": Retry(ExponentialBackoff(cap=0.5, base=0.02), retries=retries),
        "retry_on_error": [RedisConnectionError, RedisTimeoutError, BusyLoadingError],
        "health_check_interval": 15,
    }


def credentials(topology: Topology) -> dict[str, Any]:
    """Pool options: who we are to the servers that hold the data, and whether by TLS."""
    return {
        "connection_class": TlsServerConnection if topology.tls else ServerConnection,
        **(topology.tls.pool_options() if topology.tls else {}),
        "username": topology.username or None,
        "password": topology.password or None,
        "db": topology.db,
    }


def node_pool(address: Address, topology: Topology, *, max_connections: int, retries: int = RETRIES) -> Pool:
    """The pool of one server."""
    return Pool(
        max_connections=max_connections,
        host=address.host,
        port=address.port,
        **credentials(topology),
        **retrying(retries),
    )
