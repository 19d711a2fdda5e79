"""REST bodies."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from services.common.wire.client import MemberName
from services.common.wire.models import Attempt, RoomSummary, Url


class RestModel(Struct, kw_only=True, frozen=True):
    """Fields may be added, none is ever renamed."""


class ResolveRequest(RestModel, kw_only=True, frozen=True):
    """`own`: with the caller's own cookies even where everybody's result is known (members-only quality)."""

    url: Url
    own: bool = False


class SessionRequest(RestModel, kw_only=True, frozen=True):
    name: MemberName


class Session(RestModel, kw_only=True, frozen=True):
    """Who the caller is."""

    id: str
    name: str
    is_guest: bool


class CreateRoomRequest(RestModel, kw_only=True, frozen=True):
    """Make a room with a random, unlisted id; with `url`, that link is its first item.

    `lend`: the cookies that the caller keeps here may serve it in this room.
    """

    url: Annotated[str, Meta(max_length=2048)] | None = None
    lend: bool = False


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


class CookieSite(RestModel, kw_only=True, frozen=True):
    """What is told of the cookies of one site: never more. `expires_at`: Unix seconds, null for a session's."""

    domain: str
    expires_at: float | None


class CookieList(RestModel, kw_only=True, frozen=True):
    """The sites whose cookies the caller keeps here."""

    sites: list[CookieSite]


class PairingCode(RestModel, kw_only=True, frozen=True):
    """What connects a browser's extension to the caller, once. `expires_at`: Unix seconds."""

    code: str
    expires_at: float


class PairRequest(RestModel, kw_only=True, frozen=True):
    """A code as a person copied it: case, spaces and dashes do not count. `browser`: what to call it in the list."""

    code: Annotated[str, Meta(max_length=64)]
    browser: Annotated[str, Meta(max_length=200)] = ""


class Paired(RestModel, kw_only=True, frozen=True):
    """The token of one browser, told this once, and the name of the person it belongs to."""

    token: str
    name: str


class PairedBrowser(RestModel, kw_only=True, frozen=True):
    """A browser that may change the cookies that the caller keeps here. Times are Unix seconds."""

    id: str
    name: str
    paired_at: float
    used_at: float


class BrowserList(RestModel, kw_only=True, frozen=True):
    browsers: list[PairedBrowser]


class CookieProblem(RestModel, kw_only=True, frozen=True):
    """What is wrong in one line (or one entry of a JSON list), counted from 1."""

    line: int
    message: str


class Doctor(RestModel, kw_only=True, frozen=True):
    """How a request arrived. `time` is Unix seconds; `is_proxied`: a trusted edge named the `address`."""

    version: str
    time: float
    scheme: str
    host: str
    address: str
    is_proxied: bool


class ErrorDetail(RestModel, kw_only=True, frozen=True):
    """`attempts`: how each way to open a link failed, where there were several. `problems`: wrong lines of cookies."""

    code: str
    message: str
    retry_after_ms: int | None = None
    attempts: list[Attempt] = []
    problems: list[CookieProblem] = []


class ErrorBody(RestModel, kw_only=True, frozen=True):
    error: ErrorDetail
