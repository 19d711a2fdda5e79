"""One trace from a pasted link to its video, over the processes that work on it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from services.common.tracing import trace_id
from tests.support.member import Member
from tests.support.node import Node
from tests.support.origin import Origin
from tests.support.redis import RedisServer
from tests.support.waiting import until


class Collector:
    """Takes spans by OTLP over HTTP. `spans` are (service, name, trace id in hex)."""

    def __init__(self) -> None:
        self.spans: set[tuple[str, str, str]] = set()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                collector.take(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Stay quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/traces"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def take(self, request: ExportTraceServiceRequest) -> None:
        """Note what came."""
        for resource in request.resource_spans:
            service = next(a.value.string_value for a in resource.resource.attributes if a.key == "service.name")
            for scope in resource.scope_spans:
                self.spans |= {(service, span.name, span.trace_id.hex()) for span in scope.spans}

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def collector() -> Iterator[Collector]:
    running = Collector()
    yield running
    running.close()


async def test_a_link_is_one_trace_from_the_wish_to_the_video(
    redis_server: RedisServer, origin: Origin, collector: Collector, tmp_path: Path
) -> None:
    settings = {
        "WT_REDIS_URL": redis_server.url,
        "WT_KEY_PREFIX": "traced",
        "WT_ALLOWED_PRIVATE_HOSTS": origin.address,
        "WT_TRACE_ENDPOINT": collector.url,
        "WT_DRAIN_S": "0",
    }
    with (
        Node("services.resolver", tmp_path / "resolver.log", settings=settings),
        Node("services.sync", tmp_path / "sync.log", settings=settings) as sync,
    ):
        async with Member(sync.url, "film") as ana:
            await ana.expect("room_state")
            await ana.send("queue_add", id="wish", url=origin.url("/clip.mp4", traced=1))
            queue = await ana.expect("queue_update", timeout_s=20)
            item = queue["queue"][0]["id"]
            await ana.expect("set_video", item_id=item, timeout_s=40)
            wanted = f"{trace_id(item):032x}"
            steps = {
                ("watch-together-sync", "queue_add", wanted),
                ("watch-together-sync", "ask", wanted),
                ("watch-together-resolver", "resolve", wanted),
                ("watch-together-resolver", "deliver", wanted),
                ("watch-together-sync", "set_video", wanted),
            }
            await until(lambda: steps <= collector.spans, 30, f"missing: {steps - collector.spans}")
    lines = [json.loads(line) for line in (tmp_path / "resolver.log").read_text().splitlines() if line.startswith("{")]
    resolved = [line for line in lines if line["event"] == "resolved"]
    assert [line["trace_id"] for line in resolved] == [wanted]
