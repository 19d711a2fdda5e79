"""The rendered workloads as pods, from our images, as podman plays them. `make test-compose` runs it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest

from services import __version__
from tests.support.kubelet import Kubelet, missing, run
from tests.support.kubernetes import render
from tests.support.node import ROOT

BUILD_S = 1500
READY_S = 90
OURS = ("gateway", "sync", "resolver", "proxy")

pytestmark = [pytest.mark.skipif(bool(missing()), reason=missing()), pytest.mark.timeout(BUILD_S + READY_S)]


@pytest.fixture(scope="module")
def pods() -> Iterator[Kubelet]:
    run("make", "-C", str(ROOT), "--silent", "images", "ENGINE=podman", "BUILD_FLAGS=--network=host", timeout_s=BUILD_S)
    kubelet = Kubelet(render("overlays/local"))
    try:
        kubelet.play()
        yield kubelet
    finally:
        kubelet.stop()


def ready(pods: Kubelet, workload: str) -> httpx.Response:
    """A workload's last word on whether it is ready, within the time that a probe would give it."""
    deadline = time.monotonic() + READY_S
    while True:
        try:
            answer = httpx.get(f"http://127.0.0.1:{pods.ports[workload, 'admin']}/readyz", timeout=2)
        except httpx.HTTPError:
            answer = httpx.Response(503, text="no answer")
        if answer.status_code == 200 or time.monotonic() > deadline:
            return answer
        time.sleep(0.2)


@pytest.mark.parametrize("workload", OURS)
def test_a_rendered_workload_becomes_ready(pods: Kubelet, workload: str) -> None:
    answer = ready(pods, workload)
    assert answer.status_code == 200, answer.text + pods.logs(workload)[-3000:]


@pytest.mark.parametrize("workload", OURS)
def test_a_container_has_no_rights_and_a_root_that_nobody_writes(pods: Kubelet, workload: str) -> None:
    assert ready(pods, workload).status_code == 200
    user, refusal = pods.execute(workload, "sh", "-c", "id -u; touch /app/x 2>&1 || true").strip().splitlines()
    assert user == "10001"
    assert "Read-only file system" in refusal
    status = pods.execute(workload, "cat", "/proc/1/status")
    assert "CapEff:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status


@pytest.mark.parametrize("service", ["gateway", "sync"])
def test_an_image_adds_little_to_its_base(pods: Kubelet, service: str) -> None:
    def size(image: str) -> int:
        return int(run("podman", "image", "inspect", "--format", "{{.Size}}", image))

    added = size(f"watch-together/{service}:{__version__}") - size("docker.io/library/python:3.13-slim-bookworm")
    assert added <= 120 * 1000**2


def test_the_gateway_serves_the_page_and_keeps_a_room_in_redis(pods: Kubelet) -> None:
    assert ready(pods, "gateway").status_code == 200
    with httpx.Client(base_url=f"http://127.0.0.1:{pods.ports['gateway', 'http']}", timeout=10) as client:
        assert "text/html" in client.get("/").headers["content-type"]
        made = client.post("/api/rooms", json={"name": "Film"})
        assert made.status_code == 201, made.text
    told = pods.execute("redis", "sh", "-c", 'REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli dbsize')
    assert int(told) > 0
