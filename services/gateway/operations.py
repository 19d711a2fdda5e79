"""What the REST surface offers, once: the routes and `/api/openapi.json` are both made of it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal

import msgspec
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.common import codec
from services.common.wire.rest import ErrorBody

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Handler = Callable[[Request], Awaitable[Response]]

_SCHEMAS: Final = "#/components/schemas/"
_NONE: Final[Mapping[str, str]] = MappingProxyType({})
_NOTHING: Final[Mapping[int, type]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Operation:
    """A method on a path. `body` and `answers` are wire structs; `text`: what a body that is no JSON object holds.

    The first line of the handler's docstring is its summary. `queries` maps query parameters to what they mean.
    `also`: what it answers with another status that is no error. `needs_token`: a connected browser's token is the
    guard.
    """

    method: Method
    path: str
    handler: Handler
    body: type | None = None
    answers: type | None = None
    status: int = 200
    text: str = ""
    queries: Mapping[str, str] = field(default_factory=lambda: _NONE)
    also: Mapping[int, type] = field(default_factory=lambda: _NOTHING)
    needs_token: bool = False
    cors: Middleware | None = None

    def route(self) -> Route:
        """The operation as Starlette routes it. With `cors` it also answers browsers that ask before they send."""
        if self.cors is None:
            return Route(self.path, self.handler, methods=[self.method])
        return Route(self.path, self.handler, methods=[self.method, "OPTIONS"], middleware=[self.cors])


class Description:
    """`GET /api/openapi.json`: every operation, this one too."""

    def __init__(self, operations: Sequence[Operation], version: str) -> None:
        self.operations = [*operations, Operation("GET", "/api/openapi.json", self.openapi)]
        self._body = codec.encode(document(self.operations, version))

    async def openapi(self, _request: Request) -> Response:
        """What can be asked for here, as an OpenAPI document."""
        return Response(self._body, media_type="application/json")


def document(operations: Sequence[Operation], version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of `operations`."""
    named = (shape for each in operations for shape in (each.body, each.answers, *each.also.values(), ErrorBody))
    shapes = {shape for shape in named if shape is not None}
    ordered = sorted(shapes, key=lambda shape: shape.__name__)
    _, components = msgspec.json.schema_components(ordered, ref_template=_SCHEMAS + "{name}")
    paths: dict[str, dict[str, Any]] = {}
    for each in operations:
        paths.setdefault(each.path, {})[each.method.lower()] = _described(each)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Watch Together",
            "version": version,
            "description": "Who calls is told by a session cookie, or by Cloudflare Access. Rooms speak by WebSocket.",
        },
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": {"browser": {"type": "http", "scheme": "bearer"}}},
    }


def _described(operation: Operation) -> dict[str, Any]:
    summary = (inspect.getdoc(operation.handler) or "").partition("\n")[0]
    found: dict[str, Any] = {
        "summary": summary,
        "operationId": "_".join([operation.method.lower(), *re.findall(r"\w+", operation.path)[1:]]),
        "responses": {
            str(operation.status): _response(summary, operation.answers),
            **{str(status): _response(summary, shape) for status, shape in operation.also.items()},
            "default": _response("What went wrong, with a code.", ErrorBody),
        },
    }
    if operation.needs_token:
        found["security"] = [{"browser": []}]
    named = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", operation.path)
    ]
    asked = [
        {"name": name, "in": "query", "required": False, "description": text, "schema": {"type": "string"}}
        for name, text in operation.queries.items()
    ]
    if named or asked:
        found["parameters"] = named + asked
    if operation.body is not None:
        content = {"application/json": {"schema": _reference(operation.body)}}
        found["requestBody"] = {"required": True, "content": content}
    elif operation.text:
        content = {"text/plain": {"schema": {"type": "string", "description": operation.text}}}
        found["requestBody"] = {"required": True, "content": content}
    return found


def _response(description: str, shape: type | None) -> dict[str, Any]:
    if shape is None:
        return {"description": description}
    return {"description": description, "content": {"application/json": {"schema": _reference(shape)}}}


def _reference(shape: type) -> dict[str, str]:
    return {"$ref": _SCHEMAS + shape.__name__}
