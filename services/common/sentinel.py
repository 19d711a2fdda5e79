"""Redis under Sentinel: who is the master now, and leaving the old one at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Final

import hiredis
import structlog
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from services.common.link import ask, dialled
from services.common.pool import Pool, ServerConnection, TlsServerConnection, credentials, retrying
from services.common.topology import Address, Topology

log = structlog.get_logger()

# How long a sentinel may take to say who is the master: they answer from memory.
ASK_TIMEOUT_S: Final = 0.5
_SILENT_S: Final = 3.0
_PING_S: Final = 1.0
_AGAIN_S: Final = 0.3
_SWITCH: Final = b"+switch-master"


class Sentinels:
    """The sentinels of one service. `on_change` callbacks are called when the master is another than before."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._service = topology.service.encode()
        self._master: Address | None = None
        self._callbacks: list[Callable[[], None]] = []
        self._watching: list[asyncio.Task[None]] = []

    def on_change(self, callback: Callable[[], None]) -> None:
        """Have `callback` called after each change of the master."""
        self._callbacks.append(callback)

    async def locate(self) -> Address:
        """The master that most of them agree on; of two answers, the later election's.

        Asks all at once and waits for a majority, so that a hung sentinel costs nothing. Begins to watch.

        :raises ConnectionError: if none of them knows.
        """
        self._watch()
        asking = [asyncio.create_task(self._ask(address)) for address in self._topology.addresses]
        known: list[tuple[int, Address]] = []
        try:
            for answer in asyncio.as_completed(asking):
                with contextlib.suppress(OSError, TimeoutError, hiredis.HiredisError, ValueError, KeyError):
                    known.append(await answer)
                if len(known) > len(asking) // 2:
                    break
        finally:
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
        if not known:
            raise ConnectionError(f"no sentinel knows the master of {self._topology.service}")
        self._learn(max(known)[1])
        return max(known)[1]

    async def aclose(self) -> None:
        """Stop watching."""
        watching, self._watching = self._watching, []
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)

    async def _ask(self, address: Address) -> tuple[int, Address]:
        async with asyncio.timeout(ASK_TIMEOUT_S):
            flat = await ask(address, b"SENTINEL", b"MASTER", self._service, **self._credentials())
        found = dict(zip(flat[::2], flat[1::2], strict=True))
        return int(found[b"config-epoch"]), Address(found[b"ip"].decode(), int(found[b"port"]))

    def _credentials(self) -> dict[str, Any]:
        topology = self._topology
        return {
            "tls": topology.tls,
            "username": topology.sentinel_username,
            "password": topology.sentinel_password,
        }

    def _learn(self, master: Address) -> None:
        before, self._master = self._master, master
        if before is not None and before != master:
            log.warning("master_switched", service=self._topology.service, before=str(before), now=str(master))
            for callback in self._callbacks:
                callback()

    def _watch(self) -> None:
        if not self._watching:
            self._watching = [asyncio.create_task(self._follow(address)) for address in self._topology.addresses]

    async def _follow(self, address: Address) -> None:
        while True:
            with contextlib.suppress(OSError, TimeoutError):
                await self._listen(address)
            await asyncio.sleep(_AGAIN_S)

    async def _listen(self, address: Address) -> None:
        """Hear one sentinel's announcements until it falls silent or closes."""
        clock = asyncio.get_running_loop()
        heard_at = clock.time()
        looking: set[asyncio.Task[Any]] = set()

        def hear(reply: Any) -> None:
            nonlocal heard_at
            heard_at = clock.time()
            match reply:
                case [b"message", _, bytes(news)]:
                    self._switch(news.split())
                case [b"subscribe", _, _]:
                    # What it announced before is not said again.
                    looking.add(asyncio.create_task(self._look()))
                case hiredis.ReplyError():
                    log.warning("sentinel_refused", address=str(address), error=str(reply))
                case _:
                    pass

        try:
            async with contextlib.AsyncExitStack() as stack:
                async with asyncio.timeout(ASK_TIMEOUT_S):
                    link = await stack.enter_async_context(dialled(address, hear, **self._credentials()))
                link.send(b"SUBSCRIBE", _SWITCH)
                while not link.lost.done() and clock.time() - heard_at < _SILENT_S:
                    link.send(b"PING")
                    await asyncio.wait((link.lost,), timeout=_PING_S)
        finally:
            for task in looking:
                task.cancel()

    def _switch(self, news: list[bytes]) -> None:
        match news:
            case [self._service, _, _, host, port]:
                self._learn(Address(host.decode(), int(port)))
            case _:
                pass

    async def _look(self) -> None:
        with contextlib.suppress(OSError):
            await self.locate()


class MasterConnection(ServerConnection):
    """Goes to whoever is the master when it connects, and makes sure that it is one."""

    def __init__(self, *, sentinels: Sentinels, **options: Any) -> None:
        self._sentinels = sentinels
        super().__init__(**options)

    async def _connect(self) -> None:
        try:
            master = await self._sentinels.locate()
        except OSError as error:
            raise RedisConnectionError(str(error)) from error
        self.host, self.port = master.host, master.port
        await super()._connect()

    async def on_connect(self) -> None:
        await super().on_connect()
        await self.send_command("ROLE", check_health=False)
        role = (await self.read_response())[0]
        if role not in (b"master", "master"):
            raise RedisConnectionError(f"{self.host}:{self.port} is not the master")


class TlsMasterConnection(MasterConnection, TlsServerConnection):
    """The same over TLS."""


class SentinelRedis(Redis):
    """A client of the master of a Sentinel service. When another becomes master, every connection is dropped."""

    def __init__(self, topology: Topology, *, max_connections: int) -> None:
        self.sentinels = Sentinels(topology)
        options = credentials(topology) | retrying()
        options["connection_class"] = TlsMasterConnection if topology.tls else MasterConnection
        pool = Pool(max_connections=max_connections, sentinels=self.sentinels, **options)
        super().__init__(connection_pool=pool)
        self.auto_close_connection_pool = True
        self.sentinels.on_change(pool.abort)

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Close connections and stop watching."""
        await self.sentinels.aclose()
        await super().aclose(close_connection_pool)
