"""One service as a process: its two sides, and its end."""

from __future__ import annotations

import resource
import signal
import time
from pathlib import Path

import httpx
import pytest

from services.common.keys import Keys
from services.common.serving import MOST_DESCRIPTORS
from tests.support.node import Node
from tests.support.redis import RedisServer


def gateway(redis_server: RedisServer, keys: Keys, log: Path, **settings: str) -> Node:
    """A gateway that has not been started."""
    own = {"WT_REDIS_URL": redis_server.url, "WT_KEY_PREFIX": keys.prefix, "WT_WEB_DIR": str(log.parent)}
    return Node("services.gateway", log, settings={**own, **settings})


def test_the_operators_side_tells_metrics_and_the_public_side_only_health(
    redis_server: RedisServer, keys: Keys, tmp_path: Path
) -> None:
    with gateway(redis_server, keys, tmp_path / "log") as node:
        assert httpx.get(f"{node.url}/api/config").status_code == 200
        assert httpx.get(f"{node.url}/api/rooms/none").status_code == 404
        for side in (node.url, node.admin_url):
            assert httpx.get(f"{side}/healthz").json() == {"alive": True}
            ready = httpx.get(f"{side}/readyz")
            assert (ready.status_code, ready.json()["checks"]["rooms_redis"]) == (200, "ok")
        metrics = httpx.get(f"{node.admin_url}/metrics").text
        assert 'wt_http_requests_total{route="/api/rooms/{room}",service="gateway",status="4xx"} 1.0' in metrics
        assert 'wt_build_info{service="gateway"' in metrics
        assert "wt_loop_lag_seconds_count" in metrics
        assert 'wt_redis_round_trip_seconds_count{role="rooms"}' in metrics
        assert httpx.get(f"{node.url}/metrics").headers["content-type"] != "text/plain; version=0.0.4; charset=utf-8"


def test_a_draining_process_answers_on_and_says_that_it_is_not_ready(
    redis_server: RedisServer, keys: Keys, tmp_path: Path
) -> None:
    with gateway(redis_server, keys, tmp_path / "log", WT_DRAIN_S="3") as node:
        assert node.process is not None
        begun = time.monotonic()
        node.process.terminate()
        time.sleep(0.7)
        ready = httpx.get(f"{node.url}/readyz")
        assert (ready.status_code, ready.json()["checks"]["draining"]) == (503, "failing")
        assert httpx.get(f"{node.url}/api/config").status_code == 200
        assert httpx.get(f"{node.url}/healthz").status_code == 200
        assert node.process.wait(15) == 0
        assert time.monotonic() - begun > 2.5
        assert "Traceback" not in node.log.read_text()


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_the_draining_at_once(
    redis_server: RedisServer, keys: Keys, tmp_path: Path, second: signal.Signals
) -> None:
    with gateway(redis_server, keys, tmp_path / "log", WT_DRAIN_S="60") as node:
        assert node.process is not None
        node.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert node.process.poll() is None
        node.process.send_signal(second)
        assert node.process.wait(10) == 0


def test_a_taken_port_is_told_in_one_line(redis_server: RedisServer, keys: Keys, tmp_path: Path) -> None:
    with gateway(redis_server, keys, tmp_path / "log") as node:
        other = gateway(redis_server, keys, tmp_path / "other", WT_PORT=str(node.port))
        with pytest.raises(RuntimeError, match="cannot listen on"):
            other.start()
        assert "Traceback" not in other.log.read_text()


def test_a_missing_secret_is_told_with_the_command_that_makes_one(
    redis_server: RedisServer, keys: Keys, tmp_path: Path
) -> None:
    node = gateway(redis_server, keys, tmp_path / "log", WT_SECRET="")
    with pytest.raises(RuntimeError, match="openssl rand -hex 32"):
        node.start()


def test_a_process_takes_as_many_descriptors_as_it_may(redis_server: RedisServer, keys: Keys, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    settings = {"WT_REDIS_URL": redis_server.url, "WT_KEY_PREFIX": keys.prefix}
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))
    try:
        with Node("services.proxy", tmp_path / "log", settings=settings) as node:
            assert node.process is not None
            limits = Path(f"/proc/{node.process.pid}/limits").read_text(encoding="utf-8")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    found = next(line for line in limits.splitlines() if line.startswith("Max open files")).split()
    assert found[3] == str(min(hard, MOST_DESCRIPTORS) if hard != resource.RLIM_INFINITY else MOST_DESCRIPTORS)
