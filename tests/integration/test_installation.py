"""The supervisor, started as a process: order, restarts, ends, and what survives them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.support.installation import Installation, lives
from tests.support.node import ROOT
from tests.support.redis import RedisServer

LINK = "https://media.example/clip.mp4"


def make_room(url: str) -> str:
    """A room with one item."""
    made = httpx.post(f"{url}/api/rooms", json={"url": LINK}, timeout=10)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def queue(url: str, room: str) -> list[str]:
    """The links of a room's queue."""
    answer = httpx.get(f"{url}/api/rooms/{room}", timeout=10)
    assert answer.status_code == 200, answer.text
    return [item["url"] for item in answer.json()["queue"]]


def eventually(holds: Callable[[], bool], timeout_s: float = 20.0) -> bool:
    """Whether `holds` comes true in time."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            if holds():
                return True
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    return False


def test_ctrl_c_ends_everything_and_the_next_start_finds_the_rooms(tmp_path: Path) -> None:
    with Installation(tmp_path / "data") as installation:
        room = make_room(installation.url())
        children = installation.children()
        assert set(children) == {"valkey", "resolver-1", "replica-1"}
        begun = time.monotonic()
        assert installation.stop() == 0
        assert time.monotonic() - begun < 12
        assert not [name for name, pid in children.items() if lives(pid)]
        secret = (tmp_path / "data" / "secret").read_text()
        assert (tmp_path / "data" / "secret").stat().st_mode & 0o077 == 0
        installation.start()
        assert queue(installation.url(), room) == [LINK]
        assert (tmp_path / "data" / "secret").read_text() == secret
        assert installation.stop(signal.SIGTERM) == 0


def test_a_room_survives_a_power_cut(tmp_path: Path) -> None:
    with Installation(tmp_path / "data") as installation:
        room = make_room(installation.url())
        installation.kill_everything()
        installation.start()
        assert queue(installation.url(), room) == [LINK]


def test_a_killed_child_is_started_again_and_the_others_go_on(tmp_path: Path) -> None:
    with Installation(tmp_path / "data", replicas=2) as installation:
        before = installation.children()
        assert set(before) == {"valkey", "resolver-1", "replica-1", "replica-2", "spreader"}
        room = make_room(installation.shared_url)
        os.kill(before["replica-1"], signal.SIGKILL)
        # The shared address answers all the while.
        assert all(queue(installation.shared_url, room) == [LINK] for _ in range(10))
        installation.wait_for_child("replica-1", other_than=before["replica-1"])
        assert eventually(lambda: queue(installation.url(0), room) == [LINK])
        os.kill(before["valkey"], signal.SIGKILL)
        installation.wait_for_child("valkey", other_than=before["valkey"])
        assert eventually(lambda: queue(installation.url(1), room) == [LINK])
        after = installation.children()
        assert {name for name in before if before[name] != after.get(name)} == {"replica-1", "valkey"}
        assert installation.stop() == 0


def test_children_do_not_outlive_a_killed_supervisor(tmp_path: Path) -> None:
    with Installation(tmp_path / "data") as installation:
        room = make_room(installation.url())
        children = installation.children()
        assert installation.process is not None
        installation.process.kill()
        installation.process.wait()
        # Whoever starts again at once need not wait for them.
        installation.start()
        assert queue(installation.url(), room) == [LINK]
        assert eventually(lambda: not [pid for pid in children.values() if lives(pid)])


def run(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """The command, until it ends by itself."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WT_")}
    return subprocess.run(
        [sys.executable, "-m", "services", *arguments],
        cwd=ROOT,
        env={**kept, "WT_DATA_DIR": str(folder), **settings},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_taken_port_is_named_with_a_way_out(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        ended = run(tmp_path / "data", WT_PORT=str(port))
    assert ended.returncode == 3
    assert f"port {port} is taken" in ended.stderr
    assert "make up PORT=" in ended.stderr


def test_wrong_settings_are_all_named_before_anything_starts(tmp_path: Path) -> None:
    ended = run(tmp_path / "data", WT_PORT="x", WT_HEARTBEAT_S="-1", WT_RESOLVER_CONCURRENCY="0")
    assert ended.returncode == 2
    for name in ("WT_PORT", "WT_HEARTBEAT_S", "WT_RESOLVER_CONCURRENCY"):
        assert name in ended.stderr
    assert not (tmp_path / "data").exists()


def test_a_service_that_can_never_start_ends_the_start_with_its_reason(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ended = run(tmp_path / "data", WT_PORT=str(port), WT_SECRET="too short")
    assert ended.returncode == 1
    assert "a secret needs at least 16 characters" in ended.stderr


def test_the_effective_settings_are_printed_without_secrets(tmp_path: Path) -> None:
    ended = run(tmp_path / "data", "--check-config", WT_SECRET="x" * 32, WT_PORT="8123")
    assert ended.returncode == 0
    assert "WT_PORT=8123" in ended.stdout
    assert "WT_HEARTBEAT_S=5.0" in ended.stdout
    assert "x" * 32 not in ended.stdout


@pytest.mark.parametrize("count", ["0", "33", "x"])
def test_a_number_of_replicas_that_is_none_is_refused(tmp_path: Path, count: str) -> None:
    assert run(tmp_path / "data", "--replicas", count).returncode == 2


def test_two_installations_do_not_share_one_folder(tmp_path: Path) -> None:
    with Installation(tmp_path / "data"):
        second = Installation(tmp_path / "data")
        ended = run(tmp_path / "data", WT_PORT=str(second.first_port))
        assert ended.returncode == 4
        assert "already runs" in ended.stderr


def test_a_redis_of_ones_own_takes_the_place_of_the_embedded_one(tmp_path: Path, redis_server: RedisServer) -> None:
    settings = {"WT_REDIS_URL": redis_server.url, "WT_KEY_PREFIX": f"t{tmp_path.name}"}
    with Installation(tmp_path / "data", settings=settings) as installation:
        assert set(installation.children()) == {"resolver-1", "replica-1"}
        assert queue(installation.url(), make_room(installation.url())) == [LINK]
        assert not (tmp_path / "data" / "redis").exists()
