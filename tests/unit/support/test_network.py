from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from tests.support.network import FINE, Network, Weather
from tests.support.waiting import until

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def network() -> AsyncIterator[Network]:
    """A network before a server that echoes."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(4096):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    with Network(int(server.sockets[0].getsockname()[1]), seed=1) as between:
        yield between
    server.close()


async def connect(network: Network) -> Stream:
    return await asyncio.open_connection("127.0.0.1", network.port)


async def ask(stream: Stream, data: bytes, timeout_s: float = 5.0) -> bytes:
    """Send and read as much again."""
    stream[1].write(data)
    async with asyncio.timeout(timeout_s):
        return await stream[0].readexactly(len(data))


async def round_trip_s(stream: Stream) -> float:
    began = time.monotonic()
    await ask(stream, b"x")
    return time.monotonic() - began


async def test_in_fine_weather_bytes_pass_unchanged(network: Network) -> None:
    stream = await connect(network)
    sent = bytes(range(256)) * 400
    assert await ask(stream, sent) == sent
    stream[1].close()


async def test_the_end_of_one_side_reaches_the_other(network: Network) -> None:
    reader, writer = await connect(network)
    await ask((reader, writer), b"x")
    writer.write_eof()
    assert await asyncio.wait_for(reader.read(), 5) == b""
    await until(lambda: network.connections == 0)
    writer.close()


async def test_delay_is_added_each_way_and_can_be_changed_while_connected(network: Network) -> None:
    stream = await connect(network)
    assert await round_trip_s(stream) < 0.1
    network.change(delay_s=0.1)
    assert 0.2 <= await round_trip_s(stream) < 0.4
    network.become(FINE)
    assert await round_trip_s(stream) < 0.1
    stream[1].close()


async def test_jitter_varies_the_delay_and_keeps_the_order(network: Network) -> None:
    stream = await connect(network)
    network.change(jitter_s=0.03)
    trips = [await round_trip_s(stream) for _ in range(12)]
    assert max(trips) - min(trips) > 0.005
    for n in range(20):
        stream[1].write(bytes([n]))
        await asyncio.sleep(0.002)
    assert await asyncio.wait_for(stream[0].readexactly(20), 5) == bytes(range(20))
    stream[1].close()


async def test_bandwidth_bounds_how_fast_bytes_pass(network: Network) -> None:
    stream = await connect(network)
    network.change(bytes_per_s=200_000)
    began = time.monotonic()
    await ask(stream, b"x" * 100_000)
    assert 0.4 < time.monotonic() - began < 3
    stream[1].close()


async def test_a_cut_resets_every_open_connection(network: Network) -> None:
    streams = [await connect(network) for _ in range(3)]
    for stream in streams:
        await ask(stream, b"x")
    assert network.cut() == 3
    for reader, writer in streams:
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(), 5)
        writer.close()
    again = await connect(network)
    assert await ask(again, b"back") == b"back"
    again[1].close()


async def test_loss_resets_a_connection_in_use(network: Network) -> None:
    stream = await connect(network)
    network.change(reset_chance=1.0)
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await ask(stream, b"x")
    stream[1].close()


async def test_a_half_open_connection_says_nothing_of_the_other_ends_death(network: Network) -> None:
    near = await connect(network)
    await ask(near, b"x")
    network.freeze()
    near[1].write(b"y")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(near[0].read(1), 0.3)
    network.thaw()
    assert await asyncio.wait_for(near[0].read(1), 5) == b"y"
    near[1].close()


async def test_one_way_can_freeze_alone(network: Network) -> None:
    stream = await connect(network)
    await ask(stream, b"x")
    network.freeze("down")
    stream[1].write(b"heard")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(stream[0].read(1), 0.3)
    network.thaw()
    assert await asyncio.wait_for(stream[0].readexactly(5), 5) == b"heard"
    stream[1].close()


async def test_new_connections_can_be_refused_while_open_ones_live(network: Network) -> None:
    old = await connect(network)
    await ask(old, b"x")
    network.become(Weather(is_refusing=True))
    with pytest.raises(ConnectionResetError):
        await ask(await connect(network), b"x")
    assert await ask(old, b"still") == b"still"
    old[1].close()
