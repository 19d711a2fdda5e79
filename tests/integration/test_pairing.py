"""`/api/browsers` and `/api/extension/…` over a real Redis: who is paired, what a token may do, and whose it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from services.common.errors import Refused
from services.common.keyring import KeyRing
from services.common.keys import Keys, MemberId
from services.common.vault import Vault
from services.gateway import browsers, pairing
from services.gateway.app import build
from services.gateway.browsers import Browsers
from services.gateway.pairing import Holder, PairingCodes
from tests.support.node import SECRET
from tests.support.redis import RedisServer

RING = KeyRing((SECRET,))
ANA = MemberId("guest-ana")
VALUE = "a-value-of-nobody"
FILE = f"# Netscape HTTP Cookie File\n.video.example\tTRUE\t/\tTRUE\t0\tsid\t{VALUE}\n"
EXTENSION = {"origin": "chrome-extension://abcdefghijklmnopabcdefghijklmnop"}
COOKIES = "/api/extension/cookies"


@pytest.fixture
def environ(redis_server: RedisServer, keys: Keys) -> dict[str, str]:
    return {
        "WT_REDIS_URL": redis_server.url,
        "WT_KEY_PREFIX": keys.prefix,
        "WT_SECRET": SECRET,
        "WT_PAIRINGS_PER_MINUTE": "50",
    }


@asynccontextmanager
async def gateway(environ: dict[str, str]) -> AsyncIterator[httpx.ASGITransport]:
    app = build(environ)
    await app.start()
    yield httpx.ASGITransport(app.asgi, client=("203.0.113.9", 1), raise_app_exceptions=False)
    await app.stop()


@pytest_asyncio.fixture
async def transport(environ: dict[str, str]) -> AsyncIterator[httpx.ASGITransport]:
    async with gateway(environ) as running:
        yield running


def browser(transport: httpx.ASGITransport, **headers: str) -> httpx.AsyncClient:
    """Somebody's browser, with a session of their own once they opened the page."""
    return httpx.AsyncClient(transport=transport, base_url="http://watch.example", headers=headers)


async def code_of(page: httpx.AsyncClient) -> str:
    await page.get("/api/session")
    issued = await page.post("/api/browsers/code")
    assert issued.status_code == 201
    assert 290 < issued.json()["expires_at"] - time.time() <= 300
    return str(issued.json()["code"])


async def paired(transport: httpx.ASGITransport, page: httpx.AsyncClient, name: str = "Chrome") -> httpx.AsyncClient:
    """The extension of a browser that the page's person connected."""
    extension = browser(transport, **EXTENSION)
    answer = await extension.post("/api/extension/pair", json={"code": await code_of(page), "browser": name})
    assert answer.status_code == 201
    extension.headers["authorization"] = f"Bearer {answer.json()['token']}"
    return extension


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_a_paired_browser_brings_lists_and_deletes_the_cookies_of_its_person(
    transport: httpx.ASGITransport, redis: Redis, keys: Keys
) -> None:
    ana = browser(transport)
    extension = await paired(transport, ana)
    stored = await extension.post(COOKIES, content=FILE)
    assert stored.status_code == 201
    expected = {"sites": [{"domain": "video.example", "expires_at": None}]}
    assert stored.json() == (await extension.get(COOKIES)).json() == (await ana.get("/api/cookies")).json() == expected
    me = (await ana.get("/api/session")).json()["id"]
    assert await Vault(redis, keys, RING, guests_allowed=True).salt(me, "video.example")
    assert (await extension.delete(COOKIES, params={"domain": "www.video.example"})).status_code == 204
    assert (await ana.get("/api/cookies")).json() == {"sites": []}


async def test_a_token_reaches_its_own_person_only(transport: httpx.ASGITransport) -> None:
    ana, eve = browser(transport), browser(transport)
    hers, his = await paired(transport, ana), await paired(transport, eve)
    await hers.post(COOKIES, content=FILE)
    assert (await his.get(COOKIES)).json() == {"sites": []}
    assert (await his.delete(COOKIES, params={"domain": "video.example"})).status_code == 404
    # A session beside the token changes nothing: the token says who it is.
    cookie = "; ".join(f"{name}={value}" for name, value in ana.cookies.items())
    assert (await his.get(COOKIES, headers={"cookie": cookie})).json() == {"sites": []}
    # Another's name in one's own token does not either.
    theirs = str(hers.headers["authorization"]).rsplit(".", 1)[0]
    forged = f"{theirs}.{str(his.headers['authorization']).rsplit('.', 1)[1]}"
    assert refusal(await his.get(COOKIES, headers={"authorization": forged})) == (401, "bad_token")
    browsers_of_eve = (await eve.get("/api/browsers")).json()["browsers"]
    assert refusal(await ana.delete(f"/api/browsers/{browsers_of_eve[0]['id']}")) == (404, "not_found")
    assert (await ana.get("/api/cookies")).json()["sites"]


async def test_a_token_opens_nothing_but_cookies(transport: httpx.ASGITransport) -> None:
    extension = await paired(transport, browser(transport))
    stranger = browser(transport)
    bearing = {"authorization": extension.headers["authorization"]}
    for method, path in (
        ("GET", "/api/cookies"),
        ("GET", "/api/browsers"),
        ("POST", "/api/browsers/code"),
        ("GET", "/api/session"),
    ):
        with_token = await stranger.request(method, path, headers=bearing)
        without = await browser(transport).request(method, path)
        assert with_token.status_code == without.status_code, path
        if path == "/api/session":
            assert with_token.json()["id"] != without.json()["id"]
        else:
            assert with_token.json() == without.json(), path
    # From its own origin it may not even ask.
    assert refusal(await extension.post("/api/rooms", json={})) == (403, "bad_origin")


async def test_what_is_at_rest_gives_neither_code_nor_token_away(
    transport: httpx.ASGITransport, redis: Redis, keys: Keys
) -> None:
    ana = browser(transport)
    extension = await paired(transport, ana)
    code = await code_of(ana)
    found = b""
    async for key in redis.scan_iter(f"{keys.prefix}:*"):
        found += key + (await redis.dump(key) or b"")
    secret = str(extension.headers["authorization"]).rsplit(".", 1)[1]
    assert secret.encode() not in found
    assert code.replace("-", "").encode() not in found


async def test_a_code_works_once_however_it_is_typed(transport: httpx.ASGITransport) -> None:
    ana, extension = browser(transport), browser(transport, **EXTENSION)
    typed = f" {(await code_of(ana)).lower().replace('-', ' ')} "
    answers = await asyncio.gather(*(extension.post("/api/extension/pair", json={"code": typed}) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [400] * 7
    assert {refusal(answer) for answer in answers if answer.status_code == 400} == {(400, "bad_code")}
    assert next(answer for answer in answers if answer.status_code == 201).json()["name"]
    assert len((await ana.get("/api/browsers")).json()["browsers"]) == 1


async def test_a_code_ends_after_five_minutes(redis: Redis, keys: Keys) -> None:
    codes = PairingCodes(redis, keys, RING)
    code = (await codes.issue(Holder(owner=ANA, name="Ana"))).code
    held = [key async for key in redis.scan_iter(keys.pairing("*"))]
    assert [0 < await redis.ttl(key) <= pairing.LIFETIME_S for key in held] == [True]
    await redis.pexpire(held[0], 1)
    await asyncio.sleep(0.01)
    with pytest.raises(Refused) as refused:
        await codes.redeem(code)
    assert refused.value.code == "bad_code"


async def test_who_guesses_is_slowed_down_by_address(environ: dict[str, str]) -> None:
    async with gateway({**environ, "WT_PAIRINGS_PER_MINUTE": "3"}) as transport:
        guesser = browser(transport, **EXTENSION)
        answers = [await guesser.post("/api/extension/pair", json={"code": "AAAA-AAAA"}) for _ in range(4)]
    assert [refusal(answer) for answer in answers] == [(400, "bad_code")] * 3 + [(429, "too_many_requests")]
    # A page can read when to come back: the answer of a refusal may be read as well.
    assert answers[3].headers["access-control-allow-origin"] == EXTENSION["origin"]
    assert 0 < answers[3].json()["error"]["retry_after_ms"] <= 20_000


async def test_guesses_from_everywhere_close_the_door_for_a_while(
    redis: Redis, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairing, "MOST_WRONG", 5)
    codes = PairingCodes(redis, keys, RING)
    code = (await codes.issue(Holder(owner=ANA, name="Ana"))).code
    refusals = []
    for guess in ("AAAAAAAA", "BBBB-BBBB", "?", "", "C" * 64):
        with pytest.raises(Refused) as refused:
            await codes.redeem(guess)
        refusals.append(refused.value.code)
    assert refusals == ["bad_code"] * 5
    with pytest.raises(Refused) as closed:
        await codes.redeem(code)
    assert closed.value.code == "too_many_requests"
    assert 0 < (closed.value.retry_after_ms or 0) <= pairing.LIFETIME_S * 1000
    await redis.delete(keys.limit("pairing", "wrong"))
    assert (await codes.redeem(code)).owner == ANA


async def test_browsers_are_listed_and_revoked_on_the_page(transport: httpx.ASGITransport) -> None:
    ana = browser(transport)
    first, second = await paired(transport, ana, "Chrome on Linux"), await paired(transport, ana, "\u202eFirefox\n")
    listed = (await ana.get("/api/browsers")).json()["browsers"]
    assert {each["name"] for each in listed} == {"Chrome on Linux", "Firefox"}
    assert all(abs(each["used_at"] - time.time()) < 30 for each in listed)
    gone = next(each["id"] for each in listed if each["name"] == "Firefox")
    assert (await ana.delete(f"/api/browsers/{gone}")).status_code == 204
    assert refusal(await second.post(COOKIES, content=FILE)) == (401, "bad_token")
    assert (await first.post(COOKIES, content=FILE)).status_code == 201
    assert (await first.delete("/api/extension/pair")).status_code == 204
    assert refusal(await first.get(COOKIES)) == (401, "bad_token")
    assert (await ana.get("/api/browsers")).json() == {"browsers": []}


async def test_one_person_connects_twenty_browsers_and_no_more(redis: Redis, keys: Keys) -> None:
    kept = Browsers(redis, keys, RING)
    for number in range(browsers.MOST_BROWSERS):
        await kept.admit(ANA, f"Browser {number}")
    with pytest.raises(Refused) as refused:
        await kept.admit(ANA, "One more")
    assert refused.value.code == "too_many_browsers"


async def test_a_token_that_was_not_used_for_half_a_year_is_none(redis: Redis, keys: Keys) -> None:
    now = time.time()
    kept = Browsers(redis, keys, RING, clock=lambda: now)
    used, idle = await kept.admit(ANA, "Used"), await kept.admit(ANA, "Idle")
    now += browsers.LIFETIME_S - 10
    await kept.bearer(used)
    now += 20
    assert (await kept.bearer(used)).owner == ANA
    with pytest.raises(Refused):
        await kept.bearer(idle)
    assert [each.name for each in await kept.list(ANA)] == ["Used"]


async def test_a_token_outlives_the_rotation_of_the_secret_when_it_is_used(redis: Redis, keys: Keys) -> None:
    old, new = "an old secret of nobody", "a new secret of nobody"
    token = await Browsers(redis, keys, KeyRing((old,))).admit(ANA, "Chrome")
    fresh = Browsers(redis, keys, KeyRing((new,)))
    with pytest.raises(Refused):
        await fresh.bearer(token)
    await Browsers(redis, keys, KeyRing((new, old))).bearer(token)
    assert (await fresh.bearer(token)).owner == ANA
    assert len(await fresh.list(ANA)) == 1


async def test_a_use_that_meets_a_revocation_brings_nothing_back(redis: Redis, keys: Keys) -> None:
    now = time.time()
    kept = Browsers(redis, keys, RING, clock=lambda: now)
    token = await kept.admit(ANA, "Chrome")
    now += 2 * browsers.TOUCH_S
    identity = (await kept.list(ANA))[0].id
    outcomes = await asyncio.gather(
        *(kept.bearer(token) for _ in range(20)), kept.revoke(ANA, identity), return_exceptions=True
    )
    assert not [each for each in outcomes if isinstance(each, Exception) and not isinstance(each, Refused)]
    assert await kept.list(ANA) == []


@pytest.mark.parametrize(
    "token",
    ["", "x", "wt1..x", "wt1.!!!.x", "wt1.Z3Vlc3QtYW5h", "wt1.Z3Vlc3QtYW5h.guess", "wt1./w.x", "é.é.é", "w" * 9000],
)
async def test_what_is_no_token_is_refused_as_one_that_is_not_known(transport: httpx.ASGITransport, token: str) -> None:
    stranger = browser(transport, **EXTENSION)
    headers = {"authorization": f"Bearer {token}".encode()}
    answer = await stranger.get(COOKIES, headers=headers)  # type: ignore[arg-type]  # bytes, for what is no ASCII
    assert refusal(answer) == (401, "bad_token")


@pytest.mark.parametrize(
    ("origin", "is_welcome"),
    [
        ("chrome-extension://abcdefghijklmnopabcdefghijklmnop", True),
        ("moz-extension://2c127fa4-62c7-7e4f-90e5-472b45eecfdc", True),
        ("https://evil.example", False),
        ("null", False),
        ("https://evil.example/chrome-extension://a", False),
    ],
)
async def test_any_extension_may_ask_and_no_page(transport: httpx.ASGITransport, origin: str, is_welcome: bool) -> None:
    stranger = browser(transport, origin=origin)
    wanted = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    asked = [await stranger.options(path, headers=wanted) for path in (COOKIES, "/api/extension/pair")]
    brought = await stranger.post(COOKIES, content=FILE)
    for answer in (*asked, brought):
        allowed = answer.headers.get("access-control-allow-origin")
        assert allowed == (origin if is_welcome else None)
        assert "access-control-allow-credentials" not in answer.headers
    assert {answer.status_code for answer in asked} == {200 if is_welcome else 403}
    assert refusal(brought) == ((401, "bad_token") if is_welcome else (403, "bad_origin"))


async def test_a_page_that_nobody_has_opened_gives_no_code(transport: httpx.ASGITransport) -> None:
    assert refusal(await browser(transport).post("/api/browsers/code")) == (401, "sign_in_required")


async def test_all_cookies_at_once_are_not_deleted_by_a_token(transport: httpx.ASGITransport) -> None:
    extension = await paired(transport, browser(transport))
    await extension.post(COOKIES, content=FILE)
    assert refusal(await extension.delete(COOKIES, params={"domain": " ."})) == (400, "malformed")
    assert (await extension.get(COOKIES)).json()["sites"]


async def test_where_guests_keep_no_cookies_their_tokens_bring_none(environ: dict[str, str]) -> None:
    async with gateway({**environ, "WT_GUEST_COOKIES": "0"}) as transport:
        extension = await paired(transport, browser(transport))
        assert refusal(await extension.post(COOKIES, content=FILE)) == (403, "forbidden")


async def test_where_guests_may_not_enter_a_token_is_enough(environ: dict[str, str], redis: Redis, keys: Keys) -> None:
    token = await Browsers(redis, keys, RING).admit(MemberId("ana@watch.example"), "Chrome")
    async with gateway({**environ, "WT_ALLOW_GUESTS": "0"}) as transport:
        extension = browser(transport, **EXTENSION, authorization=f"Bearer {token}")
        assert (await extension.post(COOKIES, content=FILE)).status_code == 201
        assert refusal(await extension.get("/api/cookies")) == (401, "sign_in_required")


async def test_a_browser_that_sends_too_often_is_told_to_wait(environ: dict[str, str]) -> None:
    async with gateway({**environ, "WT_COOKIE_UPLOADS_PER_MINUTE": "2"}) as transport:
        ana = browser(transport)
        one, other = await paired(transport, ana), await paired(transport, ana)
        statuses = [(await one.post(COOKIES, content=FILE)).status_code for _ in range(3)]
        assert statuses == [201, 201, 429]
        assert (await other.post(COOKIES, content=FILE)).status_code == 201
