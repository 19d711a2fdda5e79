"""A room server as python-socketio's manual makes one: `python -m <this module> <port> <redis url>`."""

from __future__ import annotations

import sys
from typing import Any

import socketio
import uvicorn


def build(redis_url: str) -> socketio.ASGIApp:
    """The app: members enter a room, and what one seeks to is told to all of it, on every node."""
    server = socketio.AsyncServer(async_mode="asgi", client_manager=socketio.AsyncRedisManager(redis_url))
    rooms: dict[str, str] = {}

    @server.on("enter")  # type: ignore[untyped-decorator]  # it has no types
    async def enter(sid: str, room: str) -> None:
        rooms[sid] = room
        await server.enter_room(sid, room)
        await server.emit("entered", room, to=sid)

    @server.on("seek")  # type: ignore[untyped-decorator]
    async def seek(sid: str, event: dict[str, Any]) -> None:
        await server.emit("seek", event, room=rooms[sid])

    @server.on("disconnect")  # type: ignore[untyped-decorator]
    async def disconnect(sid: str, _reason: str) -> None:
        rooms.pop(sid, None)

    return socketio.ASGIApp(server)


if __name__ == "__main__":
    uvicorn.run(
        build(sys.argv[2]),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        log_level="warning",
        timeout_graceful_shutdown=3,
    )
