"""Dashboards and alerts against a real Prometheus, which scrapes a running installation under a little load."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import yaml
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

from services.common import metrics as common_metrics
from services.common.keys import Keys
from services.common.metrics import Tally
from services.gateway import metrics as gateway_metrics
from services.gateway.app import build as build_gateway
from services.proxy import metrics
from services.resolver import metrics as resolver_metrics
from services.sync import metrics as sync_metrics
from tests.support.access import AUDIENCE, Key, Team
from tests.support.installation import Installation
from tests.support.member import Member
from tests.support.node import ROOT, SECRET
from tests.support.origin import Origin
from tests.support.prometheus import ALERTS, Prometheus, is_installed
from tests.support.redis import RedisServer

MONITORING = ROOT / "k8s" / "monitoring"
DASHBOARDS = sorted((MONITORING / "dashboards").glob("*.json"))
LOAD_S = 90.0

needs_prometheus = pytest.mark.skipif(not is_installed(), reason="no prometheus here: apt-get install prometheus")
needs_promtool = pytest.mark.skipif(not is_installed("promtool"), reason="no promtool: apt-get install prometheus")


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> dict[str, list[str]]:
    """The queries of every panel, by dashboard and title."""
    return {
        f"{file.stem}: {panel['title']}": [target["expr"] for target in panel["targets"]]
        for file in DASHBOARDS
        for panel in json.loads(file.read_text(encoding="utf-8"))["panels"]
    }


@needs_promtool
def test_every_alert_fires_once_and_is_silent_once() -> None:
    tests = MONITORING / "tests" / "alerts.yaml"
    done = subprocess.run(["promtool", "test", "rules", str(tests)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    checks = [check for case in yaml.safe_load(tests.read_text())["tests"] for check in case["alert_rule_test"]]
    names = {rule["alert"] for rule in rules()}
    assert {check["alertname"] for check in checks if check["exp_alerts"]} == names
    assert {check["alertname"] for check in checks if not check["exp_alerts"]} == names


def test_every_alert_has_severity_summary_and_a_place_in_the_runbook() -> None:
    headings = re.findall(r"^#+ (\w+)$", (ROOT / "k8s" / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    for rule in rules():
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert {"summary", "description"} <= rule["annotations"].keys()
        assert rule["annotations"]["runbook_url"] == f"k8s/README.md#{rule['alert'].lower()}"
        assert rule["alert"] in headings


def test_the_operators_rules_are_the_same() -> None:
    wrapped = yaml.safe_load((MONITORING / "prometheusrule.yaml").read_text(encoding="utf-8"))
    assert wrapped["spec"] == yaml.safe_load(ALERTS.read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_is_what_grafana_reads(file: Path) -> None:
    dashboard = Dashboard.from_json(json.loads(file.read_text(encoding="utf-8")))
    assert dashboard.uid == f"wt-{file.stem}"
    assert dashboard.panels
    assert all(isinstance(panel, Panel) and panel.targets for panel in dashboard.panels)


def test_the_monitoring_profile_finds_dashboards_data_and_rules_where_it_looks() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]

    def mounted(service: str, path: str) -> Path:
        """What a container has at a path, as far as it comes from the repository."""
        volumes: list[str] = services[service]["volumes"]
        for source, target, *_ in (volume.split(":") for volume in volumes):
            if source.startswith("./") and Path(path).is_relative_to(target):
                return ROOT / source / Path(path).relative_to(target)
        raise AssertionError(f"{service} has nothing at {path}")

    provisioning = mounted("grafana", "/etc/grafana/provisioning")
    (provider,) = yaml.safe_load((provisioning / "dashboards/watch-together.yaml").read_text())["providers"]
    assert sorted(mounted("grafana", provider["options"]["path"]).glob("*.json")) == DASHBOARDS
    home = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert mounted("grafana", home).resolve() in [file.resolve() for file in DASHBOARDS]
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yaml").read_text())["datasources"]
    assert (source["type"], source["isDefault"], urlsplit(source["url"]).hostname) == ("prometheus", True, "prometheus")
    config = services["prometheus"]["command"][0].partition("=")[2]
    settings = yaml.safe_load(mounted("prometheus", config).read_text(encoding="utf-8"))
    (rules_at,) = settings["rule_files"]
    assert list(mounted("prometheus", str(Path(rules_at).parent)).glob(Path(rules_at).name)) == [ALERTS]
    names = {name for job in settings["scrape_configs"] for found in job["dns_sd_configs"] for name in found["names"]}
    ours = {name for name, service in services.items() if "watch-together/" in service["image"]} - {"init"}
    assert names == ours


def test_everything_that_the_proxy_counts_is_on_a_dashboard() -> None:
    shown = " ".join(query for queries in panels().values() for query in queries)
    counted = [
        name for family in vars(metrics).values() if isinstance(family, MetricWrapperBase) for name in names_of(family)
    ]
    assert len(counted) > 20
    assert [name for name in counted if not re.search(rf"\b{name}\b", shown)] == []


def test_every_alert_asks_for_what_a_service_counts_by_labels_that_it_has() -> None:
    counted = {
        name: {*family._labelnames, "job", "instance", "le"}
        for module in (metrics, sync_metrics, resolver_metrics, gateway_metrics, common_metrics)
        for family in vars(module).values()
        if isinstance(family, MetricWrapperBase)
        for name in names_of(family)
    }
    counted |= {
        f"{tally._name}": {*tally._labels, "job", "instance"}
        for module in (sync_metrics, common_metrics)
        for tally in vars(module).values()
        if isinstance(tally, Tally)
    }
    for rule in rules():
        for name, matchers in re.findall(r"\b(wt_\w+)(?:\{([^}]*)\})?", rule["expr"]):
            family = re.sub(r"_(bucket|count|sum)$", "", name)
            assert family in counted, rule["alert"]
            assert set(re.findall(r"(\w+)[=!]~?\"", matchers)) <= counted[family], rule["alert"]
        assert "wt_" in rule["expr"] or re.search(r"\b(up|process_\w+)\{job", rule["expr"]), rule["alert"]


async def test_that_nobody_can_be_let_in_is_counted_as_a_failure(environ: dict[str, str]) -> None:
    def failed() -> float:
        labels = {"service": "gateway", "route": "other", "status": "5xx"}
        return REGISTRY.get_sample_value("wt_http_requests_total", labels) or 0.0

    key = Key.rsa("k1")
    async with Team([key], is_broken=True) as team:
        gateway = build_gateway({**environ, "WT_ACCESS_TEAM": team.url, "WT_ACCESS_AUDIENCE": AUDIENCE})
        transport = httpx.ASGITransport(gateway.asgi)
        before = failed()
        async with httpx.AsyncClient(transport=transport, base_url="http://watch.example") as client:
            answer = await client.get("/", headers={"cf-access-jwt-assertion": key.sign(team.claims())})
        assert answer.status_code == 503
        assert failed() == before + 1
        await gateway.stop()


@pytest.fixture
def environ(redis_server: RedisServer, keys: Keys) -> dict[str, str]:
    return {"WT_REDIS_URL": redis_server.url, "WT_KEY_PREFIX": keys.prefix, "WT_SECRET": SECRET}


def names_of(family: MetricWrapperBase) -> list[str]:
    """What a query calls a counter or a gauge."""
    return [each.name + ("_total" if each.type == "counter" else "") for each in family.collect()]


@pytest.fixture(scope="module")
def installation(origin: Origin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    settings = {
        "WT_ALLOWED_PRIVATE_HOSTS": origin.address,
        "WT_YTDLP_PLUGIN_DIRS": str(ROOT / "tests/support/plugins"),
        "WT_RESOLVES_PER_MINUTE": "0",
    }
    with Installation(tmp_path_factory.mktemp("monitored") / "data", replicas=2, settings=settings) as running:
        yield running


@needs_prometheus
@pytest.mark.timeout(180)
async def test_every_panel_has_data_while_people_watch(
    installation: Installation, origin: Origin, tmp_path: Path
) -> None:
    admin = re.findall(r"127\.0\.0\.1:\d+", re.findall(r"Metrics: (.*)", installation.written())[0])
    begun = time.time()
    with Prometheus(tmp_path, {"combined": admin[:-1], "resolver": admin[-1:]}) as prometheus:
        empty = panels()
        watching = asyncio.create_task(watch(installation, origin))
        try:
            while empty and time.time() - begun < LOAD_S and not watching.done():
                await asyncio.sleep(2)
                empty = {
                    title: queries
                    for title, queries in empty.items()
                    if not all([await has_data(prometheus, query, begun) for query in queries])
                }
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
        assert empty == {}
        asked = await asyncio.to_thread(prometheus.ask, "rules", type="alert")
        assert [rule["name"] for group in asked["groups"] for rule in group["rules"] if rule["health"] == "err"] == []


async def has_data(prometheus: Prometheus, query: str, since: float) -> bool:
    """Whether a panel's query was a number at any time."""
    expression = query.replace("$__rate_interval", "8s")
    return bool(await asyncio.to_thread(prometheus.values, expression, since))


async def watch(installation: Installation, origin: Origin) -> None:
    """People in a room on two replicas: links, commands, reports and streams, until cancelled."""
    async with (
        httpx.AsyncClient(base_url=installation.url(), timeout=30) as client,
        Member(installation.url(0), "monitored", "Ana") as ana,
        Member(installation.url(1), "monitored", "Ben") as ben,
    ):
        for number in range(10_000):
            kind = ("progressive", "hls", "removed")[number % 3]
            resolving = client.post("/api/resolve", json={"url": origin.url(f"/watch/{kind}.m{number}")})
            await ana.ask("seek", timestamp=number % 60)
            for member in (ana, ben):
                await member.send("status", state="ready", position=1.0, drift=0.03, rtt=0.01, seeks=1, rates=1)
            video = (await resolving).json()
            for stream in streams(video):
                answer = await client.get(stream, headers={"range": "bytes=0-999"})
                assert answer.status_code in (200, 206), answer.text
            await asyncio.sleep(0.3)


def streams(found: dict[str, Any]) -> list[str]:
    """The proxy's addresses in a resolved link."""
    video = found.get("video", found)
    return [value for name, value in video.items() if name.endswith("_url") and str(value).startswith("/api/proxy")]
