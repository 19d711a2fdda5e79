"""Passwords of rooms, as Argon2id hashes (RFC 9106). Hashing takes tens of milliseconds, so it leaves the loop."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher()


async def digest(password: str) -> str:
    """The hash to keep."""
    return await asyncio.to_thread(_HASHER.hash, password)


async def matches(password: str, known: str) -> bool:
    """Whether `password` is the one behind the hash `known`."""
    try:
        return await asyncio.to_thread(_HASHER.verify, known, password)
    except (VerificationError, InvalidHashError):
        return False
