"""The media origin's HTTP surface: pages, documents, media with faults, and the control interface."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Final
from urllib.parse import unquote, urlencode

import msgspec
import orjson
from aiohttp import web

from tests.support import faults as faulty
from tests.support import signing, videos
from tests.support.faults import Faults
from tests.support.journal import Journal, Seen
from tests.support.ranges import Selection, select
from tests.support.shelf import Resource, Shelf

CHUNK_BYTES: Final = 64 * 1024
TICK_S: Final = 0.05
LAST_MODIFIED: Final = "Thu, 01 Jan 2026 00:00:00 GMT"
CONTROL: Final = "/_control/"


@dataclass(frozen=True, slots=True)
class Standing:
    """A fault that holds for every path beginning with `prefix` until it is taken back."""

    id: int
    prefix: str
    faults: Faults


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, understood. `key` is what `times` and the `forbid_…` faults count by."""

    request: web.Request
    path: str
    faults: Faults
    seen: Seen
    key: str
    base: str


class Site:
    """Answers every request of the origin. Lives in one event loop; `standing` may be replaced from any thread."""

    def __init__(self, shelf: Shelf, journal: Journal, wall: Callable[[], float]) -> None:
        self._shelf = shelf
        self._journal = journal
        self._wall = wall
        self._ids = 0
        self.standing: tuple[Standing, ...] = ()

    def stand(self, prefix: str, faults: Faults) -> Standing:
        """Let `faults` hold for every path beginning with `prefix`; its counts start at zero."""
        self._ids += 1
        standing = Standing(self._ids, prefix, faults)
        self.standing = (*self.standing, standing)
        return standing

    def lift(self, standing: Standing) -> None:
        self.standing = tuple(each for each in self.standing if each.id != standing.id)

    def reset(self) -> None:
        self.standing = ()
        self._journal.clear()

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        return application

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.path.startswith(CONTROL):
            return await self._control(request)
        try:
            ask = self._understand(request)
        except ValueError as error:
            return web.Response(status=400, text=f"{error}\n")
        try:
            response = await self._gate(ask) or await self._serve(ask)
            ask.seen.status = response.status
            return response
        finally:
            ask.seen.is_done = True

    def _understand(self, request: web.Request) -> Ask:
        raw, prefixed = faulty.split_prefix(request.rel_url.raw_path)
        path = unquote(raw)
        pairs = [*prefixed, *request.rel_url.query.items()]
        holding = [each for each in self.standing if path.startswith(each.prefix)]
        faults = faulty.merge(*(each.faults for each in holding), faulty.parse(pairs))
        seen = Seen(
            method=request.method,
            path=path,
            query=dict(pairs),
            headers={name.lower(): value for name, value in request.headers.items()},
            client=request.remote or "",
            at=self._wall(),
        )
        self._journal.seen.append(seen)
        key = f"{[each.id for each in holding]}{request.path_qs}"
        self._journal.asked[key] += 1
        return Ask(request, path, faults, seen, key, f"http://{request.host}")

    async def _gate(self, ask: Ask) -> web.Response | None:
        """The refusal, redirect or error that stands before the resource, if one does."""
        faults, asked = ask.faults, self._journal.asked[ask.key]
        await asyncio.sleep(faults.delay)
        if self._is_forbidden(ask, asked):
            return web.Response(status=403, text="forbidden\n")
        if faults.location and _is_struck(faults, asked):
            return web.Response(status=faults.status or 302, headers={"Location": faults.location})
        if faults.status is not None and _is_struck(faults, asked):
            return web.Response(status=faults.status, text=f"{faults.status}\n")
        return None

    def _is_forbidden(self, ask: Ask, asked: int) -> bool:
        faults = ask.faults
        if faults.forbid_after is not None and asked > faults.forbid_after:
            return True
        if faults.forbid_after_bytes is not None and self._journal.delivered[ask.key] >= faults.forbid_after_bytes:
            return True
        if faults.expire is not None and not signing.is_valid(
            ask.path, faults.expire, faults.sig, faults.ip, client=ask.seen.client, now=self._wall()
        ):
            return True
        return not (_has_headers(ask) and _has_cookies(ask))

    async def _serve(self, ask: Ask) -> web.StreamResponse:
        match ask.path.strip("/").split("/"):
            case ["redirect"]:
                return _redirect(ask)
            case ["watch" | "playlist", video]:
                return web.Response(text=_page(video), content_type="text/html")
            case ["sign-in", value]:
                return _signed_in(value)
            case ["sign-out"]:
                return _signed_in("", max_age=0)
            case ["api", "started", _]:
                return web.json_response({})
            case ["api", "playlist", playlist]:
                return _json(videos.playlist(playlist, ask.base))
            case ["api", "video", video]:
                asker = videos.Asker(ask.base, ask.seen.client, dict(ask.request.cookies))
                return _json(videos.document(video, asker, self._wall(), self._size))
            case _:
                await asyncio.sleep(self._shelf.ready_at(ask.path.lstrip("/"), ask.seen.query) - self._wall())
                resource = self._shelf.find(ask.path.lstrip("/"), ask.faults.ends_at)
                if resource is None:
                    return web.Response(status=404, text="not found\n")
                return await self._send(ask, resource)

    def _size(self, name: str) -> int:
        resource = self._shelf.find(name)
        return resource.size if resource else 0

    async def _send(self, ask: Ask, resource: Resource) -> web.StreamResponse:
        faults, request = ask.faults, ask.request
        etag = f'"{faults.etag or resource.etag}"'
        headers = {"ETag": etag, "Last-Modified": LAST_MODIFIED, "Cache-Control": "no-cache"}
        if not faults.no_range:
            headers["Accept-Ranges"] = "bytes"
        if request.headers.get("If-None-Match") in (etag, "*"):
            return web.Response(status=304, headers=headers)
        selection = _selection(request, faults, resource.size, etag)
        if selection.status == 416:
            return web.Response(status=416, headers={**headers, "Content-Range": f"bytes */{resource.size}"})
        if selection.status == 206:
            headers["Content-Range"] = f"bytes {selection.start}-{selection.stop - 1}/{resource.size}"
        headers["Content-Type"] = faults.type or resource.type
        response = web.StreamResponse(status=selection.status, headers=headers)
        if faults.no_length:
            response.enable_chunked_encoding()
        else:
            response.content_length = selection.stop - selection.start
        ask.seen.status = selection.status
        await response.prepare(request)
        if request.method != "HEAD":
            with contextlib.suppress(ConnectionError):  # players leave in mid-body, as they may
                await self._send_body(ask, resource, selection, response)
        return response

    async def _send_body(
        self, ask: Ask, resource: Resource, selection: Selection, response: web.StreamResponse
    ) -> None:
        faults = ask.faults
        is_struck = _is_struck(faults, self._journal.asked[ask.key])
        stall = _within(faults.stall_at if is_struck else None, selection)
        cut = _within(faults.cut_at if is_struck else None, selection)
        if faults.forbid_after_bytes is not None:
            allowed = selection.start + faults.forbid_after_bytes - self._journal.delivered[ask.key]
            cut = min(allowed, cut or allowed)
        stop = min(each for each in (stall, cut, selection.stop) if each is not None)
        await self._write(ask, resource, selection.start, stop, response)
        if stop == stall:
            await asyncio.Event().wait()
        if stop < selection.stop and ask.request.transport is not None:
            ask.request.transport.close()

    async def _write(self, ask: Ask, resource: Resource, start: int, stop: int, response: web.StreamResponse) -> None:
        rate, clock = ask.faults.rate, asyncio.get_running_loop()
        chunk = CHUNK_BYTES if rate is None else max(1, min(CHUNK_BYTES, round(rate * TICK_S)))
        begun = clock.time()
        for position in range(start, stop, chunk):
            data = resource.read(position, min(position + chunk, stop))
            await response.write(data)
            ask.seen.sent += len(data)
            self._journal.delivered[ask.key] += len(data)
            if rate is not None:
                await asyncio.sleep(begun + (position + len(data) - start) / rate - clock.time())

    async def _control(self, request: web.Request) -> web.Response:
        match (request.method, request.path.removeprefix(CONTROL)):
            case ("GET", "requests"):
                return _json(msgspec.to_builtins(self._journal.of(request.query.get("path", "/"))))
            case ("POST", "reset"):
                self.reset()
                return _json({})
            case ("POST", "faults"):
                try:
                    body = orjson.loads(await request.read())
                    standing = self.stand(str(body["path"]), msgspec.convert(body["faults"], Faults))
                except (ValueError, KeyError, TypeError) as error:
                    return web.Response(status=400, text=f"{error}\n")
                return _json({"id": standing.id})
            case _:
                return web.Response(status=404, text="not found\n")


def _is_struck(faults: Faults, asked: int) -> bool:
    return faults.times is None or asked <= faults.times


def _within(position: int | None, selection: Selection) -> int | None:
    """The position, if an answer of `selection` crosses it: a retry that begins there gets on."""
    if position is None or position >= selection.stop:
        return None
    return position if selection.start < position or selection.start == position == 0 else None


def _has_headers(ask: Ask) -> bool:
    for each in ask.faults.need:
        name, _, value = each.partition(":")
        actual = ask.seen.headers.get(name.strip().lower())
        if actual is None or value.strip() not in ("", actual):
            return False
    return True


def _signed_in(value: str, max_age: int | None = None) -> web.Response:
    """A page that sets, or takes away, cookies of every kind that browsers know."""
    response = web.Response(text="<!doctype html><title>Signed in</title>", content_type="text/html")
    response.set_cookie(videos.COOKIE[0], value, httponly=True, samesite="Strict", max_age=max_age)
    response.set_cookie("__Secure-mark", value, secure=True, max_age=3600 if max_age is None else max_age)
    # Python's cookies know no `Partitioned` before 3.14.
    life = "" if max_age is None else f"; Max-Age={max_age}"
    chip = f"__Host-chip={value}; Path=/; Secure; HttpOnly; SameSite=None; Partitioned{life}"
    response.headers.add("Set-Cookie", chip)
    return response


def _has_cookies(ask: Ask) -> bool:
    cookies = ask.request.cookies
    wanted = (each.partition("=") for each in ask.faults.need_cookie)
    hidden = (each.partition("=") for each in ask.faults.need_digest)
    return all(cookies.get(name) == value for name, _, value in wanted) and all(
        signing.digest(cookies.get(name, "")) == value for name, _, value in hidden
    )


def _selection(request: web.Request, faults: Faults, size: int, etag: str) -> Selection:
    header = request.headers.get("Range")
    if_range = request.headers.get("If-Range")
    if faults.no_range or request.method != "GET" or if_range not in (None, etag, LAST_MODIFIED):
        header = None
    if faults.range_parameter and (part := request.query.get("range")):
        asked = select(f"bytes={part}", size)
        return Selection(200, asked.start, asked.stop)
    selection = select(header, size)
    if faults.shift_range and selection.status == 206:
        return Selection(206, min(selection.start + 1, size - 1), min(selection.stop + 1, size))
    return selection


def _redirect(ask: Ask) -> web.Response:
    """`/redirect?to=<url>&n=<hops>&code=<status>`: n hops on this origin, then there."""
    query = ask.seen.query
    hops, status = int(query.get("n", "1")), int(query.get("code", "302"))
    location = query.get("to", "/")
    if hops > 1:
        location = f"/redirect?{urlencode({'to': location, 'n': hops - 1, 'code': status})}"
    return web.Response(status=status, headers={"Location": location})


def _page(video: str) -> str:
    return (
        f"<!doctype html><html><head><title>{escape(video)}</title></head><body><h1>{escape(video)}</h1></body></html>"
    )


def _json(value: object) -> web.Response:
    if value is None:
        return web.json_response({"error": "not found"}, status=404)
    return web.Response(body=orjson.dumps(value), content_type="application/json")
