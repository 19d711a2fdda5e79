"""Expiring links of the media origin: `?expire=<Unix seconds>&sig=<digits>`, over the path and the client's address."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

# No secret: what it protects is a test picture, and a restarted origin must honour the links of the one before.
_KEY: Final = b"sample origin"


def sign(path: str, expire: float, ip: str = "") -> str:
    """The signature of an absolute `path` until `expire`, for client `ip` alone where one is given."""
    return hmac.new(_KEY, f"{path}\n{expire:.0f}\n{ip}".encode(), hashlib.sha256).hexdigest()[:32]


def query(path: str, expire: float, ip: str = "") -> str:
    """The parameters that open `path` until `expire`."""
    bound = f"&ip={ip}" if ip else ""
    return f"expire={expire:.0f}&sig={sign(path, expire, ip)}{bound}"


def digest(value: str) -> str:
    """What stands for a cookie's value in a link: links are shown to people, cookies are not."""
    return hashlib.sha256(value.encode()).hexdigest()[:16]


def is_valid(path: str, expire: float, sig: str, ip: str, *, client: str, now: float) -> bool:
    """Whether the link is genuine, not over at `now`, and asked for by whom it was made for."""
    is_genuine = hmac.compare_digest(sig, sign(path, expire, ip))
    return is_genuine and now < expire and ip in ("", client)
