from __future__ import annotations

import asyncio
import time
from urllib.parse import urljoin
from xml.etree import ElementTree

import aiohttp
import httpx
import pytest

from tests.support import media as clips
from tests.support.manifests import live_playlist
from tests.support.media import Media
from tests.support.origin import Origin
from tests.support.shelf import blob


def get(url: str, **headers: str) -> httpx.Response:
    return httpx.get(url, headers={name.replace("_", "-"): value for name, value in headers.items()}, timeout=5)


def test_a_clip_is_served_whole_with_its_type_and_length(origin: Origin, media: Media) -> None:
    answer = get(origin.url(clips.MP4))
    assert answer.status_code == 200
    assert answer.content == media.path(clips.MP4).read_bytes()
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["accept-ranges"] == "bytes"
    assert "access-control-allow-origin" not in answer.headers


def test_head_tells_the_length_and_sends_nothing(origin: Origin, media: Media) -> None:
    answer = httpx.head(origin.url(clips.MP4, tag="head"))
    assert int(answer.headers["content-length"]) == media.path(clips.MP4).stat().st_size
    assert answer.content == b""


def test_a_range_is_answered_with_exactly_those_bytes(origin: Origin) -> None:
    answer = get(origin.url("blob/1000.bin"), range="bytes=13-42")
    assert answer.status_code == 206
    assert answer.headers["content-range"] == "bytes 13-42/1000"
    assert answer.content == blob(13, 43) == blob(0, 1000)[13:43]


def test_a_range_past_the_end_is_answered_416_with_the_length(origin: Origin) -> None:
    answer = get(origin.url("blob/1000.bin"), range="bytes=1000-")
    assert answer.status_code == 416
    assert answer.headers["content-range"] == "bytes */1000"


def test_if_range_of_another_generation_gets_the_whole(origin: Origin) -> None:
    url = origin.url("blob/1000.bin")
    etag = get(url).headers["etag"]
    assert get(url, range="bytes=0-9", if_range=etag).status_code == 206
    with origin.fault("blob/1000.bin", etag="another"):
        assert get(url, range="bytes=0-9", if_range=etag).status_code == 200
    assert get(url, range="bytes=0-9", if_range=etag).status_code == 206


def test_a_known_etag_is_answered_not_modified(origin: Origin) -> None:
    url = origin.url("blob/1000.bin")
    assert get(url, if_none_match=get(url).headers["etag"]).status_code == 304


def test_a_body_is_cut_short_of_its_promised_length(origin: Origin) -> None:
    url = origin.url("blob/200000.bin", cut_at=100_000)
    got: list[bytes] = []
    with httpx.stream("GET", url) as answer:
        assert answer.headers["content-length"] == "200000"
        with pytest.raises(httpx.RemoteProtocolError):
            got.extend(answer.iter_bytes())
    assert b"".join(got) == blob(0, 100_000)
    assert get(url, range="bytes=100000-").content == blob(100_000, 200_000)


def test_a_fault_that_strikes_once_spares_the_second_request(origin: Origin) -> None:
    url = origin.url("blob/5000.bin", status=503, times=1, tag="once")
    assert [get(url).status_code for _ in range(3)] == [503, 200, 200]


async def test_a_stalled_body_ends_when_the_client_leaves(origin: Origin) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(origin.url("blob/9000.bin", stall_at=4000, tag="stall")) as answer:
            assert await answer.content.readexactly(4000) == blob(0, 4000)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(answer.content.read(1), 0.2)
            answer.close()
        [seen] = await origin.wait_async("blob/9000.bin", also=lambda seen: seen.is_done)
    assert seen.sent == 4000


def test_a_client_that_leaves_in_mid_body_is_no_error(origin: Origin, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(5):
        with httpx.stream("GET", origin.url("blob/80000000.bin", tag="leave")) as answer:
            next(answer.iter_bytes())
    for seen in origin.wait("blob/80000000.bin", 5, also=lambda seen: seen.is_done):
        assert seen.sent < 80_000_000
    assert caplog.records == [record for record in caplog.records if record.name != "aiohttp.server"]


def test_a_slow_body_takes_its_time(origin: Origin) -> None:
    begun = time.monotonic()
    assert len(get(origin.url("blob/20000.bin", rate=50_000)).content) == 20_000
    assert time.monotonic() - begun >= 0.35


def test_a_link_is_forbidden_after_so_many_bytes(origin: Origin) -> None:
    url = origin.url("blob/6000.bin", forbid_after_bytes=1500)
    assert len(get(url, range="bytes=0-999").content) == 1000
    with pytest.raises(httpx.RemoteProtocolError):
        get(url, range="bytes=1000-1999")
    assert get(url, range="bytes=1500-1999").status_code == 403


def test_a_link_is_forbidden_after_so_many_requests(origin: Origin) -> None:
    url = origin.url("blob/6001.bin", forbid_after=2)
    assert [get(url).status_code for _ in range(3)] == [200, 200, 403]


def test_an_ignored_range_gets_the_whole(origin: Origin) -> None:
    answer = get(origin.url("blob/1000.bin", no_range=1), range="bytes=1-2")
    assert answer.status_code == 200
    assert "accept-ranges" not in answer.headers
    assert len(answer.content) == 1000


def test_a_shifted_range_names_other_bytes_than_asked(origin: Origin) -> None:
    answer = get(origin.url("blob/1000.bin", shift_range=1), range="bytes=10-19")
    assert answer.headers["content-range"] == "bytes 11-20/1000"
    assert answer.content == blob(11, 21)


def test_a_signed_link_opens_until_it_expires(origin: Origin) -> None:
    assert get(origin.signed(clips.MP4, 60)).status_code == 200
    assert get(origin.signed(clips.MP4, -1)).status_code == 403
    assert get(origin.signed(clips.MP4, 60).replace("expire=1", "expire=2")).status_code == 403
    assert get(origin.signed(clips.MP4, 60).replace(clips.MP4, clips.WEBM)).status_code == 403


def test_a_bound_link_opens_for_its_address_alone(origin: Origin) -> None:
    url = origin.signed(clips.THUMBNAIL, 60, ip="127.0.0.2")
    assert get(url).status_code == 403
    with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.2")) as client:
        assert client.get(url).status_code == 200


def test_a_needed_header_and_cookie_open_the_link(origin: Origin) -> None:
    url = origin.url(clips.THUMBNAIL, need=["Referer:http://a/", "X-Any:"], need_cookie="a=b")
    assert get(url).status_code == 403
    assert get(url, referer="http://a/", x_any="1").status_code == 403
    assert get(url, referer="http://a/", x_any="1", cookie="a=c").status_code == 403
    assert get(url, referer="http://a/", x_any="1", cookie="a=b").status_code == 200


def test_redirects_lead_through_so_many_hops(origin: Origin) -> None:
    answer = httpx.get(origin.url("redirect", to=f"/{clips.THUMBNAIL}", n=3, code=307), follow_redirects=True)
    assert [hop.status_code for hop in answer.history] == [307, 307, 307]
    assert answer.headers["content-type"] == "image/jpeg"


def test_a_redirect_may_lead_to_a_private_address(origin: Origin) -> None:
    assert get(origin.url("redirect", to="http://10.0.0.1/x")).headers["location"] == "http://10.0.0.1/x"


def test_relative_links_inherit_the_faults_of_a_prefix(origin: Origin) -> None:
    master = origin.url(f"with/type=text%2Fplain&need=X-Key:/{clips.HLS_MASTER}")
    assert get(master, x_key="1").headers["content-type"] == "text/plain"
    assert get(urljoin(master, "144/index.m3u8")).status_code == 403


def test_a_bad_fault_is_refused_by_name(origin: Origin) -> None:
    answer = get(origin.url(clips.MP4, rate="fast"))
    assert answer.status_code == 400
    assert "rate" in answer.text


def test_an_unknown_path_is_not_found(origin: Origin) -> None:
    assert get(origin.url("nothing.mp4")).status_code == 404
    assert get(origin.url("hls/%2e%2e/%2e%2e/media.py")).status_code == 404


def test_every_request_is_recorded_with_what_was_sent(origin: Origin) -> None:
    get(origin.url("blob/777.bin", who="me"), range="bytes=0-9")
    [seen] = origin.wait("blob/777.bin", also=lambda seen: seen.is_done)
    assert (seen.method, seen.range, seen.status, seen.sent, seen.query) == ("GET", "bytes=0-9", 206, 10, {"who": "me"})
    [told] = get(origin.url("_control/requests", path="/blob/777.bin")).json()
    assert told["headers"]["range"] == "bytes=0-9"


def test_the_control_interface_sets_faults_and_resets() -> None:
    with Origin() as own:
        fault = {"path": "/clip.mp4", "faults": {"status": 500}}
        assert httpx.post(own.url("_control/faults"), json=fault).status_code == 200
        assert get(own.url(clips.MP4)).status_code == 500
        httpx.post(own.url("_control/reset"))
        assert own.requests() == []
        assert get(own.url(clips.THUMBNAIL)).status_code == 200
        assert httpx.post(own.url("_control/faults"), json={"path": "/", "faults": {"no": 1}}).status_code == 400


def test_a_taken_port_is_an_error_and_not_a_silence(origin: Origin) -> None:
    port = int(origin.address.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"), Origin(port=port):
        pass


def test_the_live_window_slides_with_the_clock() -> None:
    now = 1_000_000.0
    with Origin(wall=lambda: now) as own:
        first = get(own.url("live/index.m3u8")).text
        assert "#EXT-X-MEDIA-SEQUENCE:499994" in first
        assert "#EXT-X-PROGRAM-DATE-TIME:1970-01-12T13:46:28.000Z" in first
        assert get(own.url("live/499999.ts")).headers["content-type"] == "video/mp2t"
        assert get(own.url("live/500000.ts")).status_code == 404
        now += 2
        assert "#EXT-X-MEDIA-SEQUENCE:499995" in get(own.url("live/index.m3u8")).text
        assert get(own.url("live/500000.ts")).status_code == 200
        assert "PROGRAM-DATE-TIME" not in get(own.url("live/undated.m3u8")).text


def test_a_live_stream_that_ended_stands_still_and_is_closed() -> None:
    texts = {live_playlist(now, segments=32, segment_s=2, ends_at=100.0) for now in (100.0, 150.0)}
    assert len(texts) == 1
    assert texts.pop().endswith("49.ts\n#EXT-X-ENDLIST\n")


def test_segments_keep_their_discontinuity_number_while_the_window_slides() -> None:
    def numbers(now: float) -> dict[str, int]:
        found, number = {}, 0
        for line in live_playlist(now, segments=4, segment_s=2).splitlines():
            if line.startswith("#EXT-X-DISCONTINUITY-SEQUENCE:"):
                number = int(line.partition(":")[2])
            elif line == "#EXT-X-DISCONTINUITY":
                number += 1
            elif line.endswith(".ts"):
                found[line] = number
        return found

    for now in range(100, 120, 2):
        before, after = numbers(now), numbers(now + 2)
        assert {name: after[name] for name in before.keys() & after.keys()} == {
            name: before[name] for name in before.keys() & after.keys()
        }


@pytest.mark.parametrize("name", [clips.HLS_MASTER, clips.HLS_TS, clips.HLS_FMP4, clips.HLS_SPLIT])
def test_every_link_of_a_playlist_is_served(origin: Origin, name: str) -> None:
    with httpx.Client() as client:
        for link in _links(origin.url(name)):
            assert client.head(link).status_code == 200, link


def _links(url: str) -> set[str]:
    found: set[str] = set()
    for line in get(url).text.splitlines():
        uri = line.partition('URI="')[2].partition('"')[0] if line.startswith("#") else line
        if not uri:
            continue
        link = urljoin(url, uri)
        found.add(link)
        if link.endswith(".m3u8"):
            found |= _links(link)
    return found


def test_the_segment_base_mpd_points_at_an_index(origin: Origin) -> None:
    url = origin.url(clips.DASH_BASE)
    space = {"d": "urn:mpeg:dash:schema:mpd:2011"}
    representations = ElementTree.fromstring(get(url).text).findall(".//d:Representation", space)
    assert len(representations) == len(clips.HEIGHTS) + 1
    for each in representations:
        base, index = each.findtext("d:BaseURL", "", space), each.find("d:SegmentBase", space)
        assert index is not None
        answer = get(urljoin(url, base), range=f"bytes={index.get('indexRange')}")
        assert answer.content[4:8] == b"sidx"
        assert int.from_bytes(answer.content[:4], "big") == len(answer.content)
