"""The three families of failure, and the one table that maps them to the wire."""

from __future__ import annotations

from typing import Final, NoReturn


class WatchTogetherError(Exception):
    """A failure with a code that a client may rely on and a sentence that a person understands."""

    def __init__(self, code: str, message: str, *, retry_after_ms: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after_ms = retry_after_ms

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.code!r}, {self.message!r})"


class Refused(WatchTogetherError):
    """The caller's fault: sending the same again fails the same way."""


class Unavailable(WatchTogetherError):
    """Not now: the same request may succeed after `retry_after_ms`."""


class Broken(WatchTogetherError):
    """A bug of ours: logged with its ids, answered without detail."""


def unanswered(error: Exception, store: str) -> NoReturn:
    """Say that a store, as "The room store", does not answer.

    :raises Unavailable: `unavailable`, always; `error` is its cause.
    """
    raise Unavailable("unavailable", f"{store} does not answer.", retry_after_ms=1000) from error


# Codes whose HTTP status is not their family's.
_STATUS: Final[dict[str, int]] = {
    "not_found": 404,
    "no_such_room": 404,
    "bad_origin": 403,
    "wrong_password": 403,
    "banned": 403,
    "forbidden": 403,
    "not_a_member": 403,
    "refused_target": 403,
    "private_address": 403,
    "bad_signature": 403,
    "expired_signature": 403,
    "sign_in_required": 401,
    "bad_token": 401,
    "not_implemented": 501,
    "too_large": 413,
    "too_many_requests": 429,
    "busy": 429,
    "upstream_failed": 502,
    "upstream_late": 504,
    "timeout": 504,
}


def http_status(error: WatchTogetherError) -> int:
    """The HTTP status of `error`: its code's, else its family's (400, 503, 500)."""
    by_code = _STATUS.get(error.code)
    if by_code is not None:
        return by_code
    match error:
        case Refused():
            return 400
        case Unavailable():
            return 503
        case _:
            return 500


class CloseCode:
    """WebSocket close codes. 4000-4499: reconnect with back-off; 4500-4999: do not by yourself."""

    SLOW_CLIENT: Final = 4000
    RESTARTING: Final = 4001
    SILENT: Final = 4003
    BAD_ROOM_ID: Final = 4500
    KICKED: Final = 4501
    BANNED: Final = 4502
    MISUSE: Final = 4503
    TOO_MANY_CONNECTIONS: Final = 4504
    TOO_MANY_FROM_ADDRESS: Final = 4505
    SIGN_IN_REQUIRED: Final = 4506
    PASSWORD_REQUIRED: Final = 4507
    ROOM_FULL: Final = 4508
    LOCKED: Final = 4509


# Refusals that end a socket. Every other one is told on it, and it goes on.
CLOSE_CODES: Final[dict[str, int]] = {
    "bad_room_id": CloseCode.BAD_ROOM_ID,
    "banned": CloseCode.BANNED,
    "kicked": CloseCode.KICKED,
    "locked": CloseCode.LOCKED,
    "password_required": CloseCode.PASSWORD_REQUIRED,
    "room_full": CloseCode.ROOM_FULL,
    "sign_in_required": CloseCode.SIGN_IN_REQUIRED,
    "too_many_connections": CloseCode.TOO_MANY_CONNECTIONS,
    "too_many_from_address": CloseCode.TOO_MANY_FROM_ADDRESS,
}
