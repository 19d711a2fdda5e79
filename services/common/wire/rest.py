"""REST bodies."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from services.common.wire.client import MemberName
from services.common.wire.models import RoomSummary, Url


class RestModel(Struct, kw_only=True, frozen=True):
    """Fields may be added, none is ever renamed."""


class ResolveRequest(RestModel, kw_only=True, frozen=True):
    url: Url


class SessionRequest(RestModel, kw_only=True, frozen=True):
    name: MemberName


class Session(RestModel, kw_only=True, frozen=True):
    """Who the caller is."""

    id: str
    name: str
    is_guest: bool


class CreateRoomRequest(RestModel, kw_only=True, frozen=True):
    """Make a room with a random, unlisted id; with `url`, that link is its first item."""

    url: Annotated[str, Meta(max_length=2048)] | None = None


class JoinRequest(RestModel, kw_only=True, frozen=True):
    """The password of a room."""

    password: Annotated[str, Meta(max_length=200)]


class CreatedRoom(RestModel, kw_only=True, frozen=True):
    id: str


class RoomList(RestModel, kw_only=True, frozen=True):
    rooms: list[RoomSummary]


class ClientConfig(RestModel, kw_only=True, frozen=True):
    """What the page must know of this installation."""

    access: bool
    guests: bool
    peers: list[str]
    version: str


class ErrorDetail(RestModel, kw_only=True, frozen=True):
    code: str
    message: str
    retry_after_ms: int | None = None


class ErrorBody(RestModel, kw_only=True, frozen=True):
    error: ErrorDetail
