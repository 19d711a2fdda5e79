"""Structured logs: an event's name and its fields, one JSON line each, or readable lines on a terminal."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

from services.common import codec

# What must never be read back from a log: query strings (stream signatures, tokens), passwords in addresses.
_QUERY: Final = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s?#'\"]*|/api/[^\s?#'\"]*|/ws/[^\s?#'\"]*)\?[^\s'\"]+", re.I)
_USERINFO: Final = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^/@\s'\"]+@", re.I)
_SECRET_FIELDS: Final = frozenset({"cookie", "cookies", "set_cookie", "authorization", "token", "secret", "assertion"})

Event = MutableMapping[str, Any]


def scrub(text: str) -> str:
    """`text` without the query strings and the user information of the addresses in it."""
    return _USERINFO.sub(r"\1…@", _QUERY.sub(r"\1?…", text))


def configure(service: str, *, node: str = "", level: str = "info") -> None:
    """Send structlog's and the standard library's records to standard error. Call once, before the first log."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _bind({"service": service, "node": node} if node else {"service": service}),
        structlog.processors.format_exc_info,
        _without_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer()],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # Uvicorn tells of each socket it opens and closes; our own events say that with ids.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)


def _renderer() -> Any:
    if sys.stderr.isatty():
        return structlog.dev.ConsoleRenderer(pad_event_to=0)
    return structlog.processors.JSONRenderer(serializer=lambda event, **_: codec.encode_text(_plain(event)))


def _bind(fields: dict[str, str]) -> Any:
    def processor(_logger: Any, _method: str, event: Event) -> Event:
        for name, value in fields.items():
            event.setdefault(name, value)
        return event

    return processor


def _without_secrets(_logger: Any, _method: str, event: Event) -> Event:
    for name, value in event.items():
        if name in _SECRET_FIELDS:
            event[name] = "…"
        elif isinstance(value, str):
            event[name] = scrub(value)
        elif isinstance(value, BaseException):
            event[name] = scrub(repr(value))
    return event


def _plain(event: Event) -> dict[str, Any]:
    simple = (str, int, float, bool, type(None), list, dict)
    return {name: value if isinstance(value, simple) else str(value) for name, value in event.items()}
