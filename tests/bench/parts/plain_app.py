"""As little as an answer costs on the same server: reads a body, sends the bytes of `WT_PLAIN_ANSWER`."""

from __future__ import annotations

import os
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

ANSWER = Path(os.environ["WT_PLAIN_ANSWER"]).read_bytes()


async def resolve(request: Request) -> Response:
    await request.body()
    return Response(ANSWER, media_type="application/json")


app = Starlette(routes=[Route("/api/resolve", resolve, methods=["POST"])])
