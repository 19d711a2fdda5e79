"""What an operator is told of the resolver: over REST, by a worker that really runs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from msgspec.structs import replace
from redis.asyncio import Redis

from services.common.keys import Keys
from services.common.vitals import Canary, SiteHealth, VitalsStore, WorkerHealth, summed
from services.gateway.app import build
from services.resolver.provider import Provider
from services.resolver.versions import installed
from tests.support.node import ROOT, SECRET, Node
from tests.support.origin import Origin
from tests.support.redis import RedisServer

WORKER = WorkerHealth(ytdlp="2026.10.26", ytdlp_ejs="0.8.0", age_days=20, node="24.1.0")


@pytest_asyncio.fixture
async def browser(redis_server: RedisServer, keys: Keys, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    environ = {
        "WT_REDIS_URL": redis_server.url,
        "WT_KEY_PREFIX": keys.prefix,
        "WT_SECRET": SECRET,
        "WT_WEB_DIR": str(tmp_path),
    }
    app = build(environ)
    await app.start()
    transport = httpx.ASGITransport(app.asgi, client=("203.0.113.9", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://watch.example") as client:
        yield client
    await app.stop()


async def test_without_workers_the_resolver_is_not_well(browser: httpx.AsyncClient) -> None:
    response = await browser.get("/api/resolver/health")
    assert response.status_code == 503
    assert response.json()["problems"] == ["No worker takes links: start services.resolver."]


async def test_a_worker_tells_its_versions_extractors_and_canaries(
    browser: httpx.AsyncClient, redis_server: RedisServer, keys: Keys, origin: Origin, tmp_path: Path
) -> None:
    settings = {
        "WT_REDIS_URL": redis_server.url,
        "WT_KEY_PREFIX": keys.prefix,
        "WT_ALLOWED_PRIVATE_HOSTS": origin.address,
        "WT_YTDLP_PLUGIN_DIRS": str(ROOT / "tests/support/plugins"),
        "WT_RESOLVER_CANARIES": f"{origin.url('/watch/pair.canary')},{origin.url('/watch/private.canary')}",
        "WT_RESOLVER_CANARY_S": "0.2",
        "WT_POT_PROVIDER_URL": "http://127.0.0.1:1",
    }
    node = await asyncio.to_thread(Node("services.resolver", tmp_path / "log", settings=settings).start)
    told: dict[str, Any] = {}
    async with asyncio.timeout(30):
        while len(told.get("canaries", ())) < 1 or "SampleOrigin" not in str(told["extractors"]):
            told = (await browser.get("/api/resolver/health")).json()
            await asyncio.sleep(0.2)
    metrics = await _metrics(node)
    await asyncio.to_thread(node.stop)
    versions = installed()
    assert told["workers"] == 1
    assert told["versions"] == [f"yt-dlp {versions.ytdlp}, yt-dlp-ejs {versions.ejs}"]
    assert told["node"].split(".")[0] == "24"
    assert told["provider"] == "down"
    assert "The PO-token provider does not answer: links are opened without its tokens." in told["problems"]
    # Both links are of one site; what was tried last stands for it.
    assert [canary["code"] for canary in told["canaries"]] in ([""], ["private"])
    sample = next(each for each in told["extractors"] if each["extractor"] == "SampleOrigin")
    assert sample["failed"] == 0
    assert 0 < sample["mean_s"] < 20
    assert f'wt_resolver_ytdlp_info{{ejs="{versions.ejs}"' in metrics
    assert "wt_resolver_ytdlp_age_days " in metrics


async def _metrics(node: Node) -> str:
    async with httpx.AsyncClient() as client:
        return (await client.get(f"{node.admin_url}/metrics")).text


async def test_a_worker_that_is_gone_is_forgotten(redis: Redis, keys: Keys) -> None:
    store = VitalsStore(redis, keys)
    await store.tell("one", WORKER)
    await store.tell("two", WORKER)
    assert (await store.read()).workers == 2
    await redis.delete(keys.vital_sign("one"))
    assert (await store.read()).workers == 1
    assert await redis.hkeys(keys.vitals()) == [b"two"]  # type: ignore[misc]


def test_several_workers_are_summed_up_with_what_an_operator_should_do() -> None:
    def told(state: str, failed: int, **fields: Any) -> WorkerHealth:
        site = SiteHealth(extractor="Youtube", succeeded=2, failed=failed, mean_s=2, state=state)  # type: ignore[arg-type]
        given: dict[str, Any] = {"ytdlp": "2026.1.1", "ytdlp_ejs": "0.8.0", "age_days": 300, "node": "24.1.0"}
        given |= {"sites": [site]} | fields
        return WorkerHealth(**given)

    canary = Canary(site="youtube.com", code="timeout", at=1, seconds=3)
    workers = [told("closed", 0, age_days=20, ytdlp="2026.10.26"), told("open", 2, canaries=[canary], node="")]
    health = summed(workers, queued=3)
    assert (health.workers, health.queued, health.node) == (2, 3, "")
    assert [(each.succeeded, each.failed, each.state) for each in health.extractors] == [(4, 2, "open")]
    assert health.problems == [
        "Workers have different versions of yt-dlp.",
        "yt-dlp is 300 days old: update it.",
        "Node.js 22 or newer is missing: sites with JavaScript challenges will not resolve.",
        "Youtube fails and is left alone.",
        "The canary on youtube.com fails: timeout.",
    ]
    assert summed([WORKER], queued=0).problems == []


def test_an_extractor_that_few_links_went_through_is_told_by_no_name() -> None:
    def site(name: str, succeeded: int, failed: int = 0, state: str = "closed") -> SiteHealth:
        return SiteHealth(extractor=name, succeeded=succeeded, failed=failed, mean_s=2, state=state)  # type: ignore[arg-type]

    workers = [
        replace(WORKER, sites=[site("Youtube", 3), site("Secret", 1), site("Broken", 0, 1, "open")]),
        replace(WORKER, sites=[site("Youtube", 2), site("Discreet", 2, 1)]),
    ]
    health = summed(workers, queued=0)
    assert [(each.extractor, each.succeeded, each.failed) for each in health.extractors] == [
        ("Broken", 0, 1),
        ("Youtube", 5, 0),
        ("Other", 3, 1),
    ]
    assert health.problems == ["Broken fails and is left alone."]


class _Pong(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/ping" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def provider_server() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), _Pong)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


async def test_a_provider_is_used_while_it_answers_and_links_open_without_it_while_not(
    provider_server: HTTPServer,
) -> None:
    url = f"http://127.0.0.1:{provider_server.server_port}"
    provider = Provider(f"{url}/")
    assert (provider.state, provider.url) == ("down", "")
    await provider.look()
    assert (provider.state, provider.url) == ("ok", url)
    await asyncio.to_thread(provider_server.shutdown)
    provider_server.server_close()
    await provider.look()
    assert (provider.state, provider.url) == ("down", "")
    none = Provider("")
    await none.run()
    assert (none.state, none.url) == ("none", "")
