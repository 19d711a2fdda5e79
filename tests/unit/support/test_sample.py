"""The sample extractor, found and run by the real yt-dlp."""

from __future__ import annotations

import http.cookiejar
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yt_dlp
import yt_dlp.globals
from yt_dlp.utils import DownloadError, GeoRestrictedError

from tests.support.origin import Origin
from tests.support.videos import COOKIE, HEADERS

PLUGINS = Path(__file__).parents[2] / "support"


@pytest.fixture(autouse=True, scope="module")
def plugin() -> Iterator[None]:
    before = yt_dlp.globals.plugin_dirs.value
    yt_dlp.globals.plugin_dirs.value = ["default", str(PLUGINS)]
    yield
    yt_dlp.globals.plugin_dirs.value = before


class Silent:
    """yt-dlp's messages, which would else go to stderr."""

    def debug(self, message: str) -> None: ...
    def warning(self, message: str) -> None: ...
    def error(self, message: str) -> None: ...


def extract(url: str, **options: Any) -> dict[str, Any]:
    given = {"logger": Silent(), "format": "bestvideo*+bestaudio/best", "socket_timeout": 3, "extractor_retries": 0}
    with yt_dlp.YoutubeDL({**given, **options}) as downloader:
        info: dict[str, Any] = downloader.sanitize_info(downloader.extract_info(url, download=False))
    return info


def cookie_file(folder: Path, host: str) -> Path:
    path = folder / "cookies.txt"
    jar = http.cookiejar.MozillaCookieJar(path)
    name, value = COOKIE
    jar.set_cookie(
        http.cookiejar.Cookie(
            0, name, value, None, False, host, False, False, "/", True, False, 2_000_000_000, False, None, None, {}
        )
    )
    jar.save()
    return path


def by_id(info: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["format_id"]: each for each in info["formats"]}


def test_a_pair_is_offered_in_two_families_from_144p_to_2160p(origin: Origin) -> None:
    info = extract(origin.url("watch/pair.families"))
    assert info["extractor"] == "SampleOrigin"
    # YouTube tells most of its VP9 by the short name.
    for family in (("avc1",), ("vp9", "vp09")):
        heights = {each["height"] for each in info["formats"] if each["vcodec"].startswith(family)}
        assert heights == {144, 240, 360, 480, 720, 1080, 1440, 2160}
    formats = by_id(info)
    assert (formats["299"]["fps"], formats["337"]["dynamic_range"]) == (60, "HDR10")
    assert formats["299"]["acodec"] == formats["140"]["vcodec"] == "none"
    assert [each["vcodec"] != "none" for each in info["requested_formats"]] == [True, False]


def test_a_pair_brings_subtitles_captions_chapters_and_thumbnails(origin: Origin) -> None:
    info = extract(origin.url("watch/pair.texts"))
    assert set(info["subtitles"]) == {"en", "es"}
    assert set(info["automatic_captions"]) == {"en"}
    assert [part["title"] for part in info["chapters"]] == ["Part 1", "Part 2", "Part 3", "Part 4"]
    vtt = next(track["url"] for track in info["subtitles"]["en"] if track["ext"] == "vtt")
    assert httpx.get(vtt).text.startswith("WEBVTT")
    assert httpx.get(info["thumbnail"]).headers["content-type"] == "image/jpeg"


def test_every_offered_stream_plays_with_its_headers(origin: Origin) -> None:
    for each in extract(origin.url("watch/pair.plays"))["formats"]:
        answer = httpx.get(each["url"], headers={**each["http_headers"], "Range": "bytes=0-99"})
        assert (answer.status_code, len(answer.content)) == (206, 100)


def test_links_expire(origin: Origin) -> None:
    url = by_id(extract(origin.url("watch/short-0")))["140"]["url"]
    assert "expire=" in url
    assert httpx.get(url).status_code == 403


def test_streams_that_need_headers_refuse_without_them(origin: Origin) -> None:
    audio = by_id(extract(origin.url("watch/headers")))["140"]
    assert audio["http_headers"].items() >= HEADERS.items()
    assert httpx.get(audio["url"]).status_code == 403
    assert httpx.get(audio["url"], headers=audio["http_headers"]).status_code == 200


def test_a_cookie_only_video_asks_for_a_login(origin: Origin) -> None:
    with pytest.raises(DownloadError, match="only available for registered users"):
        extract(origin.url("watch/cookie"))


def test_a_cookie_only_video_plays_with_the_cookie(origin: Origin, tmp_path: Path) -> None:
    info = extract(origin.url("watch/cookie"), cookiefile=str(cookie_file(tmp_path, "127.0.0.1")))
    audio = by_id(info)["140"]
    assert audio["cookies"].startswith("=".join(COOKIE))
    assert httpx.get(audio["url"]).status_code == 403
    assert httpx.get(audio["url"], headers={"Cookie": "=".join(COOKIE)}).status_code == 200


def test_bound_links_serve_the_address_that_asked(origin: Origin) -> None:
    url = by_id(extract(origin.url("watch/bound"), source_address="127.0.0.3"))["140"]["url"]
    assert httpx.get(url).status_code == 403
    with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.3")) as client:
        assert client.get(url).status_code == 200


def test_a_single_file_has_a_url_and_no_list_of_formats(origin: Origin) -> None:
    info = extract(origin.url("watch/progressive"))
    assert "formats" not in info
    assert httpx.head(info["url"]).headers["content-type"] == "video/mp4"


@pytest.mark.parametrize(("kind", "protocol"), [("hls", "m3u8_native"), ("dash", "http_dash_segments")])
def test_a_manifest_is_read_into_its_heights(origin: Origin, kind: str, protocol: str) -> None:
    info = extract(origin.url(f"watch/{kind}"))
    assert {each["protocol"] for each in info["formats"]} == {protocol}
    assert {each["height"] for each in info["formats"] if each["vcodec"] != "none"} == {144, 240, 360}


def test_a_live_stream_says_so(origin: Origin) -> None:
    info = extract(origin.url("watch/live"))
    assert (info["live_status"], info["is_live"], info.get("duration")) == ("is_live", True, None)


def test_a_stream_that_has_not_started_tells_when(origin: Origin) -> None:
    with pytest.raises(DownloadError, match="will begin in 2 hours"):
        extract(origin.url("watch/upcoming"))
    info = extract(origin.url("watch/upcoming"), ignore_no_formats_error=True)
    assert info["live_status"] == "is_upcoming"
    assert info["release_timestamp"] > info["epoch"]


def test_a_playlist_lists_its_videos(origin: Origin) -> None:
    info = extract(origin.url("playlist/mix"), extract_flat="in_playlist")
    assert info["_type"] == "playlist"
    assert [entry["id"] for entry in info["entries"]] == ["pair.mix", "hls.mix", "progressive.mix"]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("age", "confirm your age"),
        ("private", "Private video"),
        ("removed", "removed by the uploader"),
        ("drm", "DRM protected"),
        ("nothing-like-it", "does not exist"),
    ],
)
def test_a_refused_video_says_why(origin: Origin, kind: str, message: str) -> None:
    with pytest.raises(DownloadError, match=message):
        extract(origin.url(f"watch/{kind}"))


def test_a_video_refused_by_country_is_a_geo_restriction(origin: Origin) -> None:
    with pytest.raises(DownloadError) as caught:
        extract(origin.url("watch/geo"))
    assert isinstance(caught.value.exc_info[1], GeoRestrictedError)


def test_a_bug_in_the_extractor_is_not_dressed_up(origin: Origin) -> None:
    with pytest.raises(RuntimeError, match="a bug"):
        extract(origin.url("watch/crash"))


def test_garbage_on_stdout_comes_before_the_result(origin: Origin, capfd: pytest.CaptureFixture[str]) -> None:
    assert extract(origin.url("watch/garbage"))["title"] == "Sample garbage"
    assert "not text" in capfd.readouterr().out


def test_a_hanging_extraction_is_told_to_the_origin_with_its_child(origin: Origin) -> None:
    script = "import sys, yt_dlp.globals as g, yt_dlp; g.plugin_dirs.value = [sys.argv[1]]; "
    script += "yt_dlp.YoutubeDL({'quiet': True}).extract_info(sys.argv[2], download=False)"
    command = [sys.executable, "-c", script, str(PLUGINS), origin.url("watch/fork.seen")]
    process = subprocess.Popen(command, start_new_session=True)
    try:
        [seen] = origin.wait("api/started/fork.seen", timeout=30)
        assert int(seen.query["pid"]) == process.pid
        assert os.getpgid(int(seen.query["child"])) == process.pid
        assert process.poll() is None
    finally:
        os.killpg(process.pid, 9)
        process.wait()


def test_the_command_line_finds_the_plugin_in_the_folder_above_plugins(origin: Origin) -> None:
    command = [sys.executable, "-m", "yt_dlp", "--ignore-config", "--plugin-dirs", str(PLUGINS), "--print", "title"]
    done = subprocess.run([*command, origin.url("watch/hls")], capture_output=True, text=True, check=True, timeout=40)
    assert done.stdout.strip() == "Sample hls"
