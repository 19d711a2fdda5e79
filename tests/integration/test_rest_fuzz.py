"""The REST surface against requests made of its own OpenAPI document, bent in every way: no crash, and no answer that
the document does not describe.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from services.common.keys import Keys
from tests.support.node import Node
from tests.support.redis import RedisServer

EXAMPLES: Final = 15


@pytest.fixture(scope="module")
def gateway(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A gateway without limits, and nobody who resolves links."""
    log = tmp_path_factory.mktemp("fuzz") / "gateway.log"
    limits = ("RESOLVES", "COOKIE_UPLOADS", "LIBRARY_CHANGES", "NEW_GUESTS", "PAIRINGS")
    environ = {
        "WT_REDIS_URL": redis_server.url,
        "WT_KEY_PREFIX": Keys(f"fuzz{log.parent.name[-4:]}").prefix,
        "WT_RESOLVE_WAIT_S": "0.05",
        **{f"WT_{limit}_PER_MINUTE": "0" for limit in limits},
    }
    with Node("services.gateway", log, settings=environ) as node:
        yield node
        assert "Traceback" not in log.read_text()


@pytest.fixture
def browser(gateway: Node) -> Iterator[requests.Session]:
    """Somebody who has been here before, and has a playlist."""
    with requests.Session() as session:
        session.get(f"{gateway.url}/api/session", timeout=10)
        session.post(f"{gateway.url}/api/playlists", json={"name": "Films"}, timeout=10)
        yield session


def no_crash(_context: Any, response: Any, case: Any) -> None:
    """Not even where the request is none: 500 is a bug of ours."""
    if response.status_code == 500:
        raise AssertionError(f"{case.method} {case.formatted_path} answers 500")


CHECKS: Final = [no_crash, content_type_conformance, response_schema_conformance, status_code_conformance]


def test_every_operation_answers_what_its_document_says_whatever_it_is_asked(
    gateway: Node, browser: requests.Session
) -> None:
    schema = schemathesis.openapi.from_url(f"{gateway.url}/api/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) == len(list(schema.get_all_operations())) > 30
    for operation in operations:

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            case.call_and_validate(checks=CHECKS, session=browser)

        ask()


# fmt: off
BODIES: Final = (
    b"", b"null", b"[]", b"{}", b'"x"', b"1", b"\xff\xfe", b"{", b"[" * 20_000, b'{"a":' * 5_000, b"\x00" * 100,
    b'{"url":null}', b'{"url":["x"]}', b'{"url":"http://\\ud800/"}', b'{"url":"http://a\\u0000b/"}', b'{"name":1e999}',
    b'{"name":"\\u202e"}', b'{"items":[{}]}', b'{"items":[{"url":"x","duration":NaN}]}', b'{"order":[null]}',
    b'{"is_kept":"yes"}', b'{"playlist":"' + b"x" * 17 + b'"}', b'{"password":"' + b"p" * 300 + b'"}',
    b'[{"domain":"a.example","name":"n","value":"v","expires":-1e308}]', b'[{"domain":"a.example"}, null, [], 1]',
)
# fmt: on


async def test_bodies_of_no_kind_are_refused_in_words(gateway: Node) -> None:
    async with httpx.AsyncClient(base_url=gateway.url, timeout=20) as browser:
        await browser.get("/api/session")
        document = (await browser.get("/api/openapi.json")).json()
        paths = [
            (method, path.replace("{room}", "film").replace("{playlist}", "p").replace("{item}", "i"))
            for path, methods in document["paths"].items()
            for method in methods
            if "requestBody" in methods[method]
        ]
        assert len(paths) >= 10
        tried = [(method, path, body) for method, path in paths for body in BODIES]
        for method, path, body in tried:
            answered = await browser.request(method, path, content=body)
            assert answered.status_code < 500 or answered.status_code == 504, (method, path, body[:40])
            if answered.status_code >= 400:
                assert answered.json()["error"]["message"], (method, path, body[:40])
