"""Clients that are not our page: curl, ffmpeg, a WebSocket library."""

from __future__ import annotations

import asyncio
import json
import shutil
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.support.installation import Installation
from tests.support.member import Member
from tests.support.origin import Origin


async def ask(url: str, body: bytes | None = None, **headers: str) -> tuple[int, dict[str, Any]]:
    """One request. Answers status and JSON."""

    def fetch() -> tuple[int, dict[str, Any]]:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data=body, headers=headers), timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    return await asyncio.to_thread(fetch)


async def resolve(installation: Installation, link: str) -> dict[str, Any]:
    status, video = await ask(f"{installation.urls[0]}/api/resolve", json.dumps({"url": link}).encode())
    assert status == 200, video
    return video


async def decoded_seconds(url: str) -> float:
    """How much of a stream ffmpeg decodes from beginning to end."""
    ffmpeg = shutil.which("ffmpeg")
    assert ffmpeg is not None
    process = await asyncio.create_subprocess_exec(
        ffmpeg, "-v", "error", "-nostdin", "-i", url, "-f", "null", "-progress", "-", "-",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    times = [line.split("=")[1] for line in output.decode().splitlines() if line.startswith("out_time_us=")]
    return int(times[-1]) / 1e6


RESOLVED = {
    "clip.mp4": ("direct", ["stream_url"]),
    "hls/master.m3u8": ("hls", ["stream_url"]),
    "dash/template.mpd": ("dash", ["manifest_url"]),
    "dash/base.mpd": ("dash", ["manifest_url"]),
    "watch/pair.clients": ("dash", ["video_url", "audio_url"]),
    "watch/headers.clients": ("dash", ["video_url", "audio_url"]),
}


@pytest.mark.parametrize("path", RESOLVED)
async def test_what_resolve_answers_plays_through_the_proxy_with_ffmpeg(
    path: str, installation: Installation, origin: Origin
) -> None:
    stream_type, names = RESOLVED[path]
    video = await resolve(installation, origin.url(path))
    assert video["stream_type"] == stream_type
    assert video["url"] == origin.url(path)
    assert video["qualities"]
    for name in names:
        assert video[name].startswith("/api/proxy?")
        assert await decoded_seconds(installation.urls[1] + video[name]) == pytest.approx(64, abs=1.5)


async def test_every_stream_address_goes_through_the_proxy(installation: Installation, origin: Origin) -> None:
    video = await resolve(installation, origin.url("watch/pair.addresses"))
    addresses = [video["thumbnail"], video["video_url"], video["audio_url"]]
    addresses += [quality[name] for quality in video["qualities"] for name in ("video_url", "stream_url")]
    addresses += [track["url"] for track in video["audio_tracks"]]
    addresses += [track["url"] for track in video["subtitles"]]
    given = [address for address in addresses if address]
    assert len(given) > 20
    assert all(address.startswith("/api/proxy?") for address in given)


BAD_LINKS = [
    ("ftp://example.org/x", 400, "bad_url"),
    ("javascript:alert(1)", 400, "bad_url"),
    ("not a link", 400, "bad_url"),
    ("http://10.0.0.1/clip.mp4", 403, "private_address"),
    ("http://169.254.169.254/latest/meta-data", 403, "private_address"),
    ("http://localhost/clip.mp4", 403, "private_address"),
    ("http://[::1]/clip.mp4", 403, "private_address"),
]


@pytest.mark.parametrize(("link", "status", "code"), BAD_LINKS)
async def test_a_link_that_must_not_be_opened_is_refused_with_a_code(
    installation: Installation, link: str, status: int, code: str
) -> None:
    answered, body = await ask(f"{installation.urls[0]}/api/resolve", json.dumps({"url": link}).encode())
    assert (answered, body["error"]["code"]) == (status, code)
    assert body["error"]["message"]


async def test_a_body_that_is_too_large_is_refused_and_the_server_goes_on(installation: Installation) -> None:
    status, body = await ask(f"{installation.urls[0]}/api/resolve", b'{"url":"' + b"x" * 100_000 + b'"}')
    assert (status, body["error"]["code"]) == (413, "too_large")
    status, body = await ask(f"{installation.urls[0]}/api/rooms")
    assert status == 200


async def test_a_session_can_be_named_and_is_the_member_of_the_socket(installation: Installation, room: str) -> None:
    request = urllib.request.Request(f"{installation.urls[0]}/api/session", data=b'{"name":"Cleo"}')
    with await asyncio.to_thread(urllib.request.urlopen, request) as answer:
        session, cookie = json.load(answer), answer.headers["Set-Cookie"].split(";")[0]
    async with Member(installation.urls[1], room, "", headers={"Cookie": cookie}) as member:
        you = (await member.expect("room_state"))["you"]
    assert (you["id"], you["name"]) == (session["id"], "Cleo")


async def test_a_stranger_sees_a_room_but_not_its_streams(
    installation: Installation, origin: Origin, room: str
) -> None:
    async with Member(installation.urls[0], room, "Ana") as ana:
        await ana.ask("queue_add", url=origin.url("clip.mp4"))
        await ana.expect("set_video", is_playing=True, timeout_s=30)
        _, seen = await ask(f"{installation.urls[1]}/api/rooms/{room}")
        _, own = await ask(f"{installation.urls[1]}/api/rooms/{room}", Cookie=ana.cookie)
        _, listed = await ask(f"{installation.urls[1]}/api/rooms")
    assert seen["current_video"]["title"] == own["current_video"]["title"]
    assert "/api/proxy" not in json.dumps(seen["current_video"])
    assert "/api/proxy" in json.dumps(own["current_video"])
    assert room in [entry["id"] for entry in listed["rooms"]]


async def test_an_unknown_room_and_a_bad_room_id_have_their_own_codes(installation: Installation, room: str) -> None:
    status, body = await ask(f"{installation.urls[0]}/api/rooms/{room}")
    assert (status, body["error"]["code"]) == (404, "no_such_room")
    status, body = await ask(f"{installation.urls[0]}/api/rooms/no%20room")
    assert (status, body["error"]["code"]) == (400, "bad_room_id")


async def test_a_live_room_moves_with_the_clock_for_everybody(
    installation: Installation, origin: Origin, room: str
) -> None:
    async with Member(installation.urls[0], room, "Ana") as ana, Member(installation.urls[1], room, "Ben") as ben:
        await ana.ask("queue_add", url=origin.url("watch/live.clients"))
        for member in (ana, ben):
            video = (await member.expect("set_video", is_playing=True, timeout_s=30))["video"]
            assert video["is_live"]
