from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from services import __version__
from services.gateway.app import GatewayApp, build
from services.gateway.operations import document
from tests.support.node import SECRET


@pytest.fixture
async def app() -> GatewayApp:
    return build({"WT_SECRET": SECRET, "WT_REDIS_URL": "redis://127.0.0.1:1/0"})


def references(value: Any) -> set[str]:
    match value:
        case dict():
            inner = [references(each) for each in value.values()]
            return set().union(*inner) | ({value["$ref"]} if isinstance(value.get("$ref"), str) else set())
        case list():
            return set().union(*map(references, value))
        case _:
            return set()


def routes_of(asgi: Any) -> list[Route]:
    """The routes of the application inside its middlewares."""
    while not isinstance(asgi, Starlette):
        asgi = asgi._app
    return [route for route in asgi.routes if isinstance(route, Route)]


async def test_every_route_under_api_is_in_the_document(app: GatewayApp) -> None:
    described = document(app.operations, __version__)
    told = {(method.upper(), path) for path, methods in described["paths"].items() for method in methods}
    routed = {
        (method, route.path)
        for route in routes_of(app.asgi)
        if route.path.startswith("/api") and route.path != "/api/{path:path}"
        for method in (route.methods or ())
        if method not in ("HEAD", "OPTIONS")
    }
    assert told == routed


async def test_the_document_names_each_operation_once_and_nothing_that_is_not_there(app: GatewayApp) -> None:
    described = document(app.operations, __version__)
    operations = [operation for methods in described["paths"].values() for operation in methods.values()]
    assert len(operations) == len(app.operations)
    counts = Counter(operation["operationId"] for operation in operations)
    assert [name for name, count in counts.items() if count > 1] == []
    assert all(operation["summary"].endswith(".") for operation in operations)
    known = {f"#/components/schemas/{name}" for name in described["components"]["schemas"]}
    assert references(described) <= known
    json.dumps(described)
