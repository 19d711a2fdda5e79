"""compose.yaml from a clean clone to a room that plays, on a container engine. `make test-compose` runs it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import yaml

from services.local.ports import lan_address
from tests.support import engine
from tests.support.media import Media
from tests.support.member import Member
from tests.support.node import ROOT, free_port
from tests.support.origin import Origin
from tests.support.prometheus import is_installed

BUILD_S = 1500
UP_S = 240
READY_S = 120
# Replicas that answer, by service.
WATCHED = {"gateway": 1, "sync": 2, "resolver": 1, "proxy": 2}

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
        made.compose("--profile", "monitoring", "down", "-v", "-t", "5", timeout_s=UP_S)


def asked(project: Project, path: str) -> Any:
    """What the project's Prometheus answers, asked from where it can be reached. Of a query: values by job."""
    program = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=5).read().decode())"
    url = f"http://prometheus:9090/api/v1/{quote(path, safe='/?=')}"
    try:
        told = json.loads(project.compose("exec", "-T", "gateway", "python", "-c", program, url))["data"]
    except AssertionError:
        # It is not there yet.
        return None
    return {row["metric"]["job"]: int(row["value"][1]) for row in told["result"]} if "result" in told else told


def wait_ready(url: str) -> None:
    """Wait until there is somebody behind the edge for everything that a page asks for.

    :raises TimeoutError: if there is not in time.
    """
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        try:
            answers = [httpx.get(url + path, timeout=5).status_code for path in ("/readyz", "/ws/ready", "/api/proxy")]
            if answers[0] == 200 and not {502, 503, 504} & {*answers}:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise TimeoutError("nothing is ready behind the edge")


def test_an_operator_finds_all_well_from_inside_a_container(project: Project) -> None:
    asked = ("exec", "-T", "gateway", "python", "-m", "services.operator")
    lines = project.compose(*asked, "doctor").splitlines()
    assert lines[-1].endswith(", 0 fail"), lines
    assert any(line.split()[:2] == ["ok", "Redis"] for line in lines)
    assert json.loads(project.compose(*asked, "rooms", "list", "--json"))["total"] >= 0


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


@pytest.mark.parametrize(
    ("service", "user"),
    [*((name, "10001") for name in ("gateway", "sync", "resolver", "proxy-1")), ("redis", "999"), ("edge", "101")],
)
def test_containers_run_without_root_rights_on_a_root_they_cannot_write(
    project: Project, service: str, user: str
) -> None:
    script = "id -u; touch /etc/x 2>&1 || true; grep -h CapEff /proc/1/status; grep -h NoNewPrivs /proc/1/status"
    told = project.compose("exec", "-T", service, "sh", "-c", script).strip().splitlines()
    assert told[0] == user
    assert "Read-only file system" in told[1]
    assert told[2:] == ["CapEff:\t0000000000000000", "NoNewPrivs:\t1"]


@pytest.mark.parametrize("service", ["gateway", "sync", "resolver", "proxy-1"])
def test_an_image_of_ours_has_no_tools_to_build_or_install(project: Project, service: str) -> None:
    assert project.compose("exec", "-T", service, "sh", "-c", "command -v pip gcc npm || true").strip() == ""


@pytest.mark.parametrize("service", ["redis", "edge"])
def test_what_watches_a_containers_health_finds_it_well(project: Project, service: str) -> None:
    declared = yaml.safe_load((project.folder / "compose.yaml").read_text(encoding="utf-8"))["services"][service]
    kind, *command = declared["healthcheck"]["test"]
    assert kind == "CMD"
    project.compose("exec", "-T", service, *command)


@pytest.mark.parametrize("service", ["gateway", "redis", "edge"])
def test_a_container_that_ends_is_started_again(project: Project, service: str) -> None:
    def begun() -> str:
        return project.compose("exec", "-T", service, "cut", "-d", " ", "-f", "22", "/proc/1/stat").strip()

    before = now = begun()
    project.compose("exec", "-T", service, "sh", "-c", "kill -TERM 1")
    deadline = time.monotonic() + READY_S
    while now == before and time.monotonic() < deadline:
        time.sleep(0.5)
        with contextlib.suppress(AssertionError):
            now = begun()
    assert now != before
    wait_ready(project.url)


async def test_what_people_have_outlives_every_container(project: Project) -> None:
    async with httpx.AsyncClient(base_url=project.url, timeout=30) as ana:
        person = (await ana.get("/api/session")).json()
        room = f"kept-{secrets.token_hex(3)}"
        async with Member(project.url, room, "Ana") as member:
            await member.ask("chat", text="Still here?")
        await asyncio.to_thread(project.compose, "down", "-t", "5", timeout_s=UP_S)
        await asyncio.to_thread(project.compose, "up", "-d", timeout_s=UP_S)
        await asyncio.to_thread(wait_ready, project.url)
        assert (await ana.get("/api/session")).json() == person
        async with Member(project.url, room, "Ben") as member:
            assert "Still here?" in str(await member.expect("room_state"))


def test_secrets_rotate_by_the_commands_of_the_security_page(project: Project) -> None:
    text = (project.folder / "SECURITY.md").read_text(encoding="utf-8")
    step, restart = re.findall(r"`docker compose ([^`]*)`", text)
    with httpx.Client(base_url=project.url, timeout=30) as ana:
        person = ana.get("/api/session").json()
        made_at_first = dict(ana.cookies)
        for name in ("add", "lead", "drop"):
            project.compose(*step.removesuffix("add").split(), name)
            project.compose(*restart.split(), timeout_s=UP_S)
            wait_ready(project.url)
            assert ana.get("/api/session").json() == person, name
    with httpx.Client(base_url=project.url, timeout=30, cookies=made_at_first) as stranger:
        assert stranger.get("/api/session").json()["id"] != person["id"]


@pytest.mark.skipif(not is_installed(), reason="no prometheus here, to stand in for its image")
def test_the_monitoring_profile_finds_every_replica_and_knows_the_alerts(project: Project) -> None:
    image = f"{project.name}-prometheus"
    folder = project.folder / "stand-in"
    folder.mkdir()
    shutil.copy(shutil.which("prometheus") or "", folder / "prometheus")
    lines = ("FROM debian:bookworm-slim", "COPY prometheus /bin/", "USER 65534", 'ENTRYPOINT ["/bin/prometheus"]')
    (folder / "Dockerfile").write_text("\n".join(lines))
    override = {"services": {"prometheus": {"image": image, "build": "./stand-in"}}}
    (project.folder / "override.yaml").write_text(yaml.safe_dump(override))
    files = ("-f", "compose.yaml", "-f", "override.yaml", "--profile", "monitoring")
    project.compose(*files, "build", "prometheus", timeout_s=UP_S)
    project.compose(*files, "up", "-d", "--no-deps", "prometheus", timeout_s=UP_S)
    try:
        deadline = time.monotonic() + READY_S
        while (found := asked(project, "query?query=sum by (job) (up)")) != WATCHED and time.monotonic() < deadline:
            time.sleep(1)
        assert found == WATCHED
        rules = asked(project, "rules")
        assert len(rules["groups"][0]["rules"]) > 10
    finally:
        project.compose(*files, "stop", "prometheus")


def test_the_resolver_has_a_node_that_yt_dlp_accepts(project: Project) -> None:
    program = "from services.resolver.javascript import find_node; import yt_dlp; print(bool(find_node()))"
    assert project.compose("exec", "-T", "resolver", "python", "-c", program).strip() == "True"
