"""Assertions of Cloudflare Access, checked against a key server that is really asked."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
import pytest_asyncio

from services.common.access import Access, issuer_of
from services.common.errors import Refused, Unavailable
from services.common.identity import COOKIE, Identities
from services.common.keyring import KeyRing
from tests.support.access import AUDIENCE, Key, Team
from tests.support.clock import Clock

RING = KeyRing(("a secret of the tests",))
RSA = Key.rsa("rsa-1")
EC = Key.ec("ec-1")


@pytest_asyncio.fixture
async def team() -> AsyncIterator[Team]:
    async with Team([RSA, EC]) as running:
        yield running


@pytest_asyncio.fixture
async def access(team: Team, clock: Clock) -> AsyncIterator[Access]:
    access = Access(team.url, AUDIENCE, clock=clock.monotonic)
    yield access
    await access.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def refusal(access: Access, assertion: str) -> str:
    """The code with which an assertion is refused."""
    with pytest.raises(Refused) as refused:
        await access.email(assertion)
    return refused.value.code


@pytest.mark.parametrize("key", [RSA, EC], ids=["RS256", "ES256"])
async def test_a_good_assertion_names_its_email_in_lower_case(access: Access, team: Team, key: Key) -> None:
    assert await access.email(key.sign(team.claims())) == "ana@example.com"


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": ["another-application"]},
        {"aud": None},
        pytest.param({"exp": int(time.time()) - 60}, id="expired"),
        {"exp": None},
        {"iat": None},
        pytest.param({"nbf": int(time.time()) + 24 * 3600}, id="not yet valid"),
        {"iss": "https://evil.cloudflareaccess.com"},
        {"iss": None},
        {"email": None, "common_name": "a-service-token"},
        {"email": 7},
        {"email": ""},
    ],
    ids=str,
)
async def test_a_claim_that_is_not_as_it_must_be_is_refused(
    access: Access, team: Team, changes: dict[str, Any]
) -> None:
    assert await refusal(access, RSA.sign(team.claims(**changes))) == "sign_in_required"


async def test_an_unsigned_assertion_is_refused(access: Access, team: Team) -> None:
    unsigned = jwt.encode(team.claims(), key="", algorithm="none", headers={"kid": RSA.id})
    assert await refusal(access, unsigned) == "sign_in_required"


async def test_a_public_key_used_as_a_shared_secret_is_refused(access: Access, team: Team) -> None:
    header = {"alg": "HS256", "kid": RSA.id, "typ": "JWT"}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, team.claims())]
    secret = json.dumps(RSA.public()).encode()
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(b".".join(parts), secret)
    forged = b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()
    assert await refusal(access, forged) == "sign_in_required"


async def test_anothers_key_under_a_known_name_is_refused(access: Access, team: Team) -> None:
    assert await refusal(access, Key.rsa(RSA.id).sign(team.claims())) == "sign_in_required"


async def test_an_algorithm_that_is_not_the_keys_is_refused(access: Access, team: Team) -> None:
    assert await refusal(access, EC.sign(team.claims(), kid=RSA.id)) == "sign_in_required"


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "ä.ö.ü", "e30.e30.e30"])
async def test_what_is_no_assertion_is_refused(access: Access, text: str) -> None:
    assert await refusal(access, text) == "sign_in_required"


async def test_keys_are_asked_for_once(access: Access, team: Team) -> None:
    for _ in range(3):
        await access.email(RSA.sign(team.claims()))
    assert team.asked == 1


async def test_a_new_key_of_the_team_is_found_after_the_pause(access: Access, team: Team, clock: Clock) -> None:
    await access.email(RSA.sign(team.claims()))
    rotated = Key.rsa("rsa-2")
    team.keys.append(rotated)
    assert await refusal(access, rotated.sign(team.claims())) == "sign_in_required"
    clock.advance(10)
    assert await access.email(rotated.sign(team.claims())) == "ana@example.com"
    assert team.asked == 2


async def test_unknown_keys_do_not_make_us_ask_more_than_once_in_ten_seconds(
    access: Access, team: Team, clock: Clock
) -> None:
    await access.email(RSA.sign(team.claims()))
    clock.advance(10)
    for number in range(5):
        await refusal(access, Key.ec(f"stranger-{number}").sign(team.claims()))
    assert team.asked == 2


async def test_a_withdrawn_key_stops_working_within_the_hour(access: Access, team: Team, clock: Clock) -> None:
    await access.email(RSA.sign(team.claims()))
    team.keys.remove(RSA)
    clock.advance(3600)
    assert await refusal(access, RSA.sign(team.claims())) == "sign_in_required"


async def test_known_keys_serve_on_while_the_key_server_is_broken(access: Access, team: Team, clock: Clock) -> None:
    await access.email(RSA.sign(team.claims()))
    team.is_broken = True
    clock.advance(4000)
    assert await access.email(RSA.sign(team.claims())) == "ana@example.com"


async def test_without_any_keys_the_answer_is_to_try_again(access: Access, team: Team) -> None:
    team.is_broken = True
    with pytest.raises(Unavailable):
        await access.email(RSA.sign(team.claims()))


def test_a_team_is_a_name_or_an_address() -> None:
    assert issuer_of("friends") == "https://friends.cloudflareaccess.com"
    assert issuer_of("http://127.0.0.1:9/") == "http://127.0.0.1:9"


async def test_the_email_header_alone_is_never_believed(access: Access) -> None:
    identities = Identities(RING, access=access, guests_allowed=False)
    with pytest.raises(Refused):
        await identities.authenticate({"cf-access-authenticated-user-email": "ana@example.com"})


async def test_a_verified_person_has_no_cookie_and_is_no_guest(access: Access, team: Team) -> None:
    identities = Identities(RING, access=access, guests_allowed=False)
    identity, cookie = await identities.identify({"cf-access-jwt-assertion": RSA.sign(team.claims())})
    assert (identity.id, identity.email, identity.name) == ("ana@example.com", "ana@example.com", "ana")
    assert not identity.is_guest
    assert cookie is None


async def test_a_verified_persons_chosen_name_is_kept_for_them_alone(access: Access, team: Team) -> None:
    identities = Identities(RING, access=access, guests_allowed=False)
    ana = {"cookie": f"CF_Authorization={RSA.sign(team.claims())}"}
    _, cookie = await identities.identify(ana, name="Ana B")
    assert cookie is not None
    session = cookie.partition(";")[0]
    assert session.startswith(COOKIE)
    named = await identities.authenticate({"cookie": f"{ana['cookie']}; {session}"})
    assert named is not None
    assert named.name == "Ana B"
    ben = RSA.sign(team.claims(email="ben@example.com"))
    other = await identities.authenticate({"cookie": session, "cf-access-jwt-assertion": ben})
    assert other is not None
    assert (other.id, other.name) == ("ben@example.com", "ben")


async def test_with_guests_allowed_a_bad_assertion_is_a_guest(access: Access, team: Team) -> None:
    identities = Identities(RING, access=access, guests_allowed=True)
    expired = RSA.sign(team.claims(exp=int(time.time()) - 60))
    identity, cookie = await identities.identify({"cf-access-jwt-assertion": expired}, name="Ana")
    assert identity.is_guest
    assert cookie is not None
