"""Spans of queue items."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.common import tracing
from services.common.errors import Refused
from services.common.tracing import item_span


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    kept = InMemorySpanExporter()
    tracing.begin("test", "n1", SimpleSpanProcessor(kept))
    yield kept
    tracing.end()


def test_steps_of_one_item_share_a_trace_that_nobody_passed_on(exporter: InMemorySpanExporter) -> None:
    for name, item in (("queue_add", "one"), ("resolve", "one"), ("queue_add", "two")):
        with item_span(name, item):
            pass
    first, second, other = (span.context for span in exporter.get_finished_spans() if span.context)
    assert first.trace_id == second.trace_id == tracing.trace_id("one")
    assert other.trace_id != first.trace_id
    assert first.span_id != second.span_id


def test_logs_inside_carry_the_trace(exporter: InMemorySpanExporter) -> None:
    with item_span("resolve", "one"):
        assert structlog.contextvars.get_contextvars()["trace_id"] == f"{tracing.trace_id('one'):032x}"
    assert "trace_id" not in structlog.contextvars.get_contextvars()


def test_a_refusal_ends_a_step_as_failed_and_goes_on(exporter: InMemorySpanExporter) -> None:
    with pytest.raises(Refused), item_span("queue_add", "one"):
        raise Refused("locked", "The room is locked.")
    (span,) = exporter.get_finished_spans()
    assert not span.status.is_ok


def test_without_a_collector_nothing_is_made() -> None:
    tracing.configure("test", "n1", "")
    with item_span("queue_add", "one"):
        assert "trace_id" not in structlog.contextvars.get_contextvars()
