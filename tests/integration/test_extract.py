"""Real yt-dlp in real children, against the sample sites: results, failures, and what is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from services.common.errors import WatchTogetherError
from services.common.guard import Guard
from services.resolver.config import ResolverSettings
from services.resolver.egress import Egress
from services.resolver.extract import Extractor
from services.resolver.info import Entry
from services.resolver.javascript import find_node
from services.resolver.nursery import FOLDER_PREFIX
from tests.support.node import ROOT
from tests.support.origin import Origin

PLUGINS = str(ROOT / "tests/support/plugins")
DEADLINE_S = 8.0
MEMORY = 512 << 20


@contextlib.asynccontextmanager
async def extracting(address: str, *, node: str, recycle: int = 500) -> AsyncIterator[Extractor]:
    """An extractor that may reach `address`, private as it is."""
    settings = ResolverSettings(
        ytdlp_plugin_dirs=(PLUGINS,),
        resolver_deadline_s=DEADLINE_S,
        resolver_memory_bytes=MEMORY,
        resolver_warm=1,
        resolver_recycle=recycle,
    )
    guard = Guard((address,))
    egress = Egress(guard)
    await egress.start()
    made = Extractor(settings, egress, node)
    await made.start()
    try:
        yield made
    finally:
        await made.close()
        await egress.close()
        guard.close()


@pytest_asyncio.fixture
async def extractor(origin: Origin) -> AsyncIterator[Extractor]:
    """An extractor whose children may start Python in Node's place, for the sample that forks."""
    async with extracting(origin.address, node=sys.executable) as made:
        yield made


def is_gone(pid: int, timeout_s: float = 5.0) -> bool:
    """Whether a process ends within `timeout_s`; one that waits to be collected has ended."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def all_gone(pids: list[int]) -> bool:
    """Whether every one of several processes ends."""
    return all(is_gone(pid) for pid in pids)


def environment_of(pid: int) -> bytes:
    """What a process was started with; for a moment after its start there is nothing to see."""
    deadline = time.monotonic() + 5
    while not (seen := Path(f"/proc/{pid}/environ").read_bytes()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return seen


def processor_limit(pid: int) -> str:
    """How many seconds of processor time a process may take."""
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    return next(line for line in lines if line.startswith("Max cpu time")).split()[3]


def started(origin: Origin, video: str) -> list[int]:
    """The processes that an extraction told the origin of."""
    seen = origin.wait(f"/api/started/{video}", timeout=DEADLINE_S)[0]
    return [int(pid) for pid in seen.query.values()]


@pytest.mark.parametrize(
    ("path", "protocols"),
    [
        ("watch/pair", {"http"}),
        ("watch/hls", {"m3u8_native"}),
        ("watch/dash", {"http_dash_segments"}),
        ("watch/garbage", {"http"}),
        ("playlist/mine", {"http"}),
        ("clip.mp4", {"http"}),
        ("clip.webm", {"http"}),
        ("hls/master.m3u8", {"m3u8_native"}),
        ("hls/360/index.m3u8", {"m3u8_native"}),
        ("dash/template.mpd", {"http_dash_segments"}),
        ("redirect?to=/clip.mp4&n=2", {"http"}),
    ],
)
async def test_links_give_formats(extractor: Extractor, origin: Origin, path: str, protocols: set[str]) -> None:
    info = await extractor.extract(origin.url() + path)
    assert {entry.protocol for entry in info.formats if entry.ext != "mhtml"} == protocols
    assert info.title


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("watch/geo", "geo_blocked"),
        ("watch/age", "sign_in_required"),
        ("watch/cookie", "sign_in_required"),
        ("watch/private", "private"),
        ("watch/removed", "unavailable"),
        ("watch/drm", "drm"),
        ("watch/upcoming", "live_not_started"),
        ("watch/no-such-video", "unavailable"),
        ("watch/crash", "unavailable"),
        ("watch/abort", "unavailable"),
        ("watch/memory", "unavailable"),
        ("watch/hang", "timeout"),
        ("playlist/missing", "unavailable"),
        ("no/such/file.mp4", "unavailable"),
        ("redirect?to=http://169.254.169.254/clip.mp4", "private_address"),
        ("redirect?to=http://10.0.0.1/", "private_address"),
        ("redirect?to=http://[::1]:8080/", "private_address"),
        ("redirect?to=http://example.com:25/", "unsupported"),
    ],
)
async def test_each_failure_ends_in_its_own_code_within_the_deadline(
    extractor: Extractor, origin: Origin, path: str, code: str
) -> None:
    begun = time.monotonic()
    with pytest.raises(WatchTogetherError) as failure:
        await extractor.extract(origin.url() + path)
    assert failure.value.code == code
    assert time.monotonic() - begun < DEADLINE_S + 3


def mpd(kind: str, period: str) -> str:
    return f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="{kind}">{period}</MPD>'


SEGMENTS = '<SegmentTemplate timescale="1" duration="2" media="$Number$.m4s" initialization="i.mp4"/>'
REPRESENTATION = '<Representation id="v" mimeType="video/mp4" bandwidth="500000" width="640" height="360"/>'
WIDEVINE = '<ContentProtection schemeIdUri="urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"/>'
DOCUMENTS = {
    # yt-dlp finds nothing in these; a player may.
    "/remote.mpd": mpd("static", '<Period xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="p.xml"/>'),
    "/soon.mpd": mpd("dynamic", ""),
    "/soon.m3u8": "#EXTM3U\n#EXT-X-VERSION:3\n",
    "/drm.mpd": mpd("static", f"<Period><AdaptationSet>{WIDEVINE}{SEGMENTS}{REPRESENTATION}</AdaptationSet></Period>"),
    "/drm.m3u8": '#EXTM3U\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://x"\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n',
    "/page.mpd": "<html>no manifest</html>",
    "/gone.mpd": "",
}


@contextlib.asynccontextmanager
async def documents() -> AsyncIterator[str]:
    """A site that serves `DOCUMENTS`; gives its `host:port`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        body = DOCUMENTS.get(path, "").encode()
        status = "200 OK" if body else "404 Not Found"
        head = (
            f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    ("path", "outcome"),
    [
        ("/remote.mpd", ("http_dash_segments", False)),
        ("/soon.mpd", ("http_dash_segments", True)),
        ("/soon.m3u8", ("m3u8_native", False)),
        ("/drm.mpd", "drm"),
        ("/drm.m3u8", "drm"),
        ("/page.mpd", "unsupported"),
        ("/gone.mpd", "unavailable"),
    ],
)
async def test_a_manifest_that_yt_dlp_cannot_read_goes_to_the_player_unless_encrypted(
    path: str, outcome: tuple[str, bool] | str
) -> None:
    async with documents() as address, extracting(address, node="") as extractor:
        if isinstance(outcome, str):
            with pytest.raises(WatchTogetherError) as failure:
                await extractor.extract(f"http://{address}{path}")
            assert failure.value.code == outcome
            return
        info = await extractor.extract(f"http://{address}{path}")
        assert (info.formats[0].protocol, info.is_live) == outcome
        assert info.formats[0].manifest_url == f"http://{address}{path}"


async def test_a_playlist_is_its_first_video_and_the_names_of_the_others(extractor: Extractor, origin: Origin) -> None:
    info = await extractor.extract(origin.url("/playlist/names"))
    assert (info.title, len(info.formats) > 5) == ("Sample pair", True)
    assert [(entry.url, entry.title) for entry in info.entries] == [
        (origin.url(f"/watch/{kind}.names"), f"Sample {kind}.names") for kind in ("hls", "progressive")
    ]
    # The others were named and not opened.
    assert origin.requests("/api/video/hls.names") == []


async def test_a_long_playlist_is_cut_and_begins_with_what_is_there(extractor: Extractor, origin: Origin) -> None:
    info = await extractor.extract(origin.url("/playlist/many-250.cut"))
    assert info.title == "Sample pair"
    # The first is gone, and the second is the one that was opened.
    assert len(info.entries) == 198
    assert info.entries[0].url == origin.url("/watch/pair.many-250.cut.2")


async def test_a_channel_is_its_first_lists_first_video_and_that_lists_others(
    extractor: Extractor, origin: Origin
) -> None:
    info = await extractor.extract(origin.url("/playlist/channel.tabs"))
    assert info.title == "Sample pair"
    assert [entry.url for entry in info.entries] == [
        origin.url(f"/watch/{kind}.videos-channel-tabs") for kind in ("hls", "progressive")
    ]
    assert origin.requests("/api/playlist/live-channel-tabs") == []


async def test_a_list_is_told_before_its_first_video_is_opened_and_a_list_of_lists_is_not(
    extractor: Extractor, origin: Origin
) -> None:
    told: list[list[str]] = []

    async def listed(entries: list[Entry]) -> None:
        assert origin.requests("/api/video/pair") == []
        told.append([entry.url for entry in entries])

    origin.reset()
    info = await extractor.extract(origin.url("/playlist/channel.told"), listed=listed)
    assert told == [[origin.url(f"/watch/{kind}.videos-channel-told") for kind in ("hls", "progressive")]]
    assert [entry.url for entry in info.entries] == told[0]


async def test_what_a_playlist_says_is_deleted_is_not_named(extractor: Extractor, origin: Origin) -> None:
    info = await extractor.extract(origin.url("/playlist/holes.gaps"))
    assert [entry.url for entry in info.entries] == [origin.url("/watch/progressive.holes.gaps")]


async def test_a_page_with_several_videos_is_its_first_and_links_to_the_others(
    extractor: Extractor, origin: Origin
) -> None:
    page = origin.url("/playlist/post.trip")
    first = await extractor.extract(page)
    assert (first.title, first.page) == ("Sample one", page)
    assert [(entry.url, entry.title) for entry in first.entries] == [
        (f"{page}#wt-part=2", "Sample two"),
        (f"{page}#wt-part=3", "Sample three"),
    ]
    for entry in first.entries:
        part = await extractor.extract(entry.url)
        # What follows was named with the first. All have one id, and none may stand for another.
        assert (part.title, part.page, part.entries, part.id) == (entry.title, entry.url, [], first.id)
    with pytest.raises(WatchTogetherError, match="no video behind this link"):
        await extractor.extract(f"{page}#wt-part=4")


async def test_a_broadcast_that_is_just_over_is_opened_as_far_as_it_can_be(
    extractor: Extractor, origin: Origin
) -> None:
    info = await extractor.extract(origin.url("/watch/over"))
    assert {entry.protocol for entry in info.formats} == {"m3u8_native"}
    assert info.duration is None
    # And the next extraction of the same nursery asks as ever.
    assert len((await extractor.extract(origin.url("/watch/pair.after"))).formats) > 5


async def test_a_link_says_where_to_begin(extractor: Extractor, origin: Origin) -> None:
    assert (await extractor.extract(origin.url("/watch/pair.begin?t=30"))).start == 30


async def test_a_hung_extraction_leaves_no_process_and_no_folder(extractor: Extractor, origin: Origin) -> None:
    folder = extractor._spares[-1].folder
    assert folder.name.startswith(FOLDER_PREFIX)
    with pytest.raises(WatchTogetherError):
        await extractor.extract(origin.url("/watch/hang.left"))
    assert all_gone(started(origin, "hang.left"))
    assert not await asyncio.to_thread(folder.exists)


async def test_an_extraction_that_outlives_its_worker_has_an_end_of_its_own(
    extractor: Extractor, origin: Origin
) -> None:
    running = asyncio.create_task(extractor.extract(origin.url("/watch/hang.limits")))
    [pid] = await asyncio.to_thread(started, origin, "hang.limits")
    seconds = processor_limit(pid)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert seconds == "600"


async def test_what_an_extraction_has_forked_ends_with_it(extractor: Extractor, origin: Origin) -> None:
    with pytest.raises(WatchTogetherError) as failure:
        await extractor.extract(origin.url("/watch/fork.left"))
    pids = started(origin, "fork.left")
    assert failure.value.code == "timeout"
    assert len(pids) == 2
    assert all_gone(pids)


async def test_a_memory_hog_is_stopped_at_its_limit(extractor: Extractor, origin: Origin) -> None:
    with pytest.raises(WatchTogetherError, match="more memory than allowed"):
        await extractor.extract(origin.url("/watch/memory.limit"))
    assert all_gone(started(origin, "memory.limit"))


async def test_a_cancelled_extraction_is_killed(extractor: Extractor, origin: Origin) -> None:
    running = asyncio.create_task(extractor.extract(origin.url("/watch/hang.cancel")))
    await origin.wait_async("/api/started/hang.cancel")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert running.cancelled()
    assert all_gone(started(origin, "hang.cancel"))


async def test_cookies_reach_the_site_from_a_private_file_that_goes(extractor: Extractor, origin: Origin) -> None:
    cookies = "# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t0\tsession\tsample\n"
    folder = extractor._spares[-1].folder
    info = await extractor.extract(origin.url("/watch/cookie.jar"), cookies)
    [cookie] = info.cookies
    assert (cookie.domain, cookie.name, cookie.value) == ("127.0.0.1", "session", "sample")
    assert info.jar == info.cookies
    assert not any("Cookie" in entry.headers for entry in info.formats)
    assert not await asyncio.to_thread(folder.exists)


async def test_an_extractor_cannot_reach_the_clouds_metadata(extractor: Extractor, origin: Origin) -> None:
    info = await extractor.extract(origin.url("/watch/metadata.try"))
    assert info.title == "Sample metadata"


async def test_several_extractions_run_beside_each_other(extractor: Extractor, origin: Origin) -> None:
    await asyncio.gather(*(extractor.extract(origin.url(f"/watch/slow-4.side{number}")) for number in range(3)))
    begun = [seen.at for seen in origin.requests("/api/video/slow-4.side")]
    assert len(begun) == 3
    assert max(begun) - min(begun) < 4


async def test_a_child_that_died_while_it_waited_is_replaced(extractor: Extractor, origin: Origin) -> None:
    waiting = extractor._spares[0]
    os.kill(waiting.pid, signal.SIGKILL)
    async with asyncio.timeout(10):
        while waiting.is_alive:  # noqa: ASYNC110 - a process ends
            await asyncio.sleep(0.01)
    assert (await extractor.extract(origin.url("/watch/progressive.spare"))).title == "Sample progressive"


async def test_whatever_extractors_do_the_pool_is_at_full_strength_after(extractor: Extractor, origin: Origin) -> None:
    async def outcome(kind: str) -> str:
        try:
            return (await extractor.extract(origin.url(f"/watch/{kind}.strength"))).title
        except WatchTogetherError as error:
            return error.code

    begun = time.monotonic()
    kinds = ("hang", "memory", "fork", "garbage", "abort", "crash")
    assert await asyncio.gather(*map(outcome, kinds)) == [
        *("timeout", "unavailable", "timeout", "Sample garbage", "unavailable", "unavailable")
    ]
    # The deadline, ten seconds to end what doesn't end, and as much again for a busy machine.
    assert time.monotonic() - begun < 3 * DEADLINE_S + 10
    assert await asyncio.gather(*(outcome("pair") for _ in range(6))) == ["Sample pair"] * 6
    assert all_gone(started(origin, "fork.strength"))


async def test_a_nursery_that_was_killed_is_replaced(extractor: Extractor, origin: Origin) -> None:
    nursery = extractor._nurseries._current
    assert nursery is not None
    nursery._process.kill()
    await nursery._process.wait()
    for number in range(3):
        info = await extractor.extract(origin.url(f"/watch/progressive.nursery{number}"))
        assert info.title == "Sample progressive"
    assert extractor._nurseries._current is not nursery


async def test_a_nursery_is_replaced_after_its_share_and_ends_with_its_last_child(origin: Origin) -> None:
    async with extracting(origin.address, node="", recycle=2) as extractor:
        first = extractor._nurseries._current
        assert first is not None
        slow = asyncio.create_task(extractor.extract(origin.url("/watch/slow-2.recycle")))
        await origin.wait_async("/api/video/slow-2.recycle")
        for number in range(3):
            await extractor.extract(origin.url(f"/watch/progressive.recycle{number}"))
        assert extractor._nurseries._current is not first
        assert (await slow).title == "Sample slow"
        async with asyncio.timeout(10):
            await first._process.wait()


FENCE = """
    import socket, subprocess, sys
    from services.resolver.fence import Fence
    from yt_dlp.utils._jsruntime import NodeJsRuntime

    proxy, elsewhere, node = sys.argv[1:]
    fence = Fence()
    sys.addaudithook(fence)
    fence.open([proxy], [node])

    def refused(act):
        try:
            act()
        except PermissionError:
            return True
        except Exception as error:
            return repr(error)
        return False

    host, port = elsewhere.split(":")
    import os
    print(refused(lambda: socket.create_connection((host, int(port)))))
    print(refused(lambda: socket.getaddrinfo("example.com", 80)))
    print(refused(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", (host, int(port)))))
    print(refused(lambda: socket.socket(socket.AF_UNIX).connect("/run/docker.sock")))
    print(refused(lambda: subprocess.run(["/bin/sh", "-c", "true"])))
    print(refused(lambda: os.system("true")))
    print(refused(lambda: os.posix_spawn("/bin/true", ["true"], {})))
    socket.create_connection(tuple(proxy.removeprefix("http://").split(":"))).close()
    print(NodeJsRuntime(node).info.supported)
"""


def test_past_the_fence_there_is_only_the_proxy_and_node(origin: Origin) -> None:
    node = find_node()
    with Origin() as proxy:
        arguments = [f"http://{proxy.address}", origin.address, node]
        outcome = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(FENCE), *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert outcome.stdout.split() == ["True"] * 8, outcome.stderr


ORPHAN = """
    import asyncio, sys
    from services.common.guard import Guard
    from services.resolver.config import ResolverSettings
    from services.resolver.egress import Egress
    from services.resolver.extract import Extractor

    async def main():
        address, plugins, url = sys.argv[1:]
        egress = Egress(Guard((address,)))
        await egress.start()
        extractor = Extractor(ResolverSettings(ytdlp_plugin_dirs=(plugins,)), egress, sys.executable)
        await extractor.start()
        await extractor.extract(url)

    asyncio.run(main())
"""


def test_children_end_when_the_worker_is_killed(origin: Origin) -> None:
    url = origin.url("/watch/fork.orphan")
    worker = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(ORPHAN), origin.address, PLUGINS, url],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    pids = started(origin, "fork.orphan")
    folder = Path(f"/proc/{pids[0]}/cwd").readlink()
    worker.kill()
    worker.wait()
    assert all_gone(pids)
    assert folder.name.startswith(FOLDER_PREFIX)
    assert not folder.exists()


async def test_a_child_inherits_nothing_of_our_environment(origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("WT_SECRET", "a secret of the tests and of nobody else")
    async with extracting(origin.address, node="") as extractor:
        environment = await asyncio.to_thread(environment_of, extractor._spares[0].pid)
        info = await extractor.extract(origin.url("/watch/progressive.environment"))
    assert info.title == "Sample progressive"
    assert b"PYTHONPATH" in environment
    assert b"WT_SECRET" not in environment
    assert b"http_proxy" not in environment
