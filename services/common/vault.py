"""People's cookies at rest: encrypted, bound to who brought them, written anew when the secret changes."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.common import codec
from services.common.cookies import (
    MAX_BYTES,
    BadCookiesError,
    Cookie,
    by_site,
    last_expiry,
    site_of,
    sites_of,
    write_netscape,
)
from services.common.errors import Refused, Unavailable, unanswered
from services.common.keyring import KeyRing, Seal
from services.common.keys import GUEST_PREFIX, Keys

# What is said not to answer, where Redis does not.
STORE: Final = "The store of cookies"
LIFETIME_S: Final = 30 * 24 * 3600
MOST_SITES: Final = 200
# Somebody else who changes the same person's cookies is the same person, elsewhere.
_ATTEMPTS: Final = 8
_INDEX: Final = "index"


class Site(Struct, frozen=True, kw_only=True):
    """What is known of one site without opening its cookies. `expires`: Unix seconds, 0 for a session's.

    `salt` changes whenever the cookies do: nothing that older ones opened is found again.
    """

    field: str
    salt: str
    expires: int
    count: int
    size: int
    stored_at: float


class _Index(Struct, frozen=True, kw_only=True):
    owner: str
    sites: dict[str, Site] = {}
    v: int = 1


class _Drawer(Struct, frozen=True, kw_only=True):
    """One site's cookies. `owner` stands in it, so that a record moved under another name opens for nobody."""

    owner: str
    cookies: list[Cookie]
    v: int = 1


class Jar(Struct, frozen=True, kw_only=True):
    """The cookies that a link's extraction is given. `salt` tells their generation."""

    cookies: list[Cookie]
    salt: str


class Vault:
    """Keeps cookies by person and site. Every method raises `Unavailable` when Redis does not answer."""

    def __init__(
        self,
        redis: Redis,
        keys: Keys,
        ring: KeyRing,
        *,
        guests_allowed: bool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._seal = Seal(ring, "cookies")
        self._guests_allowed = guests_allowed
        self._clock = clock

    async def put(self, owner: str, cookies: Iterable[Cookie]) -> Mapping[str, Site]:
        """Store cookies. Those of a site replace what was there of that site. Answers all sites.

        :raises Refused: `forbidden` for a guest where guests may not; `too_large` if it is too much altogether.
        """
        if not self._may(owner):
            raise Refused("forbidden", "Only people with an account may store cookies here.")
        brought = by_site(cookies)
        for _ in range(_ATTEMPTS):
            raw, index = await self._read_index(owner)
            changed = {site: self._new_site(index.sites.get(site), found) for site, found in brought.items()}
            merged = replace(index, sites={**index.sites, **changed})
            self._check_size(merged)
            fields = {changed[site].field: self._sealed(owner, found) for site, found in brought.items()}
            if await self._write(owner, raw, merged, fields):
                return merged.sites
        raise _busy()

    async def sites(self, owner: str) -> Mapping[str, Site]:
        """What is stored of a person's, by site."""
        return (await self._read_index(owner))[1].sites if self._may(owner) else {}

    async def forget(self, owner: str, host: str = "") -> bool:
        """Delete the cookies of the site that `host` belongs to, '' for all. False if there were none."""
        for _ in range(_ATTEMPTS):
            raw, index = await self._read_index(owner)
            if not raw:
                return False
            site = site_of(host) or host
            if host and site not in index.sites:
                return False
            left = {name: known for name, known in index.sites.items() if host and name != site}
            gone = {known.field: b"" for name, known in index.sites.items() if name not in left}
            if await self._write(owner, raw, replace(index, sites=left), gone):
                return True
        raise _busy()

    async def salt(self, owner: str, host: str) -> str:
        """Whether a person has living cookies for a link to `host`: their generation, '' if not."""
        if not owner or not self._may(owner):
            return ""
        return self._salt((await self._read_index(owner))[1], host)

    async def jar(self, owner: str, host: str) -> Jar | None:
        """The cookies that serve a link to `host`: of its site, and where that is signed in to under another name."""
        if not owner or not self._may(owner):
            return None
        raw, index = await self._read_index(owner)
        salt, now = self._salt(index, host), self._clock()
        if not salt:
            return None
        found: list[Cookie] = []
        for site in _living(index, host, now):
            drawer = self._opened(owner, await self._get(owner, index.sites[site].field))
            if drawer is None:
                return None
            found += [cookie for cookie in drawer.cookies if not cookie.expires or cookie.expires > now]
        # Written again: used cookies live on.
        await self._write(owner, raw, index, {})
        return Jar(cookies=found, salt=salt)

    async def refresh(self, owner: str, host: str, jar: Jar, cookies: Iterable[Cookie]) -> None:
        """Keep what a site changed in the cookies while they were used; nothing, if they were replaced meanwhile.

        Cookies of other sites than the link's are left out.
        """
        raw, index = await self._read_index(owner)
        if self._salt(index, host) != jar.salt:
            return
        mine = _living(index, host, self._clock())
        given = {(cookie.domain, cookie.path, cookie.name): cookie for cookie in jar.cookies}
        brought = {site: found for site, found in by_site(cookies).items() if site in mine}
        changed, fields = dict(index.sites), {}
        for site, found in brought.items():
            if all(given.get((cookie.domain, cookie.path, cookie.name)) == cookie for cookie in found):
                continue
            known = index.sites[site]
            changed[site] = replace(self._new_site(known, found), salt=known.salt, stored_at=known.stored_at)
            fields[known.field] = self._sealed(owner, found)
        merged = replace(index, sites=changed)
        if fields and _size(merged) <= MAX_BYTES:
            await self._write(owner, raw, merged, fields)

    def _may(self, owner: str) -> bool:
        return self._guests_allowed or not owner.startswith(GUEST_PREFIX)

    def _salt(self, index: _Index, host: str) -> str:
        return "+".join(index.sites[site].salt for site in _living(index, host, self._clock()))

    def _new_site(self, known: Site | None, cookies: list[Cookie]) -> Site:
        return Site(
            field=known.field if known else secrets.token_hex(8),
            salt=secrets.token_hex(8),
            expires=last_expiry(cookies),
            count=len(cookies),
            size=len(write_netscape(cookies)),
            stored_at=self._clock(),
        )

    def _check_size(self, index: _Index) -> None:
        if len(index.sites) > MOST_SITES or _size(index) > MAX_BYTES:
            raise BadCookiesError("You have too many cookies here. Delete those of some sites first.", code="too_large")

    def _sealed(self, owner: str, cookies: list[Cookie]) -> bytes:
        return self._seal.close(codec.encode(_Drawer(owner=owner, cookies=cookies)))

    def _opened(self, owner: str, sealed: bytes) -> _Drawer | None:
        content = self._seal.open(sealed)
        try:
            drawer = codec.decode_as(_Drawer, content) if content else None
        except codec.MalformedError:
            return None
        return drawer if drawer is not None and drawer.owner == owner else None

    async def _read_index(self, owner: str) -> tuple[bytes, _Index]:
        """The index as it is stored (b'' for none), and opened; one that can't be opened is as none.

        The first who reads it under a newer secret writes all of the person's sites again: those that are not used
        before the old secret goes would be lost.
        """
        sealed, index = await self._read_sealed(owner)
        if index.sites and self._seal.is_old(sealed):
            await self._seal_again(owner, sealed, index)
            sealed, index = await self._read_sealed(owner)
        return sealed, index

    async def _seal_again(self, owner: str, sealed: bytes, index: _Index) -> None:
        fields: dict[str, bytes] = {}
        for site in index.sites.values():
            drawer = self._opened(owner, await self._get(owner, site.field))
            if drawer is not None:
                fields[site.field] = self._sealed(owner, drawer.cookies)
        await self._write(owner, sealed, index, fields)

    async def _read_sealed(self, owner: str) -> tuple[bytes, _Index]:
        sealed = await self._get(owner, _INDEX)
        content = self._seal.open(sealed) if sealed else None
        try:
            index = codec.decode_as(_Index, content) if content else None
        except codec.MalformedError:
            index = None
        if index is None or index.owner != owner:
            index = _Index(owner=owner)
        return sealed, index

    async def _get(self, owner: str, field: str) -> bytes:
        try:
            found: bytes | None = await self._redis.hget(self._keys.cookies(owner), field)  # type: ignore[misc]
        except (RedisError, OSError) as error:
            unanswered(error, STORE)
        return found or b""

    async def _write(self, owner: str, seen: bytes, index: _Index, fields: Mapping[str, bytes]) -> bool:
        """Whether it was written: not if somebody else wrote since `seen` was read."""
        sealed = self._seal.close(codec.encode(index)) if index.sites else b""
        flat = [part for field, value in fields.items() for part in (field, value)]
        args: list[Any] = [self._keys.cookies(owner), seen, sealed, LIFETIME_S * 1000, *flat]
        try:
            return bool(await self._redis.eval(_script(), 1, *args))  # type: ignore[misc]
        except (RedisError, OSError) as error:
            unanswered(error, STORE)


def _living(index: _Index, host: str, now: float) -> list[str]:
    """The sites with cookies that have not all expired, of those that a link to `host` may need."""
    known = ((site, index.sites.get(site)) for site in sites_of(host))
    return [site for site, found in known if found is not None and (not found.expires or found.expires > now)]


def _size(index: _Index) -> int:
    return sum(site.size for site in index.sites.values())


@cache
def _script() -> str:
    return (files("services.common") / "vault.lua").read_text(encoding="utf-8")


def _busy() -> Unavailable:
    return Unavailable("unavailable", "Your cookies are being changed elsewhere. Try again.", retry_after_ms=1000)
