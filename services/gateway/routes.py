"""The REST surface under `/api`."""

from __future__ import annotations

import contextlib
import secrets
import time
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from services import __version__
from services.common import passwords
from services.common.chain import audience_of
from services.common.errors import Refused, Unavailable, http_status
from services.common.guard import parse_url
from services.common.identity import Identities, Identity
from services.common.keys import is_room_id
from services.common.lenders import links_of
from services.common.loans import Loans
from services.common.net import TrustedProxies
from services.common.playlist import Adding, queued
from services.common.playlists import Playlists
from services.common.resolution import Resolutions
from services.common.room.reasons import REASONS
from services.common.room.sender import Sender
from services.common.room.store import RoomStore
from services.common.vault import Vault
from services.common.vitals import ResolverHealth, VitalsStore
from services.common.wire.models import QueueItem, Room, VideoState
from services.common.wire.rest import (
    BanList,
    ClientConfig,
    CookieList,
    CreatedRoom,
    CreateRoomRequest,
    Doctor,
    JoinRequest,
    ResolveRequest,
    RoomList,
    Session,
    SessionRequest,
)
from services.gateway.answers import answer, failure, read_body, read_bytes, while_connected
from services.gateway.callers import Callers
from services.gateway.config import GatewaySettings
from services.gateway.cookies import COOKIE_TEXT, MAX_BYTES, CookieDesk
from services.gateway.limits import AddressLimit
from services.gateway.operations import Operation
from services.gateway.views import bans_for, room_for

# While no worker takes links.
ILL: Final = {503: ResolverHealth}
MOST_ROOMS: Final = 50
PASSWORDS_PER_MINUTE: Final = 10
# Without look-alikes, so that an id can be read aloud.
_ID_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"


class Api:
    """The handlers and what they need."""

    def __init__(
        self,
        settings: GatewaySettings,
        identities: Identities,
        proxies: TrustedProxies,
        callers: Callers,
        store: RoomStore,
        resolutions: Resolutions,
        vault: Vault,
        loans: Loans,
        vitals: VitalsStore,
        playlists: Playlists,
    ) -> None:
        self._settings = settings
        self._public_id = identities.public_id
        self._proxies = proxies
        self._store = store
        self._resolutions = resolutions
        self._vault = vault
        self._vitals = vitals
        self._playlists = playlists
        self._callers = callers
        self._cookies = CookieDesk(vault, loans, store)
        self._resolves = AddressLimit("resolve", settings.resolves_per_minute)
        self._passwords = AddressLimit("password", PASSWORDS_PER_MINUTE)
        self._uploads = AddressLimit("cookies", settings.cookie_uploads_per_minute)

    def operations(self) -> list[Operation]:
        """What can be asked for here."""
        domain = {"domain": "The site whose cookies go; without it those of all sites."}
        return [
            Operation("GET", "/api/config", self.config, answers=ClientConfig),
            Operation("GET", "/api/doctor", self.doctor, answers=Doctor),
            Operation("GET", "/api/session", self.session, answers=Session),
            Operation("POST", "/api/session", self.rename, body=SessionRequest, answers=Session),
            Operation("POST", "/api/resolve", self.resolve, body=ResolveRequest, answers=VideoState),
            Operation("GET", "/api/resolver/health", self.resolver_health, answers=ResolverHealth, also=ILL),
            Operation("GET", "/api/rooms", self.rooms, answers=RoomList),
            Operation("POST", "/api/rooms", self.create_room, body=CreateRoomRequest, answers=CreatedRoom, status=201),
            Operation("GET", "/api/rooms/{room}", self.room, answers=Room),
            Operation("GET", "/api/rooms/{room}/bans", self.bans, answers=BanList),
            Operation("POST", "/api/rooms/{room}/join", self.join, body=JoinRequest, status=204),
            Operation("GET", "/api/cookies", self.cookies, answers=CookieList),
            Operation("POST", "/api/cookies", self.bring_cookies, text=COOKIE_TEXT, answers=CookieList, status=201),
            Operation("DELETE", "/api/cookies", self.delete_cookies, status=204, queries=domain),
        ]

    async def config(self, _request: Request) -> Response:
        """What the page must know of this installation."""
        settings = self._settings
        return answer(
            ClientConfig(
                access=bool(settings.access_team),
                guests=settings.guests_allowed,
                peers=list(settings.peers),
                version=__version__,
            )
        )

    async def doctor(self, request: Request) -> Response:
        """How a request arrives, for whoever looks for what is wrong on its way."""
        caller = self._proxies.caller(request.scope)
        peer = request.client.host if request.client else ""
        return answer(
            Doctor(
                version=__version__,
                time=time.time(),
                scheme=caller.scheme,
                host=caller.host,
                address=caller.address,
                is_proxied=caller.address != peer,
            )
        )

    async def session(self, request: Request) -> Response:
        """Who the caller is: a fresh guest, if nobody known."""
        return await self._introduce(request, None)

    async def rename(self, request: Request) -> Response:
        """Give the caller a name."""
        body = await read_body(request, SessionRequest)
        return await self._introduce(request, body.name)

    async def resolve(self, request: Request) -> Response:
        """Resolve a link, for anybody: with the caller's own cookies where there are some for its site."""
        self._resolves.take(self._callers.address(request), time.monotonic())
        body = await read_body(request, ResolveRequest)
        url, caller = body.url.strip(), await self._callers.known(request)
        links = await links_of(self._vault, url, [caller.id] if caller else [])
        result = await self._resolutions.known(url, links, own=body.own)
        if result is None:
            resolving = self._resolutions.resolve(url, self._settings.resolve_wait_s, links, own=body.own)
            result = await while_connected(request, resolving)
        if result.video is None:
            refusal = Refused(result.code or "unsupported", result.message or "This link could not be opened.")
            # The request was right and the caller welcome: it is the link that can't be played.
            status = http_status(refusal)
            more = {"attempts": result.attempts} if result.attempts else {}
            return failure(refusal, status=422 if status in (400, 401) else status, more=more)
        return answer(result.video)

    async def resolver_health(self, _request: Request) -> Response:
        """How the resolver is: its workers, versions, and each extractor. 503 while nobody takes links."""
        health = await self._vitals.read()
        return answer(health, status=200 if health.workers else 503)

    async def rooms(self, _request: Request) -> Response:
        """The listed rooms, last active first."""
        return answer(RoomList(rooms=await self._store.directory.list_rooms(MOST_ROOMS)))

    async def room(self, request: Request) -> Response:
        """One room, as the caller may see it."""
        room = _room_id(request)
        caller = await self._callers.known(request)
        record = await self._store.snapshot(room)
        if record is None:
            raise Refused("no_such_room", "There is no room of that name.")
        return answer(room_for(record.room(await self._store.masters.time()), caller, self._public_id))

    async def bans(self, request: Request) -> Response:
        """Who is banned from a room, for those of its moderators who are in it."""
        room = _room_id(request)
        caller = await self._callers.known(request)
        if caller is None:
            raise Refused("not_a_member", REASONS["not_a_member"])
        found = await self._store.bans(room, Sender(caller.id))
        return answer(BanList(bans=bans_for(found, caller, self._public_id)))

    async def join(self, request: Request) -> Response:
        """Give a room's password; the caller's sockets are let in from now on."""
        room = _room_id(request)
        self._passwords.take(self._callers.address(request), time.monotonic())
        body = await read_body(request, JoinRequest)
        known = await self._store.password_hash(room)
        if known is None:
            raise Refused("no_such_room", "There is no room of that name.")
        if known and not await passwords.matches(body.password, known):
            raise Refused("wrong_password", "That is not the password.")
        identity, cookie = await self._callers.identify(request)
        await self._store.grant(room, identity.id)
        return answer(None, status=204, cookie=cookie)

    async def create_room(self, request: Request) -> Response:
        """Make a room with a random id, unlisted; with a link, that is its first item."""
        body = await read_body(request, CreateRoomRequest)
        identity, cookie = await self._callers.identify(request)
        room = _random_id(12)
        if body.playlist:
            chosen = await self._playlists.get(identity.id, body.playlist)
            adding = Adding(identity.id, time.time(), lend=body.lend)
            await self._begin(room, identity, *queued(chosen, _random_id(12), adding))
        elif body.url:
            await self._begin(room, identity, self._item(body.url.strip(), identity, lend=body.lend))
        return answer(CreatedRoom(id=room), status=201, cookie=cookie)

    async def cookies(self, request: Request) -> Response:
        """The sites of which the caller's cookies are kept here."""
        caller = await self._callers.known(request)
        return answer(await self._cookies.list(caller.id) if caller else CookieList(sites=[]))

    async def bring_cookies(self, request: Request) -> Response:
        """Keep the caller's cookies: a cookies.txt, or a JSON list as browsers' extensions write it."""
        self._uploads.take(self._callers.address(request), time.monotonic())
        body = await read_bytes(request, MAX_BYTES)
        identity, cookie = await self._callers.identify(request)
        return answer(await self._cookies.bring(identity.id, body), status=201, cookie=cookie)

    async def delete_cookies(self, request: Request) -> Response:
        """Forget the caller's cookies, of `?domain=` or of all sites."""
        caller = await self._callers.known(request)
        if caller is None:
            raise Refused("not_found", "You have no cookies here.")
        await self._cookies.take_back(caller.id, request.query_params.get("domain", ""))
        return answer(None, status=204)

    def _item(self, url: str, identity: Identity, *, lend: bool) -> QueueItem:
        parse_url(url)
        return QueueItem(
            id=_random_id(12),
            url=url,
            title=url[:200],
            added_by=identity.id,
            added_at=time.time(),
            lenders=[identity.id] if lend else [],
        )

    async def _begin(self, room: str, identity: Identity, item: QueueItem, *following: QueueItem) -> None:
        await self._store.add_item(room, Sender(identity.id), item, create=True, unlisted=True)
        await self._store.follow(room, item.id, following)
        # The first replica that hosts the room asks for what is missing: here the flight only gets a head start.
        with contextlib.suppress(Unavailable):
            links = await links_of(self._vault, item.url, item.lenders, audience_of(room, item.id))
            await self._resolutions.want(item.url, room, item.id, links)

    async def _introduce(self, request: Request, name: str | None) -> Response:
        identity, cookie = await self._callers.identify(request, name)
        return answer(Session(id=identity.id, name=identity.name, is_guest=identity.is_guest), cookie=cookie)


def _room_id(request: Request) -> str:
    room = str(request.path_params["room"])
    if not is_room_id(room):
        raise Refused("bad_room_id", "A room's id has 1 to 64 letters, digits, - or _.")
    return room


def _random_id(length: int) -> str:
    return "".join(secrets.choice(_ID_ALPHABET) for _ in range(length))
