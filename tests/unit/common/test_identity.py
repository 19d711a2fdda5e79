"""Guests and their cookies."""

from __future__ import annotations

import re

import pytest
from itsdangerous import URLSafeTimedSerializer

from services.common.errors import Refused
from services.common.identity import COOKIE, Identities, Identity
from services.common.keyring import KeyRing
from services.common.keys import MemberId

OLD = "an old secret of the tests"
NEW = "a new secret of the tests"


def headers(set_cookie: str | None) -> dict[str, str]:
    """What a browser sends that was told `set_cookie`."""
    assert set_cookie is not None
    return {"cookie": f"theme=dark; {set_cookie.partition(';')[0]}"}


@pytest.fixture
def identities() -> Identities:
    return Identities(KeyRing((NEW,)))


async def test_a_stranger_becomes_a_guest_with_a_friendly_name(identities: Identities) -> None:
    guest, cookie = await identities.identify({})
    assert re.fullmatch(r"guest-[a-z2-7]{12}", guest.id)
    assert guest.is_guest
    assert guest.email is None
    assert guest.name
    assert cookie is not None
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie


async def test_a_cookie_over_tls_is_for_tls_only(identities: Identities) -> None:
    _, cookie = await identities.identify({}, secure=True)
    assert cookie is not None
    assert cookie.endswith("; Secure")


async def test_who_comes_back_is_who_they_were_and_learns_nothing_new(identities: Identities) -> None:
    guest, cookie = await identities.identify({}, name="Ana")
    assert guest.name == "Ana"
    assert await identities.identify(headers(cookie)) == (guest, None)
    assert await identities.authenticate(headers(cookie)) == guest


async def test_a_renamed_guest_stays_the_same_guest(identities: Identities) -> None:
    guest, cookie = await identities.identify({}, name="Ana")
    renamed, cookie = await identities.identify(headers(cookie), name="\u202eBen\n")
    assert (renamed.id, renamed.name) == (guest.id, "Ben")
    assert await identities.authenticate(headers(cookie)) == renamed


async def test_nobody_is_nobody(identities: Identities) -> None:
    assert await identities.authenticate({}) is None


@pytest.mark.parametrize("change", [lambda v: v[:-2] + "aa", lambda v: "x" + v, lambda v: "", lambda v: "a.b.c"])
async def test_a_tampered_cookie_is_no_cookie(identities: Identities, change: object) -> None:
    assert callable(change)
    _, cookie = await identities.identify({})
    value = headers(cookie)["cookie"].partition(f"{COOKIE}=")[2]
    assert await identities.authenticate({"cookie": f"{COOKIE}={change(value)}"}) is None


async def test_a_cookie_of_another_installation_is_no_cookie(identities: Identities) -> None:
    _, cookie = await Identities(KeyRing((OLD,))).identify({})
    assert await identities.authenticate(headers(cookie)) is None


async def test_a_cookie_outlives_the_rotation_of_secrets() -> None:
    guest, cookie = await Identities(KeyRing((OLD,))).identify({})
    rotated = Identities(KeyRing((NEW, OLD)))
    assert await rotated.authenticate(headers(cookie)) == guest
    _, fresh = await rotated.identify({})
    assert await Identities(KeyRing((NEW,))).authenticate(headers(fresh)) is not None


async def test_who_comes_while_secrets_rotate_stays_who_they_are_when_the_old_one_is_gone() -> None:
    guest, cookie = await Identities(KeyRing((OLD,))).identify({})
    rotated = Identities(KeyRing((NEW, OLD)))
    again, fresh = await rotated.identify(headers(cookie))
    assert again == guest
    assert await Identities(KeyRing((NEW,))).authenticate(headers(fresh)) == guest
    assert await rotated.identify(headers(fresh)) == (guest, None)


async def test_a_guests_cookie_that_names_an_email_is_not_believed(identities: Identities) -> None:
    owner = Identity(MemberId("ana@example.com"), "Ana", is_guest=False, email="ana@example.com")
    cookie = identities._sessions.cookie(owner, secure=False)
    assert await identities.authenticate(headers(cookie)) is None


async def test_a_cookie_older_than_a_year_is_over_and_one_of_two_months_is_made_anew(
    identities: Identities, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest, cookie = await identities.identify({})
    import time as clock

    now = clock.time()
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: now + 400 * 86400)
    assert await identities.authenticate(headers(cookie)) is None
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: now - 60 * 86400)
    old = identities._sessions.cookie(guest, secure=False)
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: now)
    again, fresh = await identities.identify(headers(old))
    assert again == guest
    assert fresh is not None


async def test_signed_text_of_another_shape_is_no_session(identities: Identities) -> None:
    serializer: URLSafeTimedSerializer = identities._sessions._serializer
    contents: tuple[object, ...] = ([], {"id": 3, "name": "x"}, {"id": "guest-a"}, "guest-a")
    for content in contents:
        assert await identities.authenticate({"cookie": f"{COOKIE}={serializer.dumps(content)}"}) is None


async def test_where_guests_are_not_allowed_a_stranger_must_sign_in() -> None:
    closed = Identities(KeyRing((NEW,)), guests_allowed=False)
    with pytest.raises(Refused) as refused:
        await closed.identify({}, name="Ana")
    assert refused.value.code == "sign_in_required"


def test_guests_see_hashes_in_place_of_emails(identities: Identities) -> None:
    assert re.fullmatch(r"user-[0-9a-f]{12}", identities.user_hash("ana@example.com"))
    assert identities.public_id("ana@example.com") == identities.user_hash("ana@example.com")
    assert identities.public_id("guest-abc") == "guest-abc"
    assert identities.user_hash("ana@example.com") != Identities(KeyRing((OLD,))).user_hash("ana@example.com")
