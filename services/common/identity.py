"""Who somebody is: a verified person of Cloudflare Access, else a guest with a signed cookie."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from itsdangerous import BadData, Signer, URLSafeTimedSerializer
from starlette.requests import cookie_parser

from services.common.access import Access
from services.common.config import CommonSettings
from services.common.errors import Refused
from services.common.keyring import KeyRing
from services.common.keys import GUEST_PREFIX, MemberId
from services.common.names import clean_name, friendly_name

COOKIE: Final = "wt_session"
COOKIE_LIFETIME_S: Final = 365 * 24 * 3600
# A cookie older than this is made anew, so that who comes back stays who they are.
COOKIE_RENEWAL: Final = timedelta(days=30)
ASSERTION_HEADER: Final = "cf-access-jwt-assertion"
ASSERTION_COOKIE: Final = "CF_Authorization"


@dataclass(frozen=True, slots=True)
class Identity:
    """One person. `id` is the verified e-mail, else `guest-<id>`; `email` is None for guests."""

    id: MemberId
    name: str
    is_guest: bool
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """What a valid cookie says, and whether it is time to make it anew."""

    id: str
    name: str
    is_stale: bool


class Sessions:
    """Makes and reads the signed session cookie: `{id, name}`, readable by all, made by us alone."""

    def __init__(self, ring: KeyRing) -> None:
        self._serializer = URLSafeTimedSerializer(
            ring.subkeys("session")[::-1],  # itsdangerous signs with the last, we with the first
            salt=COOKIE,
            signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )
        self._newest = Signer(
            ring.subkeys("session")[0], salt=COOKIE, digest_method=hashlib.sha256, key_derivation="hmac"
        )

    def read(self, headers: Mapping[str, str]) -> Session | None:
        """The session of a request's cookie; None if there is none, or it is forged, too old or unreadable."""
        cookie = _cookies(headers).get(COOKIE)
        if not cookie:
            return None
        try:
            content, signed_at = self._serializer.loads(cookie, max_age=COOKIE_LIFETIME_S, return_timestamp=True)
        except BadData:
            return None
        if not isinstance(content, dict):
            return None
        id_, name = content.get("id"), content.get("name")
        if not isinstance(id_, str) or not isinstance(name, str) or not id_:
            return None
        # Under an older secret it ends when that one is taken away.
        is_stale = datetime.now(UTC) - signed_at > COOKIE_RENEWAL or not self._newest.validate(cookie)
        return Session(id_, name, is_stale=is_stale)

    def cookie(self, identity: Identity, *, secure: bool) -> str:
        """The `Set-Cookie` value that makes a browser come back as `identity`."""
        value = self._serializer.dumps({"id": identity.id, "name": identity.name})
        text = f"{COOKIE}={value}; Path=/; Max-Age={COOKIE_LIFETIME_S}; HttpOnly; SameSite=Lax"
        return f"{text}; Secure" if secure else text


class Identities:
    """Tells who sends a request. `headers` is Starlette's `Headers`, or any mapping with lower-case names."""

    def __init__(self, ring: KeyRing, *, access: Access | None = None, guests_allowed: bool = True) -> None:
        self._sessions = Sessions(ring)
        self._access = access
        self._guests_allowed = guests_allowed
        self._views_key = ring.subkeys("session")[0]

    @classmethod
    def of(cls, settings: CommonSettings, ring: KeyRing) -> Identities:
        """As the settings say: Access when a team is named, guests unless they are refused."""
        access = Access(settings.access_team, settings.access_audience) if settings.access_team else None
        return cls(ring, access=access, guests_allowed=settings.guests_allowed)

    async def close(self) -> None:
        """Close what checking assertions opened."""
        if self._access is not None:
            await self._access.close()

    async def authenticate(self, headers: Mapping[str, str]) -> Identity | None:
        """Who this is, or None for a guest who has not been here.

        :raises Refused: `sign_in_required` if guests are not allowed and no valid assertion came.
        :raises Unavailable: if the assertion cannot be checked now.
        """
        session = self._sessions.read(headers)
        email = await self._verified(headers)
        if email is not None:
            # A cookie may name a verified person; who the person is comes from the assertion alone.
            name = session.name if session is not None and session.id == email else email.partition("@")[0]
            return Identity(MemberId(email), clean_name(name) or friendly_name(), is_guest=False, email=email)
        if not self._guests_allowed:
            raise Refused("sign_in_required", "Sign in to use this page.")
        if session is None or not session.id.startswith(GUEST_PREFIX):
            return None
        return Identity(MemberId(session.id), session.name, is_guest=True)

    async def identify(
        self, headers: Mapping[str, str], *, name: str | None = None, secure: bool = False
    ) -> tuple[Identity, str | None]:
        """Who this is, a fresh guest if nobody known; with `name`, called so from now on.

        :param secure: the request came over TLS, so the cookie may insist on it.
        :returns: the identity, and a `Set-Cookie` value when the browser must learn something.
        :raises Refused, Unavailable: as `authenticate`.
        """
        known = await self.authenticate(headers)
        wanted = clean_name(name or "")
        if known is None:
            fresh = self.new_guest(wanted)
            return fresh, self._sessions.cookie(fresh, secure=secure)
        if wanted and wanted != known.name:
            known = replace(known, name=wanted)
            return known, self._sessions.cookie(known, secure=secure)
        session = self._sessions.read(headers)
        if session is not None and session.is_stale and session.id == known.id:
            return known, self._sessions.cookie(known, secure=secure)
        return known, None

    def new_guest(self, name: str = "") -> Identity:
        """A guest nobody has been before, called `name` or something friendly."""
        random = base64.b32encode(secrets.token_bytes(8)).decode().lower()[:12]
        return Identity(MemberId(GUEST_PREFIX + random), clean_name(name) or friendly_name(), is_guest=True)

    def user_hash(self, email: str) -> str:
        """`user-<hash>`: what guests see in place of an e-mail. Keyed, so that guessing addresses tells nothing."""
        digest = hmac.digest(self._views_key, f"view:{email}".encode(), "sha256")
        return f"user-{digest.hex()[:12]}"

    def public_id(self, member: str) -> str:
        """How guests see a member's id: an e-mail as its hash, a guest's as it is."""
        return self.user_hash(member) if "@" in member else member

    async def _verified(self, headers: Mapping[str, str]) -> str | None:
        if self._access is None:
            return None
        assertion = headers.get(ASSERTION_HEADER) or _cookies(headers).get(ASSERTION_COOKIE)
        if not assertion:
            return None
        try:
            return await self._access.email(assertion)
        except Refused:
            if self._guests_allowed:
                return None
            raise


def _cookies(headers: Mapping[str, str]) -> dict[str, str]:
    return cookie_parser(headers.get("cookie", ""))
