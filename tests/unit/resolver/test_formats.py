"""From yt-dlp's info to what a player opens, for the shapes that sites come in."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from services.common.chain import ANONYMOUS
from services.common.errors import Refused
from services.common.keyring import KeyRing
from services.common.stream import Kind, StreamRef, StreamSigner
from services.common.wire.models import VideoState
from services.resolver.formats import Mint, present
from services.resolver.info import read_info

NOW = 1_700_000_000.0
PAGE = "https://site.example/watch/1"
SIGNER = StreamSigner(KeyRing(("a secret of the unit tests",)))
Raw = dict[str, Any]


def plain(format_id: str, **fields: Any) -> Raw:
    return {
        "format_id": format_id,
        "url": f"https://cdn.example/{format_id}",
        "protocol": "https",
        "ext": "mp4",
        **fields,
    }


def picture(format_id: str, height: int, codec: str = "avc1.640028", **fields: Any) -> Raw:
    return plain(format_id, height=height, vcodec=codec, acodec="none", **fields)


def sound(format_id: str, codec: str = "mp4a.40.2", **fields: Any) -> Raw:
    return plain(format_id, **{"vcodec": "none", "acodec": codec, "ext": "m4a", **fields})


def hls(
    format_id: str, height: int | None, master: str | None = "https://cdn.example/master.m3u8", **fields: Any
) -> Raw:
    made = {
        "protocol": "m3u8_native",
        "height": height,
        "manifest_url": master,
        "vcodec": "avc1",
        "acodec": "mp4a",
        **fields,
    }
    return plain(format_id, **made)


def dash(format_id: str, height: int | None, **fields: Any) -> Raw:
    mpd = "https://cdn.example/manifest.mpd"
    made = {"protocol": "http_dash_segments", "url": mpd, "manifest_url": mpd, "height": height, **fields}
    return plain(format_id, **made)


def shown(*formats: Raw, **fields: Any) -> tuple[VideoState, Mint]:
    raw = {"id": "1", "extractor_key": "Site", "title": "A film", "formats": list(formats), **fields}
    mint = Mint(SIGNER, PAGE, ANONYMOUS, NOW)
    return present(read_info(raw), mint), mint


def opened(path: str | None) -> StreamRef:
    """The verified stream behind a client's URL."""
    assert path is not None
    query = parse_qs(urlsplit(path).query)
    return SIGNER.verify({name: values[0] for name, values in query.items()}, NOW)


PAIR = (picture("v", 1080), picture("w", 720), sound("a"))
MASTER = (hls("h1", 360), hls("h2", 1080))
MPD = (dash("d1", 720, vcodec="avc1", acodec="none"), dash("d2", None, vcodec="none", acodec="mp4a", ext="m4a"))


@pytest.mark.parametrize(
    ("formats", "kind", "upstream"),
    [
        (PAIR, "dash", {"video_url": "v", "audio_url": "a"}),
        (MASTER, "hls", {"stream_url": "master.m3u8"}),
        (MPD, "dash", {"manifest_url": "manifest.mpd"}),
        ((plain("f"),), "direct", {"stream_url": "f"}),
        ((plain("f", vcodec="avc1", acodec="mp4a", height=480),), "direct", {"stream_url": "f"}),
        # A picture of one road and a sound of another play on no road.
        ((hls("h", 1080, acodec="none"), sound("a")), "hls", {"stream_url": "master.m3u8"}),
        ((picture("v", 1080), hls("h", 720)), "hls", {"stream_url": "master.m3u8"}),
        ((picture("v", 1080), sound("a"), hls("h", 720)), "dash", {"video_url": "v", "audio_url": "a"}),
        ((picture("v", 480), sound("a"), hls("h", 1080)), "hls", {"stream_url": "master.m3u8"}),
        ((plain("f", height=360), picture("v", 1080), sound("a")), "dash", {"video_url": "v", "audio_url": "a"}),
        # Without sound, or without a picture.
        ((picture("v", 480),), "direct", {"stream_url": "v"}),
        ((sound("a"),), "direct", {"stream_url": "a"}),
        ((plain("song", ext="mp3", acodec="mp3"),), "direct", {"stream_url": "song"}),
        ((hls("h", None, vcodec="none"),), "hls", {"stream_url": "master.m3u8"}),
        # A single media playlist has no master.
        ((hls("h", None, None, vcodec=None, acodec=None),), "hls", {"stream_url": "h"}),
        ((hls("h1", 360, None), hls("h2", 720, None)), "hls", {"stream_url": "h2"}),
        ((hls("a", 360, "https://cdn.example/1"), hls("b", 720, "https://cdn.example/2")), "hls", {"stream_url": "2"}),
        # What browsers don't play is passed over.
        ((plain("f"), plain("r", protocol="rtmp", height=720)), "direct", {"stream_url": "f"}),
        ((plain("sb", ext="mhtml", protocol="mhtml", vcodec="none"), plain("f")), "direct", {"stream_url": "f"}),
        ((plain("f"), plain("x", url="ftp://cdn.example/x", height=720)), "direct", {"stream_url": "f"}),
    ],
)  # fmt: skip
def test_each_shape_takes_the_road_a_player_can_go(
    formats: tuple[Raw, ...], kind: str, upstream: dict[str, str]
) -> None:
    video, _ = shown(*formats)
    fields = ("stream_url", "video_url", "audio_url", "manifest_url")
    found = {name: opened(path).url.rpartition("/")[2] for name in fields if (path := getattr(video, name))}
    assert (video.stream_type, found) == (kind, upstream)


def test_nothing_a_browser_plays_is_refused_as_unsupported() -> None:
    with pytest.raises(Refused) as refusal:
        shown(plain("r", protocol="rtmp"))
    assert refusal.value.code == "unsupported"


def test_of_equal_roads_the_one_that_yt_dlp_chose_is_taken() -> None:
    formats = (plain("f", height=1080), *MASTER)
    assert shown(*formats, requested_formats=[formats[0]])[0].stream_type == "direct"
    assert shown(*formats, requested_formats=[formats[2]])[0].stream_type == "hls"


def test_a_broadcast_is_played_from_its_playlist_not_from_a_file() -> None:
    video, _ = shown(picture("v", 2160), sound("a"), *MASTER, is_live=True, duration=50)
    assert (video.stream_type, video.is_live, video.duration) == ("hls", True, None)


def test_a_pasted_mpd_goes_to_the_player_though_its_segments_are_files() -> None:
    mpd = "https://cdn.example/base.mpd"
    formats = (picture("v", 720, manifest_url=mpd), sound("a", manifest_url=mpd))
    assert shown(*formats, extractor_key="Generic")[0].manifest_url
    assert shown(*formats)[0].video_url


def test_a_pair_lists_every_family_and_every_voice() -> None:
    video, _ = shown(
        *(picture(f"avc{height}", height) for height in (144, 360, 720, 1080)),
        *(picture(f"vp{height}", height, "vp9", ext="webm") for height in (720, 1080, 2160)),
        picture("hdr", 2160, "vp09.02", ext="webm", dynamic_range="HDR10", fps=60),
        sound("es", language="es", language_preference=-1, abr=128),
        sound("en", language="en", language_preference=10, abr=128),
        sound("opus", "opus", ext="webm", language="en", language_preference=10, abr=160),
    )
    assert [(quality.label, quality.id) for quality in video.qualities] == [
        ("2160p60 HDR", "hdr"),
        ("2160p", "vp2160"),
        ("1080p", "avc1080"),
        ("1080p", "vp1080"),
        ("720p", "avc720"),
        ("720p", "vp720"),
        ("360p", "avc360"),
        ("144p", "avc144"),
    ]
    assert [track.id for track in video.audio_tracks] == ["opus", "en", "es"]
    assert opened(video.video_url).url.endswith("/avc1080")
    assert opened(video.audio_url).url.endswith("/en")


def test_every_offered_url_is_signed_and_names_a_context() -> None:
    video, mint = shown(*PAIR, thumbnail="https://i.example/t.jpg")
    paths = [video.video_url, video.audio_url, *(quality.video_url for quality in video.qualities)]
    for path in paths:
        ref = opened(path)
        context = mint.contexts[ref.context]
        assert (context.url, context.object_id, context.page_url) == (ref.url, ref.object_id, PAGE)
        assert ref.kind is Kind.SEGMENT
    assert len(mint.contexts) == 3
    assert opened(video.thumbnail).kind is Kind.IMAGE
    assert opened(video.thumbnail).context == ""


def test_headers_stay_in_the_context() -> None:
    video, mint = shown(plain("f", http_headers={"Referer": "https://secret.example/"}, available_at=NOW + 5))
    context = mint.contexts[opened(video.stream_url).context]
    assert (context.headers, context.available_at) == ({"Referer": "https://secret.example/"}, NOW + 5)
    assert "secret.example" not in (video.stream_url or "")


def test_resolving_again_makes_the_same_object_and_context() -> None:
    first, second = (opened(shown(plain("f", url=f"https://cdn.example/f?token={n}"))[0].stream_url) for n in "12")
    assert (first.object_id, first.context) == (second.object_id, second.context)
    assert first.url != second.url


def test_files_of_the_same_name_on_two_sites_are_two_objects() -> None:
    urls = ("https://a.example/clip.mp4", "https://b.example/clip.mp4")
    made = [shown(plain("0", url=url), extractor_key="Generic", id="clip")[0].stream_url for url in urls]
    assert opened(made[0]).object_id != opened(made[1]).object_id


def test_embedded_files_of_the_same_name_on_two_pages_are_two_objects() -> None:
    pages = ("https://a.example/one/index.html", "https://a.example/two/index.html")
    made = [
        shown(plain("0"), extractor_key="HTML5MediaEmbed", id="index-1", webpage_url=page)[0].stream_url
        for page in pages
    ]
    assert opened(made[0]).object_id != opened(made[1]).object_id


def test_manifests_are_signed_as_manifests_and_carry_no_url_per_quality() -> None:
    for formats in (MASTER, MPD):
        video, mint = shown(*formats)
        assert opened(video.stream_url or video.manifest_url).kind is Kind.MANIFEST
        assert not any(quality.stream_url or quality.video_url for quality in video.qualities)
        assert len(mint.contexts) == 1


def test_the_earliest_stream_decides_when_a_result_ends() -> None:
    video, _ = shown(
        picture("v", 720, url="https://cdn.example/v?expire=1700020000"),
        sound("a", url="https://cdn.example/a?expire=1700010000"),
    )
    assert video.expires_at == 1_700_010_000
    assert shown(plain("f"))[0].expires_at is None


def test_subtitles_and_captions_of_the_spoken_language_go_through_the_proxy() -> None:
    def tracks(*languages: str) -> Raw:
        return {language: [{"ext": "vtt", "url": f"https://s.example/{language}.vtt"}] for language in languages}

    video, _ = shown(
        plain("f"),
        language="en",
        subtitles={**tracks("en", "de"), "fr": [{"ext": "vtt", "url": "https://s/f.m3u8", "protocol": "m3u8_native"}]},
        automatic_captions=tracks("de", "en-orig", "es", "fr", "it"),
    )
    found = [(track.language, track.automatic, opened(track.url).kind) for track in video.subtitles]
    assert found == [
        ("en", False, Kind.SUBTITLE),
        ("de", False, Kind.SUBTITLE),
        ("en-orig", True, Kind.SUBTITLE),
    ]


def test_subtitles_that_the_page_holds_itself_are_carried_by_their_contexts() -> None:
    written = {"en": [{"ext": "vtt", "data": "WEBVTT en"}], "de": [{"ext": "srt", "data": "1"}]}
    video, mint = shown(
        plain("f"), subtitles=written, automatic_captions={"en": [{"ext": "vtt", "data": "WEBVTT auto"}]}
    )
    refs = [opened(track.url) for track in video.subtitles]
    assert [(ref.kind, mint.contexts[ref.context].text) for ref in refs] == [
        (Kind.SUBTITLE, "WEBVTT en"),
        (Kind.SUBRIP, "1"),
        (Kind.SUBTITLE, "WEBVTT auto"),
    ]
    assert len({ref.object_id for ref in refs}) == 3


@pytest.mark.parametrize(
    ("title", "shown_title"),
    [
        ("A\u202egnp.exe\x00\n b", "A gnp.exe b"),
        ("x" * 500, "x" * 200),
        (None, "site.example"),
        (" \u200f ", "site.example"),
    ],
)
def test_titles_are_made_fit_to_stand_in_a_page(title: str | None, shown_title: str) -> None:
    assert shown(plain("f"), title=title)[0].title == shown_title


def test_a_thumbnail_that_cannot_be_fetched_is_left_out() -> None:
    assert shown(plain("f"), thumbnail="data:image/png;base64,AAAA")[0].thumbnail == ""
