"""What another node's answers mean, before one that gives them all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from services.common.errors import Refused, Unavailable
from services.common.keyring import KeyRing
from services.proxy.members import Node
from services.proxy.peers import CODE, TIMEOUTS, PeerGoneError, Peers, Seals
from services.proxy.upstream import Upstream


@pytest.fixture
async def other() -> AsyncIterator[tuple[Peers, Node]]:
    """Peers, and a node that answers the status and the code which it is asked for as `url`."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        status, code = (await reader.readuntil(b"\r\n\r\n")).split()[1].partition(b"url=")[2].split(b".")
        writer.write(b"HTTP/1.1 %b Whatever\r\nContent-Length: 0\r\n%b: %b\r\n\r\n" % (status, CODE.encode(), code))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    link = Upstream(None, TIMEOUTS)
    await link.start()
    host, port = server.sockets[0].getsockname()
    yield Peers(Seals(KeyRing(("a secret of unit tests",))), link, time.time), Node("other", f"{host}:{port}", "ipv4")
    await link.close()
    server.close()


@pytest.mark.parametrize(
    ("told", "kind", "code"),
    [
        # Found out about the object: so it is.
        ("404.not_found", Refused, "not_found"),
        ("400.is_manifest", Refused, "is_manifest"),
        ("400.not_held", Refused, "not_held"),
        ("502.upstream_failed", Unavailable, "upstream_failed"),
        ("504.upstream_late", Unavailable, "upstream_late"),
        ("503.unavailable", Unavailable, "unavailable"),
        # Thought of the request, by other settings, another clock, or without what we know of the stream: we go on.
        ("403.private_address", Unavailable, "unavailable"),
        ("403.refused_target", Unavailable, "unavailable"),
        ("403.expired_signature", Unavailable, "unavailable"),
    ],
)
async def test_only_what_a_node_finds_out_is_told_on(
    other: tuple[Peers, Node], told: str, kind: type[Exception], code: str
) -> None:
    peers, node = other
    with pytest.raises(kind) as failed:
        await peers.open(node, f"url={told}", None)
    assert getattr(failed.value, "code", "") == code


async def test_a_node_with_other_secrets_is_none_of_ours_for_now(other: tuple[Peers, Node]) -> None:
    peers, node = other
    with pytest.raises(PeerGoneError):
        await peers.open(node, "url=403.bad_signature", None)
