"""JSON in and out of HTTP, errors in their one shape, and the headers of every answer."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.common import codec
from services.common.cookies import BadCookiesError
from services.common.errors import Broken, Refused, WatchTogetherError, http_status

T = TypeVar("T")

HeaderList = tuple[tuple[bytes, bytes], ...]

MAX_BODY_BYTES: Final = 16 * 1024


def answer(value: object, *, status: int = 200, cookie: str | None = None) -> Response:
    """A JSON answer that nobody stores."""
    body = b"" if status == 204 else codec.encode(value)
    response = Response(body, status, {"cache-control": "no-store"}, "application/json")
    if cookie:
        response.headers.append("set-cookie", cookie)
    return response


def failure(
    error: WatchTogetherError, *, status: int = 0, more: Mapping[str, object] = MappingProxyType({})
) -> Response:
    """The answer of an error: `{"error": {"code", "message", "retry_after_ms"?}}`, with `more` beside them."""
    detail: dict[str, object] = {"code": error.code, "message": error.message, **more}
    headers = {}
    if error.retry_after_ms is not None:
        detail["retry_after_ms"] = error.retry_after_ms
        headers["retry-after"] = str(math.ceil(error.retry_after_ms / 1000))
    response = answer({"error": detail}, status=status or http_status(error))
    response.headers.update(headers)
    return response


async def on_error(_request: Request, error: Exception) -> Response:
    """Answer what a route raised."""
    if isinstance(error, BadCookiesError) and error.problems:
        return failure(error, more={"problems": error.problems})
    if isinstance(error, WatchTogetherError):
        return failure(error)
    if isinstance(error, HTTPException):
        if error.status_code == 405:
            return failure(Refused("method_not_allowed", "This address does not do that."), status=405)
        return failure(Refused("not_found", "There is nothing at this address."), status=error.status_code)
    return failure(Broken("broken", "Something went wrong here."))


async def read_body(request: Request, shape: type[T], *, most: int = MAX_BODY_BYTES) -> T:
    """The request's JSON body as `shape`.

    :raises Refused: `too_large` beyond `most` bytes (16 KiB), `malformed` if it is no JSON or does not fit.
    """
    body = await read_bytes(request, most)
    try:
        return codec.decode_as(shape, body)
    except codec.MalformedError as error:
        raise Refused("malformed", f"The request's body is not as expected: {error}") from None


async def read_bytes(request: Request, most: int) -> bytes:
    """The request's body.

    :raises Refused: `too_large` beyond `most` bytes; what is beyond is not read.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise Refused("too_large", f"A request's body may have {most} bytes.")
    return bytes(body)


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives; if the caller leaves, it is cancelled. The request's body must have been read.

    :raises Refused: `gone` if the caller has left; nobody will read that.
    """
    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Refused("gone", "The caller has left.")
        return working.result()
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


class Headers:
    """Pure ASGI middleware that adds headers to every HTTP answer: those that `of` gives for a request."""

    def __init__(self, app: ASGIApp, of: Callable[[Scope], HeaderList]) -> None:
        self._app = app
        self._of = of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = self._of(scope)

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *headers]
            await send(message)

        await self._app(scope, receive, dressed)


@lru_cache(maxsize=1024)
def safety_headers(peers: tuple[str, ...]) -> HeaderList:
    """What keeps the page to itself, and to the origins in `peers`: no foreign script, frame or referrer."""
    elsewhere = "".join(f" {peer}" for peer in peers)
    policy = {
        "default-src": "'self'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": f"'self' data:{elsewhere}",
        "media-src": f"'self' blob:{elsewhere}",
        # blob: is for the manifests that the page writes itself.
        "connect-src": f"'self' blob: ws: wss:{elsewhere}",
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        # Strings become markup or scripts only through the page's one policy (web/src/lib/trusted.ts).
        "require-trusted-types-for": "'script'",
        "trusted-types": "default",
    }
    headers = {
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
    }
    return tuple((name.encode(), value.encode()) for name, value in headers.items())
