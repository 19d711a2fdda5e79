"""`/api/cookies` over a real Redis: what is taken, what is told, what is at rest, what deleting ends."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from services.common.chain import Link, scope_of
from services.common.contexts import ContextStore, StreamContext
from services.common.cookies import Cookie
from services.common.errors import Refused
from services.common.keyring import KeyRing
from services.common.keys import Keys
from services.common.lenders import links_of
from services.common.loans import Loan, Loans
from services.common.vault import Vault
from services.gateway.app import build
from tests.support.node import SECRET
from tests.support.redis import RedisServer

RING = KeyRing((SECRET,))
VALUE = "a-value-of-nobody"
SOON = int(time.time()) + 3600
FILE = (
    "# Netscape HTTP Cookie File\n"
    f".video.example\tTRUE\t/\tTRUE\t{SOON}\tsid\t{VALUE}\n"
    f"#HttpOnly_www.video.example\tFALSE\t/\tFALSE\t0\tpref\t{VALUE}\n"
    f"film.co.uk\tFALSE\t/\tFALSE\t{SOON}\tsid\t{VALUE}\n"
)


def cookie(site: str, value: str = VALUE, expires: int = 0) -> Cookie:
    return Cookie(domain=f".{site}", name="sid", value=value, expires=expires)


@pytest.fixture
def environ(redis_server: RedisServer, keys: Keys) -> dict[str, str]:
    return {"WT_REDIS_URL": redis_server.url, "WT_KEY_PREFIX": keys.prefix, "WT_SECRET": SECRET}


@pytest_asyncio.fixture
async def browser(environ: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    app = build(environ)
    await app.start()
    transport = httpx.ASGITransport(app.asgi, client=("203.0.113.9", 1), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://watch.example") as client:
        yield client
    await app.stop()


@pytest.fixture
def vault(redis: Redis, keys: Keys) -> Vault:
    return Vault(redis, keys, RING, guests_allowed=True)


async def everything(redis: Redis, keys: Keys) -> bytes:
    """Every key of the test and every value under it, as Redis holds them."""
    found = b""
    async for key in redis.scan_iter(f"{keys.prefix}:*"):
        found += key + (await redis.dump(key) or b"")
    return found


async def test_cookies_are_told_by_site_and_expiry_and_never_by_value(
    browser: httpx.AsyncClient, redis: Redis, keys: Keys
) -> None:
    stored = await browser.post("/api/cookies", content=FILE)
    assert stored.status_code == 201
    expected = [{"domain": "film.co.uk", "expires_at": SOON}, {"domain": "video.example", "expires_at": None}]
    assert stored.json() == {"sites": expected}
    listed = await browser.get("/api/cookies")
    assert listed.json() == stored.json()
    assert VALUE not in stored.text + listed.text
    assert VALUE.encode() not in await everything(redis, keys)


async def test_a_json_list_is_taken_as_well(browser: httpx.AsyncClient, vault: Vault) -> None:
    entries = [
        {"domain": ".video.example", "name": "a", "value": VALUE, "hostOnly": False, "expirationDate": SOON + 0.5},
        {"domain": "www.video.example", "name": "b", "value": VALUE, "path": "/x", "secure": True, "session": True},
        {"domain": "video.example", "name": "c", "value": "", "hostOnly": False, "expires": -1},
    ]
    assert (await browser.post("/api/cookies", content=json.dumps(entries))).status_code == 201
    me = (await browser.get("/api/session")).json()["id"]
    jar = await vault.jar(me, "video.example")
    assert jar is not None
    assert jar.cookies == [
        Cookie(domain=".video.example", name="a", value=VALUE, expires=SOON),
        Cookie(domain="www.video.example", name="b", value=VALUE, path="/x", secure=True),
        Cookie(domain=".video.example", name="c", value=""),
    ]


async def test_wrong_lines_are_named_without_their_values_and_nothing_is_stored(browser: httpx.AsyncClient) -> None:
    lines = [
        f"video.example\tFALSE\t/\tFALSE\t{VALUE}\tsid\t{VALUE}",
        f"sid={VALUE}",
        ".co.uk\tTRUE\t/\tFALSE\t0\tsid\tx",
    ]
    refused = await browser.post("/api/cookies", content=FILE + "\n".join(lines))
    assert refused.status_code == 400
    error = refused.json()["error"]
    assert error["code"] == "bad_cookies"
    assert [problem["line"] for problem in error["problems"]] == [5, 6, 7]
    assert VALUE not in refused.text
    assert (await browser.get("/api/cookies")).json() == {"sites": []}


async def test_too_much_is_refused_and_the_server_goes_on(browser: httpx.AsyncClient) -> None:
    line = f".video.example\tTRUE\t/\tFALSE\t{SOON}\tsid\t{'x' * 900}\n"
    refused = await browser.post("/api/cookies", content=line * 1200)
    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "too_large")
    assert (await browser.post("/api/cookies", content=FILE)).status_code == 201


async def test_many_small_uploads_may_not_add_up_to_too_much(vault: Vault) -> None:
    for number in range(200):
        await vault.put("ana", [cookie(f"site{number}.example")])
    with pytest.raises(Refused) as refusal:
        await vault.put("ana", [cookie("one-more.example")])
    assert refusal.value.code == "too_large"
    await vault.put("ana", [cookie("site7.example", "another")])


async def test_a_new_upload_replaces_the_sites_it_names_and_leaves_the_others(vault: Vault) -> None:
    await vault.put("ana", [cookie("a.example"), cookie("b.example")])
    before = {host: await vault.salt("ana", host) for host in ("a.example", "b.example")}
    await vault.put("ana", [cookie("a.example", "new")])
    jar = await vault.jar("ana", "www.a.example")
    assert jar is not None
    assert [each.value for each in jar.cookies] == ["new"]
    assert await vault.salt("ana", "a.example") not in ("", before["a.example"])
    assert await vault.salt("ana", "b.example") == before["b.example"]


async def test_expired_cookies_open_nothing(redis: Redis, keys: Keys) -> None:
    now = time.time()
    vault = Vault(redis, keys, RING, guests_allowed=True, clock=lambda: now)
    await vault.put("ana", [cookie("a.example", expires=int(now) + 60)])
    assert await vault.salt("ana", "a.example")
    now += 61
    assert await vault.salt("ana", "a.example") == ""
    assert await vault.jar("ana", "a.example") is None


async def test_deleting_one_site_leaves_the_others_and_deleting_all_leaves_nothing(
    browser: httpx.AsyncClient, redis: Redis, keys: Keys
) -> None:
    await browser.post("/api/cookies", content=FILE)
    assert (await browser.delete("/api/cookies", params={"domain": "www.video.example"})).status_code == 204
    assert [site["domain"] for site in (await browser.get("/api/cookies")).json()["sites"]] == ["film.co.uk"]
    assert (await browser.delete("/api/cookies", params={"domain": "video.example"})).status_code == 404
    assert (await browser.delete("/api/cookies")).status_code == 204
    assert (await browser.get("/api/cookies")).json() == {"sites": []}
    assert not [key async for key in redis.scan_iter(keys.cookies("*"))]


async def test_somebody_elses_cookies_are_neither_seen_nor_deleted(browser: httpx.AsyncClient, vault: Vault) -> None:
    await vault.put("guest-other", [cookie("video.example")])
    await browser.get("/api/session")
    assert (await browser.get("/api/cookies")).json() == {"sites": []}
    assert (await browser.delete("/api/cookies")).status_code == 404
    assert await vault.salt("guest-other", "video.example")


async def test_guests_keep_none_where_the_operator_says_so(environ: dict[str, str], redis: Redis, keys: Keys) -> None:
    app = build({**environ, "WT_GUEST_COOKIES": "0"})
    await app.start()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app.asgi), base_url="http://watch.example") as browser:
        refused = await browser.post("/api/cookies", content=FILE)
    await app.stop()
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
    # Those that are there already serve nobody.
    await Vault(redis, keys, RING, guests_allowed=True).put("guest-a", [cookie("a.example")])
    closed = Vault(redis, keys, RING, guests_allowed=False)
    assert await closed.salt("guest-a", "a.example") == ""
    assert await closed.jar("guest-a", "a.example") is None


async def test_an_old_secret_reads_and_what_is_read_is_written_under_the_new_one(redis: Redis, keys: Keys) -> None:
    old, new = "an old secret of nobody", "a new secret of nobody"
    brought = [cookie("a.example"), cookie("b.example")]
    await Vault(redis, keys, KeyRing((old,)), guests_allowed=True).put("ana", brought)
    only_new = Vault(redis, keys, KeyRing((new,)), guests_allowed=True)
    assert await only_new.jar("ana", "a.example") is None
    assert await Vault(redis, keys, KeyRing((new, old)), guests_allowed=True).jar("ana", "a.example") is not None
    for number, host in enumerate(("a.example", "b.example")):
        jar = await only_new.jar("ana", host)
        assert jar is not None, host
        assert jar.cookies == brought[number : number + 1]


async def test_a_change_of_one_site_under_a_new_secret_takes_the_others_along(redis: Redis, keys: Keys) -> None:
    old, new = "an old secret of nobody", "a new secret of nobody"
    await Vault(redis, keys, KeyRing((old,)), guests_allowed=True).put("ana", [cookie("a.example")])
    await Vault(redis, keys, KeyRing((new, old)), guests_allowed=True).put("ana", [cookie("b.example")])
    assert await Vault(redis, keys, KeyRing((new,)), guests_allowed=True).jar("ana", "a.example") is not None


async def test_a_record_moved_under_another_name_opens_for_nobody(vault: Vault, redis: Redis, keys: Keys) -> None:
    await vault.put("ana", [cookie("a.example")])
    await redis.copy(keys.cookies("ana"), keys.cookies("eve"))
    assert await vault.sites("eve") == {}
    assert await vault.jar("eve", "a.example") is None


async def test_what_a_site_renews_is_kept_unless_the_person_changed_it_meanwhile(vault: Vault) -> None:
    await vault.put("ana", [cookie("a.example"), cookie("b.example")])
    jar = await vault.jar("ana", "a.example")
    assert jar is not None
    renewed = [cookie("a.example", "renewed"), cookie("b.example", "not asked"), cookie("tracker.example", "set")]
    await vault.refresh("ana", "a.example", jar, renewed)
    now = await vault.jar("ana", "a.example")
    assert now is not None
    assert (now.cookies, now.salt) == ([cookie("a.example", "renewed")], jar.salt)
    other = await vault.jar("ana", "b.example")
    assert other is not None
    assert other.cookies == [cookie("b.example")]
    assert set(await vault.sites("ana")) == {"a.example", "b.example"}
    await vault.put("ana", [cookie("a.example", "mine")])
    await vault.refresh("ana", "a.example", jar, [cookie("a.example", "late")])
    last = await vault.jar("ana", "a.example")
    assert last is not None
    assert last.cookies == [cookie("a.example", "mine")]


async def test_the_chain_has_a_way_for_each_lender_with_living_cookies_and_one_without(vault: Vault) -> None:
    await vault.put("ana", [cookie("video.example")])
    await vault.put("cleo", [cookie("video.example")])
    link = "https://www.video.example/watch"
    ways = await links_of(vault, link, ["ana", "ben", "cleo", "ana"], "room/item")
    assert [(way.owner, way.audience) for way in ways] == [("ana", "room/item"), ("cleo", "room/item"), ("", "")]
    elsewhere = await links_of(vault, link, ["ana", "cleo"], "room/other")
    alone = await links_of(vault, link, ["ana"])
    scopes = [way.scope for way in (*ways[:2], *elsewhere[:2], alone[0])]
    assert len(set(scopes)) == 5
    assert await links_of(vault, "https://other.example/", ["ana", "cleo"]) == [Link()]
    await vault.put("ana", [Cookie(domain=".youtube.com", name="SID", value="x")])
    assert [way.owner for way in await links_of(vault, "https://youtu.be/abc", ["ana"])] == ["ana", ""]


async def test_deleting_a_sites_cookies_ends_what_they_opened_under_its_other_names(redis: Redis, keys: Keys) -> None:
    loans = Loans(redis, keys, RING)
    for scope, sites in (("s1", ["youtu.be", "youtube.com"]), ("s2", ["video.example"])):
        await loans.put(scope, Loan(owner="ana", audience="r/i", sites=sites, digest="d", cookies=[], contexts=[]), 60)
    assert await loans.drop("ana", site="youtube.com") == ["r/i"]
    assert await loans.get("s1") is None
    assert await loans.get("s2") is not None


async def test_deleting_cookies_ends_what_they_opened(
    browser: httpx.AsyncClient, redis: Redis, keys: Keys, vault: Vault
) -> None:
    me = (await browser.get("/api/session")).json()["id"]
    await browser.post("/api/cookies", content=FILE)
    loans, contexts = Loans(redis, keys, RING), ContextStore(redis, keys, RING)
    for site, context in (("video.example", "c1"), ("film.co.uk", "c2")):
        scope = scope_of(await vault.salt(me, site), me, "", "digest")
        loan = Loan(
            owner=me, audience="", sites=[site, f"short.{site}"], digest="d", cookies=[cookie(site)], contexts=[context]
        )
        await loans.put(scope, loan, 600)
        stream = StreamContext(page_url="p", format_id="f", url=f"https://{site}/", scope=scope, owner=me)
        await contexts.put({context: stream}, 600)
        found = await contexts.get(context)
        assert found is not None
        assert found.cookies == [cookie(site)]
    assert VALUE.encode() not in await everything(redis, keys)
    await browser.delete("/api/cookies", params={"domain": "video.example"})
    assert await contexts.get("c1") is None
    assert not await redis.exists(keys.stream("c1"))
    assert await contexts.get("c2") is not None
    await browser.delete("/api/cookies")
    assert await contexts.get("c2") is None
    assert not [key async for key in redis.scan_iter(f"{keys.prefix}:loan*")]
