"""Links that need a sign-in, over gateway, two workers and the proxy: each way of the chain, and nobody beside it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from services.common.chain import Link, audience_of
from services.common.contexts import ContextStore
from services.common.keyring import KeyRing
from services.common.keys import Keys, url_digest
from services.common.lenders import links_of
from services.common.loans import Loans
from services.common.resolution import Resolutions
from services.common.room.entering import enter
from services.common.room.sender import SYSTEM, Sender
from services.common.room.snapshot import RoomRecord
from services.common.room.store import RoomStore
from services.common.vault import Vault
from services.common.wire.models import QueueItem
from tests.support import media
from tests.support.node import ROOT, SECRET, Node
from tests.support.origin import Origin
from tests.support.redis import RedisServer

pytestmark = pytest.mark.timeout(180)
RING = KeyRing((SECRET,))


@dataclass(frozen=True)
class Site:
    """One installation, and what was seen of its processes."""

    gateway: Node
    proxy: Node
    nodes: tuple[Node, ...]
    keys: Keys
    redis_url: str

    def logs(self) -> str:
        return "".join(node.log.read_text(errors="replace") for node in self.nodes)


@pytest.fixture(scope="module")
def site(origin: Origin, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    keys, folder = Keys(f"chain{secrets.token_hex(3)}"), tmp_path_factory.mktemp("chain")
    settings = {
        "WT_REDIS_URL": redis_server.url,
        "WT_KEY_PREFIX": keys.prefix,
        "WT_YTDLP_PLUGIN_DIRS": str(ROOT / "tests/support/plugins"),
        "WT_ALLOWED_PRIVATE_HOSTS": origin.address,
        "WT_RESOLVER_CONCURRENCY": "2",
        "WT_RESOLVES_PER_MINUTE": "0",
        "WT_NEW_GUESTS_PER_MINUTE": "0",
        "WT_COOKIE_UPLOADS_PER_MINUTE": "0",
        "WT_PROXY_DOMAINS": origin.address,
        "WT_LOG_LEVEL": "debug",
        # A busy machine is no finding here.
        "WT_PROXY_CONNECT_TIMEOUT_S": "30",
        "WT_PROXY_FIRST_BYTE_TIMEOUT_S": "30",
    }
    names = ("gateway", "proxy", "resolver", "resolver", "gateway")
    nodes = [Node(f"services.{name}", folder / f"{n}.log", settings=settings) for n, name in enumerate(names)]
    with ExitStack() as stack:
        for node in nodes:
            stack.enter_context(node)
        yield Site(nodes[0], nodes[1], tuple(nodes), keys, redis_server.url)


class Person(httpx.AsyncClient):
    """Somebody at a browser; `id` is who they are here."""

    id: str = ""

    async def share(self, value: str, host: str = "127.0.0.1") -> None:
        answer = await self.post("/api/cookies", content=f"{host}\tFALSE\t/\tFALSE\t0\tsession\t{value}\n")
        assert answer.status_code == 201, answer.text

    async def resolve(self, link: str, **fields: Any) -> httpx.Response:
        return await self.post("/api/resolve", json={"url": link, **fields})


class Crowd:
    """Makes people, and sees them off."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._people: list[Person] = []

    async def one(self, cookie: str = "", host: str = "127.0.0.1") -> Person:
        """Somebody new, who has shared a session cookie of the origin if they have one."""
        person = Person(base_url=self._site.gateway.url, timeout=90)
        self._people.append(person)
        person.id = (await person.get("/api/session")).json()["id"]
        if cookie:
            await person.share(cookie, host)
        return person

    async def close(self) -> None:
        for person in self._people:
            await person.aclose()


@pytest_asyncio.fixture
async def crowd(site: Site) -> AsyncIterator[Crowd]:
    made = Crowd(site)
    yield made
    await made.close()


@pytest.fixture
def keys(site: Site) -> Keys:
    return site.keys


@pytest.fixture
def resolutions(redis: Redis, keys: Keys) -> Resolutions:
    return Resolutions(redis, keys)


@dataclass(frozen=True)
class Cinema:
    """A room of the test's own, and what a replica asks with on its behalf."""

    room: str
    store: RoomStore
    vault: Vault
    resolutions: Resolutions

    async def queue(self, link: str, lenders: list[str]) -> QueueItem:
        item = QueueItem(id=secrets.token_hex(4), url=link, title=link, added_by=lenders[-1], lenders=lenders)
        await self.store.add_item(self.room, SYSTEM, item, create=True)
        return item

    async def links(self, item: QueueItem) -> list[Link]:
        return await links_of(self.vault, item.url, item.lenders, audience_of(self.room, item.id))

    async def opened(self, item: QueueItem) -> QueueItem:
        """The item once its result is in."""
        known = await self.resolutions.want(item.url, self.room, item.id, await self.links(item))
        if known is not None:
            await enter(self.store, self.room, item.id, known)
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            found = (await self.record()).items[item.id]
            if found.status != "resolving":
                return found
            await asyncio.sleep(0.05)
        raise TimeoutError("no result came")

    async def record(self) -> RoomRecord:
        record = await self.store.snapshot(self.room)
        assert record is not None
        return record


@pytest_asyncio.fixture
async def cinema(redis: Redis, keys: Keys, resolutions: Resolutions) -> Cinema:
    store = RoomStore(redis, keys)
    await store.masters.refresh()
    vault = Vault(redis, keys, RING, guests_allowed=True)
    return Cinema(f"room-{secrets.token_hex(4)}", store, vault, resolutions)


@pytest.fixture
def link(origin: Origin) -> str:
    """The page of a video for those who are signed in, a new one for each test."""
    return origin.url(f"/watch/cookie.{secrets.token_hex(4)}")


def asked(origin: Origin, link: str) -> list[str]:
    """The session cookies that came with each extraction of a link, '' for none."""
    seen = origin.requests("/api/video/" + link.rpartition("/")[2])
    return [each.headers.get("cookie", "").removeprefix("session=") for each in seen]


async def bytes_of(site: Site, path: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=site.proxy.url, timeout=90) as player:
        return await player.get(path, headers={"Range": "bytes=0-99"})


def upstream(path: str) -> str:
    return parse_qs(urlsplit(path).query)["url"][0]


async def test_ones_own_cookies_open_a_link_and_play_it_and_nobody_else_gets_either(
    site: Site, crowd: Crowd, origin: Origin, link: str, redis: Redis, resolutions: Resolutions
) -> None:
    ana, ben = await crowd.one("sample-ana"), await crowd.one()
    opened = (await ana.resolve(link)).json()
    assert opened["title"] == "Sample cookie"
    first = (await asyncio.to_thread(media.make().path(media.avc(360)).read_bytes))[:100]
    for path in (opened["video_url"], opened["audio_url"]):
        assert (await bytes_of(site, path)).status_code == 206
    assert first in [(await bytes_of(site, each["video_url"])).content for each in opened["qualities"]]
    # A second time from the cache, of Ana's own.
    assert (await ana.resolve(link)).json()["video_url"] == opened["video_url"]
    assert asked(origin, link) == ["sample-ana"]

    refused = await ben.resolve(link)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "sign_in_required")
    assert asked(origin, link) == ["sample-ana", ""]
    # As bytes neither: what Ana's streams have cached is no hit for a link without her signature, signed or not.
    bare = httpx.QueryParams({"url": upstream(opened["video_url"])})
    assert (await bytes_of(site, f"/api/proxy?{bare}")).status_code == 502
    known = await resolutions.cached(link)
    assert known is not None
    assert known.video is None
    assert [key async for key in redis.scan_iter(site.keys.format(url_digest(link), "*"))] != []


async def test_the_next_way_is_tried_when_cookies_do_not_help_and_each_failure_is_told(
    site: Site,
    crowd: Crowd,
    origin: Origin,
    link: str,
    cinema: Cinema,
) -> None:
    ana, ben = await crowd.one("stale"), await crowd.one("sample-ben")
    both = await cinema.queue(link, [ana.id, ben.id])
    item = await cinema.opened(both)
    assert (item.status, item.opened_with, item.attempts) == ("ready", ben.id, [])
    assert asked(origin, link) == ["stale", "sample-ben"]

    await ben.share("stale too")
    none = await cinema.queue(origin.url(f"/watch/cookie.{secrets.token_hex(4)}"), [ana.id, ben.id])
    item = await cinema.opened(none)
    assert (item.status, item.code, item.opened_with) == ("failed", "sign_in_required", "")
    assert [(each.lender, each.code) for each in item.attempts] == [
        (ana.id, "sign_in_required"),
        (ben.id, "sign_in_required"),
        ("", "sign_in_required"),
    ]
    assert all(each.message for each in item.attempts)
    assert asked(origin, none.url) == ["stale", "stale too", ""]
    over_rest = (await ana.resolve(none.url)).json()["error"]
    assert [each["lender"] for each in over_rest["attempts"]] == [ana.id, ""]


async def test_a_failure_that_cookies_cannot_mend_ends_the_chain(
    site: Site, crowd: Crowd, origin: Origin, cinema: Cinema
) -> None:
    ana = await crowd.one("sample-ana")
    item = await cinema.queue(origin.url(f"/watch/drm.{secrets.token_hex(4)}"), [ana.id])
    assert (await cinema.opened(item)).code == "drm"
    assert asked(origin, item.url) == ["sample-ana"]


async def test_lent_cookies_serve_the_people_of_the_room_and_of_no_other(
    site: Site, crowd: Crowd, origin: Origin, link: str, cinema: Cinema, redis: Redis
) -> None:
    ana, ben, eve = await crowd.one("sample-ana"), await crowd.one(), await crowd.one()
    item = await cinema.queue(link, [ana.id])
    await cinema.store.join(cinema.room, Sender(ben.id, "c1"), name="Ben", is_guest=True, replica="r", lease_ms=60_000)
    assert (await cinema.opened(item)).opened_with == ana.id

    inside = (await ben.get(f"/api/rooms/{cinema.room}")).json()
    stream = inside["current_video"]["video_url"]
    assert (await bytes_of(site, stream)).status_code == 206
    assert inside["queue"][0]["title"] == "Sample cookie"
    outside = await eve.get(f"/api/rooms/{cinema.room}")
    assert outside.json()["current_video"] is None
    assert "Sample cookie" not in outside.text
    assert "Sample cookie" not in (await eve.get("/api/rooms")).text
    assert "Sample cookie" not in (await eve.get(f"/room/{cinema.room}")).text
    # Over REST the members of the room are as everybody.
    assert (await ben.resolve(link)).status_code == 422
    # Another room, where Ana has lent nothing.
    elsewhere = replace(cinema, room=f"{cinema.room}-b")
    other = await elsewhere.queue(link, [ben.id])
    assert (await elsewhere.opened(other)).code == "sign_in_required"
    # Ana's own, over REST, is another scope again: what the room holds is the room's.
    mine = (await ana.resolve(link)).json()
    assert mine["video_url"] != stream
    assert asked(origin, link).count("sample-ana") == 2

    # She takes it back: stream, cache and title end.
    await cinema.store.lend(cinema.room, Sender(ana.id), item.id, lend=False)
    await Loans(redis, site.keys, RING).drop(ana.id, audience=audience_of(cinema.room, item.id))
    record = await cinema.record()
    assert (record.video, record.items[item.id].opened_with, record.items[item.id].status) == (None, "", "resolving")
    context = parse_qs(urlsplit(stream).query)["c"][0]
    assert await ContextStore(redis, site.keys, RING).get(context) is None
    # A stream that the proxy knows already ends within half a minute; one that it does not know at once.
    assert (await bytes_of(site, inside["current_video"]["audio_url"])).status_code == 403
    assert (await bytes_of(site, mine["video_url"])).status_code == 206


async def test_consent_taken_back_while_the_link_is_opened_keeps_the_result_out(
    site: Site, crowd: Crowd, origin: Origin, link: str, cinema: Cinema, redis: Redis
) -> None:
    ana = await crowd.one("sample-ana")
    item = await cinema.queue(link, [ana.id])
    links = await cinema.links(item)
    with origin.fault("/api/video/" + link.rpartition("/")[2], delay=1.5):
        await cinema.resolutions.want(link, cinema.room, item.id, links)
        await origin.wait_async("/api/video/" + link.rpartition("/")[2])
        await cinema.store.lend(cinema.room, Sender(ana.id), item.id, lend=False)
        deadline = time.monotonic() + 90
        while await cinema.resolutions.waiting.of(url_digest(link), links[0].scope):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
    record = await cinema.record()
    assert (record.items[item.id].status, record.video) == ("resolving", None)
    assert not await redis.exists(site.keys.loan(links[0].scope))


async def test_cookies_deleted_while_the_link_is_opened_leave_nothing_behind(
    site: Site, crowd: Crowd, origin: Origin, link: str, cinema: Cinema, redis: Redis
) -> None:
    ana = await crowd.one("sample-ana")
    scope = (await links_of(cinema.vault, link, [ana.id]))[0].scope
    with origin.fault("/api/video/" + link.rpartition("/")[2], delay=1.5):
        asking = asyncio.create_task(ana.resolve(link))
        await origin.wait_async("/api/video/" + link.rpartition("/")[2])
        assert (await ana.delete("/api/cookies")).status_code == 204
        answer = (await asking).json()
    assert answer["error"]["code"] == "sign_in_required"
    assert not await redis.exists(site.keys.loan(scope))
    known = await cinema.resolutions.results.peek(url_digest(link), scope)
    assert known is None or known.video is None


async def test_a_room_of_twenty_runs_each_way_of_its_chain_at_most_once(
    site: Site, crowd: Crowd, origin: Origin, link: str, cinema: Cinema, redis: Redis
) -> None:
    people = [await crowd.one("stale" if number < 5 else "") for number in range(20)]
    item = await cinema.queue(link, [person.id for person in people[:3]])
    links = await cinema.links(item)
    assert len(links) == 4
    replicas = [Resolutions(redis, site.keys) for _ in range(20)]
    await asyncio.gather(*(replica.want(link, cinema.room, item.id, links) for replica in replicas))
    await cinema.opened(item)
    await asyncio.gather(*(replica.want(link, cinema.room, item.id, links) for replica in replicas))
    assert asked(origin, link) == ["stale", "stale", "stale", ""]


async def test_everybodys_result_serves_those_with_cookies_unless_they_ask_for_their_own(
    site: Site, crowd: Crowd, origin: Origin, resolutions: Resolutions
) -> None:
    link = origin.url(f"/watch/premium.{secrets.token_hex(4)}")
    ana, ben = await crowd.one("sample-ana"), await crowd.one()
    assert (await ben.resolve(link)).json()["stream_type"] == "direct"
    assert (await ana.resolve(link)).json()["stream_type"] == "direct"
    assert asked(origin, link) == [""]
    assert (await ana.resolve(link, own=True)).json()["stream_type"] == "dash"
    assert (await ana.resolve(link)).json()["stream_type"] == "dash"
    assert (await ben.resolve(link, own=True)).json()["stream_type"] == "direct"
    assert asked(origin, link) == ["", "sample-ana"]
    known = await resolutions.cached(link)
    assert known is not None
    assert known.video is not None
    assert known.video.stream_type == "direct"


async def test_people_without_cookies_for_the_site_share_one_flight(site: Site, crowd: Crowd, origin: Origin) -> None:
    link = origin.url(f"/watch/slow-1.{secrets.token_hex(4)}")
    people = [await crowd.one("sample", "other.example") for _ in range(6)]
    answers = await asyncio.gather(*(person.resolve(link) for person in people))
    assert {answer.status_code for answer in answers} == {200}
    assert asked(origin, link) == [""]


async def test_a_hundred_who_ask_two_gateways_at_once_cause_one_extraction(site: Site, origin: Origin) -> None:
    link = origin.url(f"/watch/slow-1.{secrets.token_hex(4)}")
    gateways = (site.nodes[0], site.nodes[-1])
    async with httpx.AsyncClient(timeout=90, limits=httpx.Limits(max_connections=100)) as http:
        asking = (http.post(f"{gateways[n % 2].url}/api/resolve", json={"url": link}) for n in range(100))
        answers = await asyncio.gather(*asking)
    assert [answer.status_code for answer in answers] == [200] * 100
    assert len({answer.json()["title"] for answer in answers}) == 1
    assert asked(origin, link) == [""]


async def test_streams_bound_to_the_asking_address_play_through_the_proxy(
    site: Site, crowd: Crowd, origin: Origin
) -> None:
    ben = await crowd.one()
    opened = (await ben.resolve(origin.url(f"/watch/bound.{secrets.token_hex(4)}"))).json()
    direct = upstream(opened["video_url"])
    async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(local_address="127.0.0.2")) as elsewhere:
        assert (await elsewhere.get(direct, headers={"Range": "bytes=0-9"})).status_code == 403
    assert (await bytes_of(site, opened["video_url"])).status_code == 206


def files_with(value: str) -> list[Path]:
    """The cookie files of extractions that hold a value. Other tests' come and go meanwhile."""
    found = []
    for path in Path("/dev/shm").glob("wt-extract-*/cookies.txt"):
        with suppress(OSError):
            if value in path.read_text():
                found.append(path)
    return found


async def test_no_value_of_a_cookie_is_in_any_log_metric_answer_or_record(
    site: Site, crowd: Crowd, origin: Origin, link: str, cinema: Cinema, redis: Redis
) -> None:
    mark = f"sample-MARK{secrets.token_hex(8)}"
    ana, ben = await crowd.one(mark), await crowd.one(f"stale-{mark}")
    told = [(await ana.get("/api/cookies")).text, (await ana.resolve(link)).text]
    opened = (await ana.resolve(link)).json()
    assert (await bytes_of(site, opened["video_url"])).status_code == 206
    told.append((await ben.resolve(link)).text)
    told.append((await ben.resolve(origin.url("/watch/crash.mark"))).text)
    told.append((await ana.post("/api/cookies", content=f"127.0.0.1\tFALSE\t/\tFALSE\tx\t{mark}\t{mark}\n")).text)
    item = await cinema.queue(link, [ben.id, ana.id])
    assert (await cinema.opened(item)).opened_with == ana.id
    told.append((await ben.get(f"/api/rooms/{cinema.room}")).text)
    assert {seen.headers.get("cookie") for seen in origin.requests(f"/{media.avc(360)}")} & {f"session={mark}"}
    async with httpx.AsyncClient() as operator:
        told += [(await operator.get(f"{node.admin_url}/metrics")).text for node in site.nodes]
    records = b""
    async for key in redis.scan_iter("*"):
        records += key + (await redis.dump(key) or b"")
    for where, text in {"answers": "".join(told), "logs": site.logs(), "redis": records.decode("latin-1")}.items():
        assert "MARK" not in text, where
    assert len(site.logs()) > 1000
    assert not await asyncio.to_thread(files_with, mark)
