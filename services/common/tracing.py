"""Traces, off unless `WT_TRACE_ENDPOINT` is set: what became of a link, from `queue_add` over its job to `set_video`.

A trace belongs to a queue item, and its id follows from the item's. Whoever works on the item adds to the same trace
without being told of it: which replica asks the resolver, and which hears of the result, is decided by chance.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import structlog
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, StatusCode, TraceFlags, Tracer

from services import __version__
from services.common.errors import WatchTogetherError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor

SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)

_tracers: dict[str, Tracer] = {}


def configure(service: str, node: str, endpoint: str) -> None:
    """Send spans to an OTLP collector (`http://collector:4318/v1/traces`), in batches, from a thread. Empty: none."""
    if endpoint:
        # Imported here: nobody who does not trace pays for it.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        begin(service, node, BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))


def begin(service: str, node: str, processor: SpanProcessor) -> None:
    """Give spans to a processor."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    resource = Resource.create(
        {"service.name": f"watch-together-{service}", "service.version": __version__, "service.instance.id": node}
    )
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(processor)
    _tracers["on"] = provider.get_tracer("watch-together", __version__)


def end() -> None:
    """Send none from now on."""
    _tracers.clear()


def trace_id(item: str) -> int:
    """The id of a queue item's trace."""
    return int.from_bytes(hashlib.blake2b(item.encode(), digest_size=16).digest()) or 1


@contextmanager
def item_span(name: str, item: str, attributes: Mapping[str, str | int | float] | None = None) -> Iterator[None]:
    """A step of a queue item's way; logs inside carry `trace_id`. An error ends it as failed and goes on."""
    tracer = _tracers.get("on")
    if tracer is None or not item:
        yield
        return
    known = trace_id(item)
    # What all steps have in common is the trace; the item itself is the parent that nobody recorded.
    parent = SpanContext(known, (known & (1 << 64) - 1) or 1, is_remote=True, trace_flags=SAMPLED)
    context = trace.set_span_in_context(NonRecordingSpan(parent))
    with (
        structlog.contextvars.bound_contextvars(trace_id=f"{known:032x}"),
        tracer.start_as_current_span(name, context, attributes={"wt.item": item, **(attributes or {})}) as span,
    ):
        try:
            yield
        except WatchTogetherError as error:
            span.set_status(StatusCode.ERROR, error.code)
            raise
