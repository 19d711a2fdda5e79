"""Cloudflare Access: an assertion is believed for its signature, audience, issuer and expiry, never for a header."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

import aiohttp
import jwt

from services.common import codec
from services.common.errors import Refused, Unavailable

ALGORITHMS: Final = ("RS256", "ES256")
CERTS_PATH: Final = "/cdn-cgi/access/certs"
FETCH_TIMEOUT_S: Final = 5.0
# A stranger's assertions must not make us hammer the key server.
REFRESH_PAUSE_S: Final = 10.0
# Keys that the team withdrew stop working within this time.
KEYS_MAX_AGE_S: Final = 3600.0
LEEWAY_S: Final = 10.0


def issuer_of(team: str) -> str:
    """The base URL of `WT_ACCESS_TEAM`, which is a team's name or a whole base URL."""
    return team.rstrip("/") if "://" in team else f"https://{team}.cloudflareaccess.com"


class TeamKeys:
    """The team's public keys, fetched when first needed and when an assertion names an unknown one."""

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._tried_at = float("-inf")
        self._fetched_at = float("-inf")
        self._lock = asyncio.Lock()
        self._http: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connection to the key server."""
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def find(self, key_id: str) -> jwt.PyJWK | None:
        """The key `key_id`, or None if the team has no such key.

        :raises Unavailable: if no keys are known and the key server does not answer.
        """
        if not self._is_known(key_id):
            async with self._lock:
                if not self._is_known(key_id) and self._clock() - self._tried_at >= REFRESH_PAUSE_S:
                    await self._refresh()
        if not self._keys:
            raise Unavailable("unavailable", "The sign-in service does not answer.", retry_after_ms=10_000)
        return self._keys.get(key_id)

    def _is_known(self, key_id: str) -> bool:
        return key_id in self._keys and self._clock() - self._fetched_at < KEYS_MAX_AGE_S

    async def _refresh(self) -> None:
        self._tried_at = self._clock()
        if self._http is None:
            self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=FETCH_TIMEOUT_S))
        try:
            async with self._http.get(self._url) as response:
                response.raise_for_status()
                body = await response.read()
            self._keys = _public_keys(codec.decode(body))
        except (aiohttp.ClientError, TimeoutError, codec.MalformedError):
            return
        self._fetched_at = self._clock()


class Access:
    """Verifies the assertions of one Access application."""

    def __init__(self, team: str, audience: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer_of(team)
        self._audience = audience
        self._keys = TeamKeys(self._issuer + CERTS_PATH, clock=clock)

    async def close(self) -> None:
        """Close the connection to the key server."""
        await self._keys.close()

    async def email(self, assertion: str) -> str:
        """The verified e-mail (lower case) that `assertion` carries.

        :raises Refused: `sign_in_required` if anything about it is not as it must be.
        :raises Unavailable: if the team's keys cannot be had.
        """
        try:
            header = jwt.get_unverified_header(assertion)
            algorithm, key_id = header.get("alg"), header.get("kid")
            if algorithm not in ALGORITHMS or not isinstance(key_id, str):
                raise jwt.InvalidAlgorithmError("not an algorithm of Access")
            key = await self._keys.find(key_id)
            if key is None:
                raise jwt.InvalidKeyError("not a key of the team")
            claims = jwt.decode(
                assertion,
                key,
                algorithms=[algorithm],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iat", "aud", "iss"]},
            )
        except jwt.PyJWTError:
            raise Refused("sign_in_required", "Sign in to use this page.") from None
        email = claims.get("email")
        if not isinstance(email, str) or "@" not in email:
            raise Refused("sign_in_required", "Sign in with an account that has an e-mail address.")
        return email.strip().lower()


def _public_keys(document: Any) -> dict[str, jwt.PyJWK]:
    """:raises MalformedError: if the document is not a JWK set. Keys of other kinds are skipped."""
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise codec.MalformedError("not a JWK set")
    keys = {}
    for entry in entries:
        if not isinstance(entry, dict) or entry.get("kty") not in ("RSA", "EC") or "kid" not in entry:
            continue
        try:
            key = jwt.PyJWK.from_dict(entry)
        except jwt.PyJWTError:
            continue
        if key.algorithm_name in ALGORITHMS:
            keys[str(entry["kid"])] = key
    return keys
