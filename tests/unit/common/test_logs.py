"""What must not be read back from a log."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from services.common import logs


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is written after `configure`, with everything put back afterwards."""
    root, uvicorn = logging.getLogger(), logging.getLogger("uvicorn.error")
    before = (root.handlers, root.level, uvicorn.level)
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    logs.configure("gateway", node="n1")
    yield stream
    root.handlers, level, uvicorn.level = before
    root.setLevel(level)
    structlog.reset_defaults()


def test_an_event_is_one_line_of_json(output: io.StringIO) -> None:
    structlog.get_logger("a").info("began", room="r1", port=8000)
    event = json.loads(output.getvalue())
    assert event["event"] == "began"
    assert (event["room"], event["port"], event["service"], event["node"]) == ("r1", 8000, "gateway", "n1")


def test_query_strings_passwords_and_cookies_are_left_out(output: io.StringIO) -> None:
    structlog.get_logger("a").warning(
        "failed", url="https://cdn.example/v.mp4?sig=topsecret", redis="redis://:topsecret@h/0", cookie="topsecret"
    )
    assert "topsecret" not in output.getvalue()
    assert "https://cdn.example/v.mp4" in output.getvalue()


def test_a_librarys_exception_is_scrubbed_too(output: io.StringIO) -> None:
    try:
        raise ValueError("no answer from https://cdn.example/v?token=topsecret for /api/proxy?url=x&s=topsecret")
    except ValueError:
        logging.getLogger("aiohttp.client").exception("request to %s", "https://a.example/?k=topsecret")
    assert "topsecret" not in output.getvalue()
    assert "ValueError" in json.loads(output.getvalue())["exception"]


def test_what_json_does_not_know_is_written_as_text(output: io.StringIO) -> None:
    structlog.get_logger("a").info("odd", value={1, 2}, error=ValueError("x"))
    assert json.loads(output.getvalue())["error"] == "ValueError('x')"
