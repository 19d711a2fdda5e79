"""The gateway over a real Redis, asked as a browser and as other clients ask."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from services.common import codec
from services.common.chain import ANONYMOUS, PUBLIC, Resolution
from services.common.identity import COOKIE
from services.common.jobs import Jobs
from services.common.keys import Keys, url_digest
from services.common.redis import connect
from services.common.resolution import Resolutions
from services.common.room.sender import Sender
from services.common.room.store import RoomStore
from services.common.wire.models import QueueItem, VideoState
from services.gateway.app import GatewayApp, build
from tests.support.access import AUDIENCE, Key, Team
from tests.support.node import SECRET
from tests.support.redis import RedisServer

LINK = "https://media.example/clip.mp4"
VIDEO = VideoState(url=LINK, title="A <b>film</b>", stream_type="direct", stream_url="/api/proxy?url=secret")
FAR = 4_000_000_000.0


@pytest.fixture
def environ(redis_server: RedisServer, keys: Keys, tmp_path: Path) -> dict[str, str]:
    """What the gateway's replica is told."""
    web = tmp_path / "dist"
    (web / "assets").mkdir(parents=True)
    (web / "index.html").write_text("<html><head><!--head--></head><div><!--shell--></div></html>")
    (web / "assets" / "app-3f.js").write_text("void 0")
    (web / "assets" / "app-3f.js.br").write_bytes(b"squeezed")
    (web / "favicon.svg").write_text("<svg/>")
    return {
        "WT_REDIS_URL": redis_server.url,
        "WT_KEY_PREFIX": keys.prefix,
        "WT_SECRET": SECRET,
        "WT_WEB_DIR": str(web),
        "WT_RESOLVE_WAIT_S": "2",
    }


class Browser(httpx.AsyncClient):
    """Asks one gateway in the same loop; keeps cookies."""

    def __init__(self, app: GatewayApp) -> None:
        transport = httpx.ASGITransport(app.asgi, client=("203.0.113.9", 1), raise_app_exceptions=False)
        super().__init__(transport=transport, base_url="http://watch.example")


@pytest_asyncio.fixture
async def gateway(environ: dict[str, str]) -> AsyncIterator[GatewayApp]:
    app = build(environ)
    await app.start()
    yield app
    await app.stop()


@pytest_asyncio.fixture
async def browser(gateway: GatewayApp) -> AsyncIterator[Browser]:
    async with Browser(gateway) as browser:
        yield browser


@pytest_asyncio.fixture
async def store(redis_server: RedisServer, keys: Keys) -> AsyncIterator[RoomStore]:
    redis = connect(redis_server.url)
    store = RoomStore(redis, keys)
    await store.masters.refresh()
    yield store
    await redis.aclose()


@pytest_asyncio.fixture
async def resolutions(redis_server: RedisServer, keys: Keys) -> AsyncIterator[Resolutions]:
    redis = connect(redis_server.url)
    yield Resolutions(redis, keys)
    await redis.aclose()


def code(response: httpx.Response) -> str:
    """The code of an error answer, whose shape is checked."""
    body = response.json()
    assert set(body) == {"error"}
    assert body["error"]["message"]
    return str(body["error"]["code"])


# Sessions.


async def test_a_caller_gets_a_session_and_keeps_it(browser: Browser) -> None:
    first = await browser.get("/api/session")
    assert first.status_code == 200
    assert first.json()["is_guest"]
    assert "set-cookie" in first.headers
    again = await browser.get("/api/session")
    assert again.json() == first.json()
    assert "set-cookie" not in again.headers


async def test_a_caller_names_themselves(browser: Browser) -> None:
    named = await browser.post("/api/session", json={"name": "  Ana  "})
    assert named.json()["name"] == "Ana"
    assert (await browser.get("/api/session")).json() == named.json()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"name": 3}', b'{"name": ""}', b'{"name": NaN}'])
async def test_a_malformed_body_is_told_apart(browser: Browser, body: bytes) -> None:
    response = await browser.post("/api/session", content=body)
    assert (response.status_code, code(response)) == (400, "malformed")


async def test_an_oversize_body_is_refused_and_the_server_goes_on(browser: Browser) -> None:
    response = await browser.post("/api/session", json={"name": "x" * 20_000})
    assert (response.status_code, code(response)) == (413, "too_large")
    assert (await browser.get("/api/session")).status_code == 200


async def test_new_guests_are_limited_by_address_and_known_ones_are_not(environ: dict[str, str]) -> None:
    app = build({**environ, "WT_NEW_GUESTS_PER_MINUTE": "2"})
    await app.start()
    async with Browser(app) as known, Browser(app) as fresh:
        await known.get("/api/session")
        await fresh.get("/api/session")
        async with Browser(app) as third:
            refused = await third.get("/api/session")
        assert (refused.status_code, code(refused)) == (429, "too_many_requests")
        assert refused.json()["error"]["retry_after_ms"] > 0
        assert int(refused.headers["retry-after"]) >= 1
        assert (await known.get("/api/session")).status_code == 200
    await app.stop()


# Origins.


async def test_a_foreign_pages_change_is_refused_and_a_missing_origin_is_not(browser: Browser) -> None:
    foreign = await browser.post("/api/session", json={"name": "Ana"}, headers={"origin": "http://evil.example"})
    assert (foreign.status_code, code(foreign)) == (403, "bad_origin")
    own = await browser.post("/api/session", json={"name": "Ana"}, headers={"origin": "http://watch.example"})
    assert own.status_code == 200


# Resolving.


async def test_a_resolved_link_answers_with_its_video(browser: Browser, resolutions: Resolutions) -> None:
    known = Resolution(video=VIDEO, resolved_at=1.0, expires_at=FAR)
    await resolutions.results.put(url_digest(LINK), PUBLIC, known)
    response = await browser.post("/api/resolve", json={"url": LINK})
    assert response.status_code == 200
    assert response.json()["stream_url"] == VIDEO.stream_url
    assert "set-cookie" not in response.headers


async def test_a_link_that_needs_an_account_does_not_look_like_our_own_sign_in(
    browser: Browser, resolutions: Resolutions
) -> None:
    failed = Resolution(code="sign_in_required", message="YouTube wants an account.", resolved_at=1.0, expires_at=FAR)
    await resolutions.results.put(url_digest(LINK), PUBLIC, failed)
    response = await browser.post("/api/resolve", json={"url": LINK})
    assert (response.status_code, code(response)) == (422, "sign_in_required")


async def test_a_link_without_a_worker_is_late_not_lost(browser: Browser) -> None:
    response = await browser.post("/api/resolve", json={"url": LINK})
    assert (response.status_code, code(response)) == (504, "timeout")
    assert response.json()["error"]["retry_after_ms"] > 0


@pytest.mark.parametrize(
    ("url", "status"),
    [("ftp://a.example/x", 400), ("javascript:alert(1)", 400), ("not a link", 400), ("http://u:p@a.example/", 403)],
)
async def test_what_is_no_link_of_the_web_is_refused(browser: Browser, url: str, status: int) -> None:
    response = await browser.post("/api/resolve", json={"url": url})
    assert response.status_code == status
    assert code(response) in {"bad_url", "refused_target"}


async def test_resolving_is_limited_by_address(environ: dict[str, str]) -> None:
    app = build({**environ, "WT_RESOLVES_PER_MINUTE": "1"})
    await app.start()
    async with Browser(app) as browser:
        await browser.post("/api/resolve", json={"url": "ftp://x"})
        refused = await browser.post("/api/resolve", json={"url": "ftp://x"})
        assert (refused.status_code, code(refused)) == (429, "too_many_requests")
    await app.stop()


# Rooms.


async def test_a_room_made_from_a_link_is_unlisted_and_queued(browser: Browser, keys: Keys) -> None:
    made = await browser.post("/api/rooms", json={"url": LINK})
    assert made.status_code == 201
    room = made.json()["id"]
    details = (await browser.get(f"/api/rooms/{room}")).json()
    me = (await browser.get("/api/session")).json()["id"]
    assert [(item["url"], item["status"], item["added_by"]) for item in details["queue"]] == [(LINK, "resolving", me)]
    assert details["current_item_id"] == details["queue"][0]["id"]
    assert (await browser.get("/api/rooms")).json() == {"rooms": []}


async def test_a_full_queue_tells_when_to_come_back(environ: dict[str, str], redis: Redis, keys: Keys) -> None:
    await Jobs(redis, keys).enqueue("another", "https://another.example/", ANONYMOUS)
    app = build({**environ, "WT_RESOLVE_QUEUE_MAX": "1"})
    await app.start()
    async with Browser(app) as browser:
        response = await browser.post("/api/resolve", json={"url": LINK})
    await app.stop()
    assert (response.status_code, code(response)) == (429, "busy")
    assert response.json()["error"]["retry_after_ms"] >= 4000
    assert int(response.headers["retry-after"]) >= 4


async def test_a_caller_who_leaves_is_not_waited_for(
    gateway: GatewayApp, resolutions: Resolutions, redis_server: RedisServer, keys: Keys
) -> None:
    body: list[dict[str, Any]] = [{"type": "http.request", "body": codec.encode({"url": LINK}), "more_body": False}]
    sent: list[Any] = []
    left = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if body:
            return body.pop()
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/resolve",
        "raw_path": b"/api/resolve",
        "query_string": b"",
        "headers": [(b"host", b"watch.example")],
        "client": ("203.0.113.9", 1),
        "server": ("watch.example", 80),
        "scheme": "http",
        "http_version": "1.1",
    }
    asking: asyncio.Task[None] = asyncio.create_task(gateway.asgi(scope, receive, send))  # type: ignore[arg-type]
    async with asyncio.timeout(10):
        while not await resolutions.is_wanted(url_digest(LINK)):  # noqa: ASYNC110 - it happens in Redis
            await asyncio.sleep(0.01)
        left.set()
        await asking
    async with aclosing(connect(redis_server.url)) as redis:
        await redis.delete(keys.wanted(url_digest(LINK), PUBLIC))
        await asyncio.sleep(1.2)
        assert not await resolutions.is_wanted(url_digest(LINK))


async def test_a_rooms_link_is_handed_to_the_resolver(browser: Browser, resolutions: Resolutions) -> None:
    room = (await browser.post("/api/rooms", json={"url": LINK})).json()["id"]
    assert [waiter.room for waiter in await resolutions.waiting.of(url_digest(LINK))] == [room]


async def test_an_empty_room_is_only_a_name(browser: Browser) -> None:
    made = await browser.post("/api/rooms", json={})
    assert made.status_code == 201
    assert (await browser.get(f"/api/rooms/{made.json()['id']}")).status_code == 404


async def test_a_room_from_no_link_is_refused(browser: Browser) -> None:
    response = await browser.post("/api/rooms", json={"url": "file:///etc/passwd"})
    assert (response.status_code, code(response)) == (400, "bad_url")


async def join(store: RoomStore, room: str, member: str, *, name: str = "Ana", unlisted: bool = False) -> None:
    await store.join(
        room,
        Sender(member, f"c-{member}"),
        name=name,
        is_guest="@" not in member,
        replica="r1",
        lease_ms=60_000,
        unlisted=unlisted,
    )
    await store.directory.touch(room, await store.masters.time(), listed=not unlisted)


async def play(store: RoomStore, room: str, member: str) -> None:
    """Put `VIDEO` on."""
    item = QueueItem(id="item-1", url=LINK, title=LINK, added_by=member)
    await store.add_item(room, Sender(member, f"c-{member}"), item)
    await store.resolved(room, "item-1", title=VIDEO.title, duration=60, video_json=codec.encode_text(VIDEO))


async def test_rooms_are_listed_last_active_first_without_a_cookie(browser: Browser, store: RoomStore) -> None:
    await join(store, "older", "guest-a", name="Ana")
    await asyncio.sleep(0.01)
    await join(store, "newer", "guest-b", name="Ben")
    await join(store, "secret", "guest-c", unlisted=True)
    listed = await browser.get("/api/rooms")
    assert [room["id"] for room in listed.json()["rooms"]] == ["newer", "older"]
    assert listed.json()["rooms"][0]["member_names"] == ["Ben"]
    assert "set-cookie" not in listed.headers


async def test_streams_are_for_members_and_emails_for_verified_people(browser: Browser, store: RoomStore) -> None:
    me = (await browser.get("/api/session")).json()["id"]
    await join(store, "r", "ana@example.com")
    await play(store, "r", "ana@example.com")
    outside: dict[str, Any] = (await browser.get("/api/rooms/r")).json()
    assert outside["current_video"]["title"] == VIDEO.title
    assert outside["current_video"]["stream_url"] is None
    assert "ana@example.com" not in str(outside)
    await join(store, "r", me, name="Me")
    inside: dict[str, Any] = (await browser.get("/api/rooms/r")).json()
    assert inside["current_video"]["stream_url"] == VIDEO.stream_url
    assert "ana@example.com" not in str(inside)
    assert me in inside["members"]


async def test_rooms_that_are_none_are_told_apart(browser: Browser) -> None:
    absent = await browser.get("/api/rooms/nobody-was-here")
    assert (absent.status_code, code(absent)) == (404, "no_such_room")
    for name in ("a.b", "x" * 65, "a%20b", "%C3%A4"):
        bad = await browser.get(f"/api/rooms/{name}")
        assert (bad.status_code, code(bad)) == (400, "bad_room_id")


# The rest of /api.


async def test_an_unknown_address_under_api_is_json(browser: Browser) -> None:
    for method, path in [("GET", "/api/nothing"), ("POST", "/api/nothing"), ("GET", "/api/resolve"), ("GET", "/api/")]:
        response = await browser.request(method, path)
        assert (response.status_code, code(response)) == (404, "not_found")


async def test_the_page_learns_of_the_installation(environ: dict[str, str]) -> None:
    app = build({**environ, "WT_PEERS": "http://watch.example:8001"})
    async with Browser(app) as browser:
        config = (await browser.get("/api/config")).json()
    assert (config["access"], config["guests"], config["peers"]) == (False, True, ["http://watch.example:8001"])
    assert config["version"]
    await app.stop()


# Pages of the other replicas.


@pytest_asyncio.fixture
async def neighbour(environ: dict[str, str]) -> AsyncIterator[Browser]:
    """A browser at one replica of two."""
    app = build({**environ, "WT_PEERS": ":8000,:8001"})
    async with Browser(app) as browser:
        browser.base_url = "http://watch.example:8001"
        yield browser
    await app.stop()


async def test_a_page_of_another_replica_may_ask_here_in_its_persons_name(neighbour: Browser) -> None:
    origin = {"origin": "http://watch.example:8000"}
    for method, path in [("GET", "/api/config"), ("POST", "/api/rooms"), ("GET", "/api/nothing")]:
        answer = await neighbour.request(method, path, content=b"{}", headers=origin)
        assert answer.headers["access-control-allow-origin"] == "http://watch.example:8000"
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert "retry-after" in answer.headers["access-control-expose-headers"]
        assert "origin" in answer.headers["vary"]


async def test_a_browser_is_told_what_a_page_of_another_replica_may_ask(neighbour: Browser) -> None:
    asking = {"origin": "http://watch.example:8000", "access-control-request-method": "DELETE"}
    answer = await neighbour.options("/api/cookies", headers=asking)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "http://watch.example:8000"
    assert "DELETE" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "content-type"


@pytest.mark.parametrize(
    "origin", ["http://evil.example:8000", "http://watch.example:8002", "null", "https://watch.example:8000"]
)
async def test_a_page_of_nobodys_replica_may_neither_read_nor_change_anything(neighbour: Browser, origin: str) -> None:
    asking = {"origin": origin, "access-control-request-method": "POST"}
    for answer in (
        await neighbour.get("/api/session", headers=asking),
        await neighbour.options("/api/rooms", headers=asking),
    ):
        assert "access-control-allow-origin" not in answer.headers
    refused = await neighbour.post("/api/rooms", json={}, headers=asking)
    assert (refused.status_code, code(refused)) == (403, "bad_origin")


async def test_the_extensions_surface_is_not_for_pages_of_replicas(neighbour: Browser) -> None:
    answer = await neighbour.get("/api/extension/status", headers={"origin": "http://watch.example:8000"})
    assert "access-control-allow-origin" not in answer.headers


async def test_the_page_may_load_media_and_ask_at_all_replicas_of_its_host_and_nowhere_else(neighbour: Browser) -> None:
    policy = (await neighbour.get("/room/r")).headers["content-security-policy"]
    rules = {name: sources for name, _, sources in (rule.partition(" ") for rule in policy.split("; "))}
    both = "http://watch.example:8000 http://watch.example:8001"
    assert rules["img-src"] == f"'self' data: {both}"
    assert rules["media-src"] == f"'self' blob: {both}"
    assert rules["connect-src"] == f"'self' blob: ws: wss: {both}"
    assert rules["script-src"] == "'self'"


async def test_a_host_that_is_none_gets_no_say_in_the_policy(neighbour: Browser) -> None:
    answer = await neighbour.get("/room/r", headers={"host": "x; script-src *"})
    assert "script-src *" not in answer.headers["content-security-policy"]


async def test_a_redis_that_is_away_is_said_to_be(environ: dict[str, str]) -> None:
    app = build({**environ, "WT_REDIS_URL": "redis://127.0.0.1:1/0"})
    await app.start()
    async with Browser(app) as browser:
        response = await browser.get("/api/rooms")
        assert (response.status_code, code(response)) == (503, "unavailable")
        assert (await browser.get("/")).status_code == 200
        assert (await browser.get("/room/r")).status_code == 200
    assert not (await app.health.report()).ready
    await app.stop()


# The page.


async def test_the_page_and_its_files_are_served_with_their_lifetimes(browser: Browser) -> None:
    index = await browser.get("/")
    assert (index.status_code, index.headers["cache-control"]) == (200, "no-cache")
    assert index.headers["content-type"].startswith("text/html")
    script = await browser.get("/assets/app-3f.js")
    assert "immutable" in script.headers["cache-control"]
    assert (await browser.get("/favicon.svg")).headers["cache-control"] == "no-cache"


async def test_a_rooms_page_carries_its_preview_escaped(browser: Browser, store: RoomStore) -> None:
    await join(store, "r", "guest-a", name="Ana")
    await play(store, "r", "guest-a")
    page = (await browser.get("/room/r")).text
    assert 'content="Watch A &lt;b&gt;film&lt;/b&gt; together"' in page
    assert 'content="Ana is there."' in page
    assert "<!--head-->" not in page


async def test_a_room_with_a_password_keeps_to_itself_what_is_on(browser: Browser, store: RoomStore) -> None:
    await join(store, "r", "guest-a", name="Ana")
    await play(store, "r", "guest-a")
    await store.change_settings("r", Sender("guest-a", "c-guest-a"), {}, unlisted=None, password_hash="hash")
    page = (await browser.get("/room/r")).text
    assert "film" not in page
    assert "Ana" not in page


async def test_text_is_served_as_the_build_compressed_it_to_who_reads_that(browser: Browser) -> None:
    squeezed = await browser.get("/assets/app-3f.js", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in squeezed.headers
    async with browser.stream("GET", "/assets/app-3f.js", headers={"accept-encoding": "gzip, br"}) as response:
        assert (response.headers["content-encoding"], response.headers["vary"]) == ("br", "accept-encoding")
        assert response.headers["content-type"].startswith("text/javascript")
        assert "immutable" in response.headers["cache-control"]
        assert b"".join([part async for part in response.aiter_raw()]) == b"squeezed"


async def test_the_page_itself_is_compressed_and_a_rooms_is_in_no_index(browser: Browser) -> None:
    page = await browser.get("/room/r", headers={"accept-encoding": "gzip"})
    assert page.headers["content-encoding"] == "gzip"
    assert page.headers["x-robots-tag"] == "noindex"
    assert "Watch together" in page.text
    assert "x-robots-tag" not in (await browser.get("/")).headers


async def test_what_the_scripts_ask_first_is_asked_beside_them(browser: Browser) -> None:
    assert 'href="/api/session" as="fetch"' in (await browser.get("/room/r")).text
    # Who brings a name gives it first.
    assert "/api/session" not in (await browser.get("/room/r?name=Ana")).text
    assert 'href="/api/rooms" as="fetch"' in (await browser.get("/")).text


async def test_a_page_names_the_files_that_its_part_needs_beside_the_entry(
    browser: Browser, environ: dict[str, str]
) -> None:
    manifest = {
        "index.html": {"file": "assets/index-1.js", "imports": ["_shared.js"]},
        "src/main.tsx": {"file": "assets/main-6.js", "imports": ["_shared.js"]},
        "_shared.js": {"file": "assets/shared-2.js"},
        "src/pages/room/RoomPage.tsx": {"file": "assets/Room-3.js", "imports": ["index.html", "_list.js"]},
        "_list.js": {"file": "assets/list-4.js", "imports": ["_shared.js"]},
        "src/pages/landing/Landing.tsx": {"file": "assets/Landing-5.js", "imports": ["index.html"]},
    }
    folder = Path(environ["WT_WEB_DIR"]) / ".vite"
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps(manifest))

    async def named(path: str) -> list[str]:
        return re.findall('<link rel="modulepreload" href="/assets/([^"]+)" />', (await browser.get(path)).text)

    assert await named("/room/r") == ["Room-3.js", "list-4.js", "main-6.js"]
    assert await named("/") == ["Landing-5.js", "main-6.js"]
    assert await named("/doctor") == []


async def test_unknown_addresses_show_the_page_and_say_404(browser: Browser) -> None:
    for path in ("/somewhere", "/room/a.b", "/assets/none.js", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd"):
        response = await browser.get(path)
        assert response.status_code == 404
        assert "root:" not in response.text


async def test_a_missing_build_says_how_to_make_it(environ: dict[str, str]) -> None:
    app = build({**environ, "WT_WEB_DIR": "/nonexistent"})
    async with Browser(app) as browser:
        for path in ("/", "/room/r", "/assets/app.js"):
            response = await browser.get(path)
            assert response.status_code == 503
            assert "make web" in response.text
    await app.stop()


async def test_every_answer_keeps_the_page_to_itself(browser: Browser) -> None:
    for path in ("/", "/api/config", "/api/nothing", "/favicon.svg"):
        headers = (await browser.get(path)).headers
        assert "script-src 'self';" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"


# Cloudflare Access.


async def test_with_access_everything_wants_a_verified_person(environ: dict[str, str], store: RoomStore) -> None:
    key = Key.rsa("k1")
    async with Team([key]) as team:
        app = build({**environ, "WT_ACCESS_TEAM": team.url, "WT_ACCESS_AUDIENCE": AUDIENCE})
        await app.start()
        async with Browser(app) as browser:
            spoofed = {"cf-access-authenticated-user-email": "ana@example.com"}
            for path in ("/", "/api/session", "/api/rooms", "/room/r", "/api/cookies"):
                response = await browser.get(path, headers=spoofed)
                assert (response.status_code, code(response)) == (401, "sign_in_required")
            signed = {"cf-access-jwt-assertion": key.sign(team.claims())}
            session = await browser.get("/api/session", headers=signed)
            assert session.json() == {"id": "ana@example.com", "name": "ana", "is_guest": False}
            await join(store, "r", "ana@example.com")
            assert "ana@example.com" in (await browser.get("/api/rooms/r", headers=signed)).json()["members"]
            assert (await browser.get("/", headers=signed)).status_code == 200
        await app.stop()


async def test_a_guests_cookie_does_not_open_an_instance_with_access(environ: dict[str, str], browser: Browser) -> None:
    await browser.get("/api/session")
    cookie = browser.cookies[COOKIE]
    async with Team([Key.rsa("k1")]) as team:
        app = build({**environ, "WT_ACCESS_TEAM": team.url, "WT_ACCESS_AUDIENCE": AUDIENCE})
        async with Browser(app) as stranger:
            response = await stranger.get("/api/session", headers={"cookie": f"{COOKIE}={cookie}"})
        assert response.status_code == 401
        await app.stop()
