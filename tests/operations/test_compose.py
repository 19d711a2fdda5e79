"""compose.yaml from a clean clone to a room that plays, on a container engine. `make test-compose` runs it."""

from __future__ import annotations

import os
import secrets
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from services.local.ports import lan_address
from tests.support import engine
from tests.support.media import Media
from tests.support.member import Member
from tests.support.node import ROOT, free_port
from tests.support.origin import Origin

BUILD_S = 1500
UP_S = 240
READY_S = 120

pytestmark = [
    pytest.mark.skipif(not engine.compose(), reason="no podman-compose, and no docker compose whose engine answers"),
    pytest.mark.timeout(BUILD_S + UP_S + READY_S),
]


@dataclass(frozen=True, slots=True)
class Project:
    """A clean clone, brought up."""

    folder: Path
    name: str
    environ: dict[str, str]
    url: str

    def compose(self, *arguments: str, timeout_s: float = 120) -> str:
        """Run the compose command. Answers what it printed.

        :raises AssertionError: with what it said, if it fails.
        """
        done = subprocess.run(
            [*engine.compose(), "-p", self.name, *arguments],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
        return done.stdout


@pytest.fixture(scope="module")
def outside(media: Media) -> Iterator[Origin]:
    """The media origin, where containers reach it."""
    host = lan_address()
    if host is None:
        pytest.skip("this machine has no address beside loopback, and containers reach no other")
    with Origin(host=host) as running:
        yield running


@pytest.fixture(scope="module")
def project(outside: Origin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("clone") / "main"
    subprocess.run(["git", "clone", "--quiet", "--depth=1", f"file://{ROOT}", str(folder)], check=True, timeout=60)
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WT_")}
    settings = {"PUBLISH": f"127.0.0.1:{port}", "WT_ALLOWED_PRIVATE_HOSTS": outside.address, "WT_DRAIN_S": "2"}
    name = f"wt-test-{secrets.token_hex(3)}"
    made = Project(folder, name, {**kept, **settings}, f"http://127.0.0.1:{port}")
    made.compose("build", timeout_s=BUILD_S)
    try:
        made.compose("up", "-d", timeout_s=UP_S)
        wait_ready(made.url)
        yield made
    finally:
        made.compose("down", "-v", "-t", "5", timeout_s=UP_S)


def wait_ready(url: str) -> None:
    """Wait for the gateway behind the edge.

    :raises TimeoutError: if it is not ready in time.
    """
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/readyz", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise TimeoutError("nothing is ready behind the edge")


def test_the_edge_serves_the_page_and_keeps_the_operators_side_to_itself(project: Project) -> None:
    page = httpx.get(f"{project.url}/room/film", timeout=10)
    assert page.status_code == 200
    assert "text/html" in page.headers["content-type"]
    assert page.headers.get("content-encoding") == "gzip"
    for path in ("/metrics", "/internal/buckets/x"):
        assert httpx.get(project.url + path, timeout=10).status_code == 404


async def test_a_clean_clone_comes_up_to_a_room_that_plays(project: Project, outside: Origin, media: Media) -> None:
    link = outside.url("/clip.mp4", n=secrets.token_hex(4))
    async with httpx.AsyncClient(base_url=project.url, timeout=30) as client:
        made = await client.post("/api/rooms", json={"url": link})
        assert made.status_code == 201, made.text
        room = made.json()["id"]
        async with Member(project.url, room, "Ana") as ana, Member(project.url, room, "Ben") as ben:
            state = await ana.expect("room_state")
            video = state["room"]["current_video"] or (await ana.expect("set_video", timeout_s=90))["video"]
            answer = await ana.ask("play", timestamp=0.0)
            assert answer["type"] == "ack", answer
            await ben.expect("play", timeout_s=20)
            beat = await ben.expect("heartbeat", timeout_s=20)
            assert beat["is_playing"] is True
            stream = video["stream_url"]
            assert stream.startswith("/api/proxy?")
            part = await client.get(stream, headers={"range": "bytes=1000-1999"})
            assert part.status_code == 206
            assert part.content == media.path("clip.mp4").read_bytes()[1000:2000]


def test_containers_run_without_root_rights_on_a_root_they_cannot_write(project: Project) -> None:
    for service in ("gateway", "sync", "resolver", "proxy-1"):
        script = "id -u; touch /app/x 2>&1 || true; command -v pip gcc || true"
        told = project.compose("exec", "-T", service, "sh", "-c", script)
        user, refusal, *tools = told.strip().splitlines()
        assert user == "10001"
        assert "Read-only file system" in refusal
        assert tools == []


def test_the_resolver_has_a_node_that_yt_dlp_accepts(project: Project) -> None:
    program = "from services.resolver.javascript import find_node; import yt_dlp; print(bool(find_node()))"
    assert project.compose("exec", "-T", "resolver", "python", "-c", program).strip() == "True"
