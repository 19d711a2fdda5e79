"""The shapes that sites' info dicts come in, as yt-dlp documents and gives them, and what a player gets of each.

A line tells: the formats; the road; how many qualities, the first one's label, the codec families among them; the
languages of separate audio.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from services.common.chain import ANONYMOUS
from services.common.errors import Refused
from services.common.keyring import KeyRing
from services.common.stream import StreamSigner
from services.common.wire.models import VideoState
from services.resolver.formats import Mint, present
from services.resolver.info import read_info
from services.resolver.renditions import family

Raw = dict[str, Any]
SIGNER = StreamSigner(KeyRing(("a secret of the unit tests",)))
NOW = 1_700_000_000.0
MASTER = "https://cdn.example/master.m3u8"
MPD = "https://cdn.example/manifest.mpd"


def file(itag: str, video: str | None, audio: str | None, height: int | None = None, **more: Any) -> Raw:
    """A plain file, as YouTube lists it."""
    ext = "webm" if (video or audio or "").startswith(("vp", "opus", "vorbis")) else "mp4"
    made = {"format_id": itag, "url": f"https://cdn.example/{itag}", "protocol": "https", "ext": ext}
    return made | {"vcodec": video, "acodec": audio, "height": height, "width": height and height * 16 // 9} | more


def avc(height: int, fps: int = 30, **more: Any) -> Raw:
    return file(f"a{height}-{fps}", "avc1.640028", "none", height, fps=fps, **more)


def vp9(height: int, fps: int = 30, **more: Any) -> Raw:
    return file(f"v{height}-{fps}", "vp09.00.41.08", "none", height, fps=fps, **more)


def av1(height: int, fps: int = 30, **more: Any) -> Raw:
    return file(f"o{height}-{fps}", "av01.0.08M.08", "none", height, fps=fps, **more)


def hdr(kind: str, codec: str = "vp09.02.51.10", height: int = 2160) -> Raw:
    return file(f"h{kind}", codec, "none", height, fps=60, dynamic_range=kind)


def aac(language: str | None = None, preference: int = -1, name: str = "140") -> Raw:
    made = file(f"{name}-{language}", "none", "mp4a.40.2", ext="m4a", abr=128)
    return made | {"language": language, "language_preference": preference}


def opus(language: str | None = None, preference: int = -1) -> Raw:
    made = file(f"251-{language}", "none", "opus", ext="webm", abr=140)
    return made | {"language": language, "language_preference": preference}


def hls(height: int | None, master: str | None = MASTER, **more: Any) -> Raw:
    made = file(f"hls-{height}", "avc1.64001f", "mp4a.40.2", height, url=f"https://cdn.example/{height}.m3u8")
    return made | {"protocol": "m3u8_native", "manifest_url": master} | more


def dash(height: int | None, **more: Any) -> Raw:
    codecs = ("avc1.64001f", "none") if height else ("none", "mp4a.40.2")
    made = file(f"dash-{height}", *codecs, height, url=MPD, ext="mp4" if height else "m4a")
    return made | {"protocol": "http_dash_segments", "manifest_url": MPD, "fragments": [{"path": "1.m4s"}]} | more


def listed(height: int | None) -> Raw:
    """Of a broadcast that is just over: pieces that nothing but yt-dlp's own list names."""
    codecs = ("avc1.64001f", "none") if height else ("none", "mp4a.40.2")
    made = file(f"live-{height}", *codecs, height, ext="mp4" if height else "m4a")
    return made | {"protocol": "http_dash_segments", "fragments": [{"url": "https://cdn.example/1"}]}


STORYBOARD: Raw = {"format_id": "sb0", "url": "https://i.example/sb.jpg", "ext": "mhtml", "protocol": "mhtml"}
STORYBOARD |= {"vcodec": "none", "acodec": "none", "width": 160, "height": 90, "format_note": "storyboard"}
UNKNOWN: Raw = {"url": "https://cdn.example/clip.mp4", "ext": "mp4", "format_id": "0", "protocol": "https"}


@dataclass(frozen=True)
class Shape:
    formats: list[Raw]
    road: str
    count: int = 1
    first: str | None = None
    families: frozenset[str] = frozenset()
    languages: tuple[str | None, ...] = ()
    more: Raw = field(default_factory=dict)


def some(*names: str) -> frozenset[str]:
    return frozenset(names)


SHAPES = {
    # YouTube: separate files in three families, one small file with both, storyboards.
    "youtube": Shape(
        [
            STORYBOARD,
            file("18", "avc1.42001E", "mp4a.40.2", 360),
            avc(720),
            vp9(720),
            av1(720),
            avc(1080),
            vp9(1080),
            aac("en", 10),
            opus("en", 10),
        ],
        "dash",
        5,
        "1080p",
        some("avc1", "vp9", "av01"),
        ("en", "en"),
    ),
    "youtube at 60 frames": Shape([avc(720, 60), avc(720), aac()], "dash", 2, "720p60", some("avc1"), (None,)),
    "youtube in 4K": Shape([avc(1080), vp9(2160), av1(2160), opus()], "dash", 3, "2160p", languages=(None,)),
    "youtube in 8K": Shape([av1(4320), avc(1080), aac()], "dash", 2, "4320p", languages=(None,)),
    "youtube, HDR10": Shape([hdr("HDR10"), vp9(2160, 60), opus()], "dash", 2, "2160p60 HDR", some("vp9"), (None,)),
    "youtube, HDR alone": Shape([hdr("HDR10"), opus()], "dash", 1, "2160p60 HDR", some("vp9"), (None,)),
    "HLG": Shape([hdr("HLG"), opus()], "dash", 1, "2160p60 HDR", languages=(None,)),
    "Dolby Vision": Shape([hdr("DV", "dvh1.08.07"), aac()], "dash", 1, "2160p60 HDR", some("hevc"), (None,)),
    "HDR10+": Shape([hdr("HDR10+", "hev1.2.4.L153"), aac()], "dash", 1, "2160p60 HDR", some("hevc"), (None,)),
    "SDR said so": Shape([avc(1080, dynamic_range="SDR"), aac()], "dash", 1, "1080p", languages=(None,)),
    "youtube, dubbed": Shape(
        [avc(1080), aac("en", 10), aac("de", -1), aac("es", -1), opus("en", 10), opus("de", -1)],
        "dash",
        1,
        "1080p",
        some("avc1"),
        ("en", "en", "de", "de", "es"),
    ),
    "youtube, described for the blind": Shape(
        [avc(720), aac("en-desc", -10), aac("en", 10)], "dash", 1, "720p", languages=("en", "en-desc")
    ),
    "youtube, portrait": Shape([avc(1920, width=1080), aac()], "dash", 1, "1080p", languages=(None,)),
    "youtube, an old upload": Shape([file("18", "avc1.42001E", "mp4a.40.2", 240)], "direct", 1, "240p"),
    "youtube, live": Shape([hls(360), hls(720), hls(1080)], "hls", 3, "1080p", more={"is_live": True}),
    "youtube, live with files": Shape([avc(1080), aac(), hls(720)], "hls", 1, "720p", more={"is_live": True}),
    "youtube, live at 60": Shape([hls(720, fps=60), hls(1080, fps=60)], "hls", 2, "1080p60", more={"is_live": True}),
    "youtube, a stream that was live": Shape(
        [avc(720), aac()], "dash", 1, "720p", languages=(None,), more={"was_live": True}
    ),
    "youtube, a stream that is just over": Shape(
        [listed(1080), listed(None), dash(720), dash(None)], "dash", 1, "720p", more={"live_status": "post_live"}
    ),
    "youtube, perhaps encrypted": Shape([hls(1080, has_drm="maybe"), hls(720)], "hls", 2, "1080p"),
    "youtube, all perhaps encrypted": Shape([hls(720, has_drm="maybe")], "hls", 1, "720p"),
    "youtube, compressed sound": Shape(
        [avc(720), aac("en", 10, "140-drc"), aac("en", 10)], "dash", 1, "720p", languages=("en",)
    ),
    "youtube, a clip": Shape(
        [avc(720), aac()], "dash", 1, "720p", languages=(None,), more={"section_start": 10, "section_end": 25}
    ),
    "languages without a preference": Shape(
        [avc(720), aac("fr", 0), aac("en", 0) | {"abr": 64}], "dash", 1, "720p", languages=("en", "fr")
    ),
    "youtube, throttled duplicates": Shape(
        [avc(720), avc(720, format_id="dup"), aac()], "dash", 1, "720p", languages=(None,)
    ),
    # Twitch: one master; of a broadcast the sound alone is a rendition.
    "twitch recording": Shape([hls(160), hls(480), hls(1080, fps=60)], "hls", 3, "1080p60", some("avc1")),
    "twitch live": Shape([hls(None, vcodec="none"), hls(720)], "hls", 1, "720p", more={"is_live": True}),
    "twitch clip": Shape([file("480", None, None, 480), file("1080", None, None, 1080)], "direct", 2, "1080p"),
    # Vimeo: the same in HLS and DASH, sound apart.
    "vimeo": Shape(
        [hls(360, acodec="none"), hls(1080, acodec="none"), dash(360), dash(1080), dash(None)], "hls", 2, "1080p"
    ),
    "vimeo, more in DASH": Shape([hls(720), dash(1080), dash(None)], "dash", 1, "1080p"),
    "vimeo, old files too": Shape([file("p", "avc1", "mp4a", 360), hls(1080)], "hls", 1, "1080p"),
    # Manifests.
    "a pasted master": Shape([hls(360), hls(720)], "hls", 2, "720p", more={"extractor_key": "Generic"}),
    "a pasted media playlist": Shape(
        [hls(None, None, vcodec=None, acodec=None)], "hls", 1, "Original", more={"extractor_key": "Generic"}
    ),
    "a pasted MPD": Shape([dash(720), dash(None)], "dash", 1, "720p", more={"extractor_key": "Generic"}),
    "an MPD of whole files": Shape(
        [avc(720, manifest_url=MPD), aac() | {"manifest_url": MPD}],
        "dash",
        1,
        "720p",
        more={"extractor_key": "Generic"},
    ),
    "a playlist for each quality": Shape([hls(360, None), hls(720, None)], "hls", 2, "720p"),
    "a master for each quality": Shape(
        [hls(360, "https://c.example/1"), hls(720, "https://c.example/2")], "hls", 2, "720p"
    ),
    "HEVC in HLS": Shape([hls(2160, vcodec="hvc1.2.4.L153"), hls(1080)], "hls", 2, "2160p", some("hevc", "avc1")),
    "HLS without codecs": Shape([hls(720, vcodec=None, acodec=None)], "hls", 1, "720p"),
    "radio": Shape([hls(None, vcodec="none")], "hls", 0, more={"is_live": True}),
    # Files.
    "a plain file": Shape([UNKNOWN], "direct", 1, "Original"),
    "no list of formats": Shape([], "direct", 1, "Original", more={"url": "https://cdn.example/a.mp4", "ext": "mp4"}),
    "a file with a note": Shape([UNKNOWN | {"format_note": "Source"}], "direct", 1, "Source"),
    "progressive in three heights": Shape(
        [file(str(height), "avc1", "mp4a", height) for height in (240, 480, 720)], "direct", 3, "720p", some("avc1")
    ),
    "a song": Shape([file("mp3", "none", "mp3", ext="mp3")], "direct"),
    "songs in several formats": Shape([opus(), aac()], "direct", 2),
    "a podcast of unknown codec": Shape([file("x", None, None, ext="mp3")], "direct"),
    "a silent film": Shape([avc(480)], "direct", 1, "480p"),
    "a GIF as a video": Shape([file("gif", "avc1", "none", 200)], "direct", 1, "200p"),
    "an old container beside a file": Shape(
        [file("p", "avc1", "mp4a", 480), file("f", "h263", "mp3", 720, ext="flv")], "direct", 1, "480p"
    ),
    "a recording in pieces of an old container": Shape(
        [file("p", None, None, 360), file("f", None, None, 480, protocol="http_dash_segments", fragments=[{}])],
        "direct",
        1,
        "360p",
    ),
    "theora": Shape([file("ogv", "theora", "vorbis", 480, ext="ogv")], "direct", 1, "480p"),
    "some formats are encrypted": Shape(
        [avc(2160, has_drm=True), avc(480), aac()], "dash", 1, "480p", languages=(None,)
    ),
    "formats without a URL": Shape([avc(2160, url=None), avc(480), aac()], "dash", 1, "480p", languages=(None,)),
    "RTMP beside HLS": Shape([file("r", "avc1", "mp4a", 1080, protocol="rtmp"), hls(480)], "hls", 1, "480p"),
    "a height that is no number": Shape([avc(720) | {"height": "720p"}, avc(480), aac()], "dash", 2, languages=(None,)),
}


def shown(shape: Shape) -> VideoState:
    raw = {"id": "1", "extractor_key": "Site", "title": "A film", "formats": shape.formats} | shape.more
    return present(read_info(raw), Mint(SIGNER, "https://site.example/1", ANONYMOUS, NOW))


def test_there_are_forty_shapes() -> None:
    assert len(SHAPES) >= 40


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_becomes_what_a_player_opens(name: str) -> None:
    shape, video = SHAPES[name], shown(SHAPES[name])
    assert (video.stream_type, len(video.qualities)) == (shape.road, shape.count)
    if shape.first is not None:
        assert video.qualities[0].label == shape.first
    if shape.families:
        assert {family(quality.codecs.split(",")[0]) for quality in video.qualities} == shape.families
    assert tuple(track.language for track in video.audio_tracks) == shape.languages
    assert video.is_live == bool(shape.more.get("is_live"))
    addresses = [video.stream_url, video.manifest_url, video.video_url]
    assert any(addresses)
    assert bool(video.audio_url) == bool(video.audio_tracks)


@pytest.mark.parametrize(
    "formats",
    [
        [STORYBOARD],
        [avc(1080, has_drm=True), aac() | {"has_drm": True}],
        [file("r", "avc1", "mp4a", 720, protocol="rtmp")],
        [avc(720, url="ftp://cdn.example/1")],
        [avc(720, protocol="websocket_frag")],
        [listed(1080), listed(None)],
        [avc(720, protocol="http_dash_segments_generator", fragments=print)],
        [file("w", "wmv2", "wmav2", 480, ext="wmv")],
        [UNKNOWN | {"ext": "avi"}],
    ],
)
def test_a_shape_that_no_browser_plays_is_refused_with_a_reason(formats: list[Raw]) -> None:
    with pytest.raises(Refused) as refusal:
        shown(Shape(formats, ""))
    assert refusal.value.code == "unsupported"


def test_a_video_begins_where_its_link_says_unless_nothing_is_left_there_or_it_is_live() -> None:
    def start(**more: Any) -> float:
        return shown(Shape([avc(720), aac()], "dash", more=more)).start

    assert start(start_time=90, duration=600) == 90
    assert start(start_time=90) == 90
    assert start(start_time=598, duration=600) == 0
    assert start(start_time=90, is_live=True) == 0


def test_the_sound_to_begin_with_is_the_best_ones_language() -> None:
    video = shown(Shape([vp9(720), aac("fr", 0), opus("en", 0), aac("de", 0) | {"abr": 32}], "dash"))
    assert [track.language for track in video.audio_tracks] == ["de", "en", "fr"]
    assert video.audio_url == video.audio_tracks[0].url


def test_captions_that_were_spoken_are_offered_and_translations_of_a_machine_are_not() -> None:
    def track(language: str) -> list[Raw]:
        return [{"ext": "json3", "url": "https://a.example/j"}, {"ext": "vtt", "url": f"https://a.example/{language}"}]

    automatic = {language: track(language) for language in ("en-orig", "de", "fr", "es", "it")}
    more = {
        "subtitles": {"pt": track("pt"), "live_chat": [{"ext": "json", "url": "x"}]},
        "automatic_captions": automatic,
    }
    video = shown(Shape([avc(720), aac()], "dash", more=more))
    assert [(text.language, text.automatic) for text in video.subtitles] == [("pt", False), ("en-orig", True)]
