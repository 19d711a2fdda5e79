"""The videos behind `/watch/<id>`, as the documents that the sample extractor reads.

An id is one of `KINDS` (or `slow-<seconds>`, `short-<seconds>`), optionally followed by `.` and anything, so that each
test can have a video of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from tests.support import manifests, media, oddities, signing

Document = dict[str, Any]

LIFETIME_S: Final = 6 * 3600
# Any value that begins so is somebody who is signed in; each person may have one of their own.
COOKIE: Final = ("session", "sample")
HEADERS: Final = {"User-Agent": "SampleBrowser/1.0", "Referer": "http://sample.invalid/player"}

KINDS: Final = {
    "pair": "separate video and audio, 144p to 2160p, avc1 and vp9, one HDR; subtitles, captions, chapters",
    "curt": "a pair whose sound ends before its picture, and whose pieces are listed nowhere; subtitles of TTML",
    "headers": "a pair that wants the User-Agent and Referer of its http_headers",
    "cookie": "a pair for those who carry COOKIE, page and media alike",
    "premium": "one MP4, and a pair for those who carry COOKIE",
    "bound": "a pair whose links serve only the address that asked for the document",
    "progressive": "one MP4",
    "webm": "one WebM",
    "hls": "a master playlist with three heights",
    "split": "a master playlist with separate audio and subtitles",
    "dash": "an MPD",
    "live": "a live HLS stream",
    "redirected": "one MP4 behind a redirect",
    "inward": "one MP4 that redirects to a private address",
    "odd": "an MP4 with markup, bidirectional text and a long title",
    "upcoming": "a live stream that has not started",
    "ended": "a recording that was live",
    "over": "a live stream that is just over: pieces that only yt-dlp lists, HLS for who asks for what is incomplete",
    "geo": "refused in this country",
    "age": "wants a sign-in to confirm an age",
    "private": "private",
    "removed": "removed",
    "drm": "encrypted",
    "hang": "the extractor never returns",
    "memory": "the extractor takes memory until it gets no more, 2 GiB at most",
    "fork": "the extractor starts a child process and never returns",
    "garbage": "the extractor prints garbage to stdout and stderr, then succeeds",
    "crash": "the extractor has a bug",
    "abort": "the extractor's process dies of a signal",
    "metadata": "the extractor asks the cloud's metadata address",
}
REFUSALS: Final = frozenset({"geo", "age", "private", "removed", "drm", "upcoming"})
ANTICS: Final = frozenset({"hang", "memory", "fork", "garbage", "crash", "abort", "metadata", "slow"})

# itag, height, frames per second, codec, kbit/s, as YouTube labels them; the pixels behind are those of the clips.
AVC: Final = (
    (160, 144, 24, manifests.CODECS[144], 80),
    (133, 240, 24, manifests.CODECS[240], 150),
    (134, 360, 24, manifests.CODECS[360], 250),
    (135, 480, 24, "avc1.4d401e", 700),
    (136, 720, 24, "avc1.4d401f", 1400),
    (298, 720, 60, "avc1.4d4020", 2300),
    (137, 1080, 24, "avc1.640028", 2700),
    (299, 1080, 60, "avc1.64002a", 4200),
    (264, 1440, 24, "avc1.640032", 7000),
    (266, 2160, 24, "avc1.640033", 14000),
)
VP9: Final = (
    (278, 144, 24, "vp9", 70),
    (242, 240, 24, "vp9", 120),
    (243, 360, 24, "vp9", 220),
    (244, 480, 24, "vp9", 500),
    (247, 720, 24, "vp9", 1000),
    (248, 1080, 24, "vp9", 2000),
    (303, 1080, 60, "vp9", 3300),
    (271, 1440, 24, "vp9", 6000),
    (313, 2160, 24, "vp9", 12000),
    (337, 2160, 60, "vp09.02.51.10.01.09.16.09.00", 18000),
)
HDR_ITAG: Final = 337


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks for a document: `base` is the origin as they reach it."""

    base: str
    ip: str
    cookies: Mapping[str, str]

    @property
    def is_signed_in(self) -> bool:
        return self.cookies.get(COOKIE[0], "").startswith(COOKIE[1])


def document(video: str, asker: Asker, now: float, size: Callable[[str], int]) -> Document | None:
    """What `/api/video/<id>` answers, or None if there is no such video. `size` gives a file's length in bytes."""
    kind, seconds = _kind(video)
    if kind is None:
        return None
    base: Document = {
        "id": video,
        "title": f"Sample {kind}",
        "uploader": "Sample channel",
        "duration": media.DURATION_S,
        "thumbnails": _thumbnails(asker.base),
        "status": "ok",
    }
    if kind in REFUSALS:
        return {**base, "status": kind, "starts_at": round(now) + 7200 if kind == "upcoming" else None}
    if kind == "cookie" and not asker.is_signed_in:
        return {**base, "status": "login"}
    if kind in ANTICS:
        base |= {"antic": kind, "seconds": seconds}
    return base | _contents(video, kind, seconds, asker, now, size)


def playlist(playlist_id: str, base: str) -> Document | None:
    """What `/api/playlist/<id>` answers: three videos whose ids end in the playlist's. None for the id `missing`.

    `many-<count>`: so many, the first of them removed; `channel`: two lists of such three; `holes`: one is said to be
    deleted; `late`: the first opens after three seconds; `post`: a page that holds its three videos itself.
    """
    if playlist_id == "missing":
        return None
    kind = playlist_id.partition(".")[0]
    if kind == "channel":
        tabs = [f"{tab}-{playlist_id.replace('.', '-')}" for tab in ("videos", "live")]
        named = [{"id": each, "url": f"{base}/playlist/{each}", "title": f"Sample {each}"} for each in tabs]
        return {"id": playlist_id, "title": f"Sample playlist {playlist_id}", "entries": named}
    if kind == "post":
        files = {"one": media.MP4, "two": media.WEBM, "three": f"{media.MP4}?part=3"}
        held = [
            {"id": playlist_id, "file": f"{base}/{path}", "title": f"Sample {each}"} for each, path in files.items()
        ]
        return {"id": playlist_id, "title": f"Sample playlist {playlist_id}", "entries": held}
    first = "slow-3" if kind == "late" else "pair"
    entries = [f"{each}.{playlist_id}" for each in (first, "hls", "progressive")]
    if (count := playlist_id.partition(".")[0].removeprefix("many-")).isdecimal():
        entries = [f"{'removed' if number == 0 else 'pair'}.{playlist_id}.{number}" for number in range(int(count))]
    return {
        "id": playlist_id,
        "title": f"Sample playlist {playlist_id}",
        "entries": [{"id": each, "url": f"{base}/watch/{each}", "title": _named(kind, each)} for each in entries],
    }


def _named(playlist: str, video: str) -> str:
    return "[Deleted video]" if playlist == "holes" and video.startswith("hls") else f"Sample {video}"


def _kind(video: str) -> tuple[str | None, float | None]:
    name = video.partition(".")[0]
    kind, dash, seconds = name.partition("-")
    if kind in ("slow", "short") and dash and seconds.isdecimal():
        return kind, float(seconds)
    return (name, None) if name in KINDS else (None, None)


def _contents(
    video: str, kind: str, seconds: float | None, asker: Asker, now: float, size: Callable[[str], int]
) -> Document:
    base = asker.base
    match kind:
        case "curt":
            words = {"name": "Français", "tracks": [{"url": f"{base}/{oddities.TTML}", "ext": "ttml"}]}
            return _pair(kind, asker, int(now + LIFETIME_S), size) | _texts(base) | {"captions": {"fr": words}}
        case "pair" | "short" | "headers" | "cookie" | "bound":
            lifetime = seconds if kind == "short" and seconds is not None else LIFETIME_S
            return _pair(kind, asker, int(now + lifetime), size) | _texts(base) | {"chapters": _chapters()}
        case "premium" if asker.is_signed_in:
            return _pair("cookie", asker, int(now + LIFETIME_S), size) | _texts(base)
        case "webm":
            return {"file": f"{base}/{media.WEBM}", "ext": "webm"}
        case "hls" | "ended":
            return {"hls": f"{base}/{media.HLS_MASTER}", "was_live": kind == "ended"}
        case "over":
            pieces = {"url": f"{base}/{media.MP4}", "ext": "mp4"}
            return {"hls": f"{base}/{media.HLS_MASTER}", "pieces": pieces}
        case "split":
            return {"hls": f"{base}/{media.HLS_SPLIT}"}
        case "dash":
            return {"dash": f"{base}/{media.DASH_TEMPLATE}"}
        case "live":
            return {"hls": f"{base}/live/index.m3u8", "is_live": True, "duration": None}
        case "redirected":
            return {"file": f"{base}/redirect?{urlencode({'to': f'/{media.MP4}', 'n': 2})}", "ext": "mp4"}
        case "inward":
            return {"file": f"{base}/redirect?{urlencode({'to': 'http://169.254.169.254/clip.mp4'})}", "ext": "mp4"}
        case "odd":
            title = f"<img src=x onerror=alert(1)> \u202egnp.exe \N{CLAPPER BOARD} {'long ' * 60}"
            return {"file": f"{base}/{media.MP4}", "ext": "mp4", "title": title}
        case _:
            return {"file": f"{base}/{media.MP4}?id={video}", "ext": "mp4"}


def _pair(kind: str, asker: Asker, expire: int, size: Callable[[str], int]) -> Document:
    extra: list[tuple[str, str]] = []
    if kind == "headers":
        extra = [("need", f"{name}:{value}") for name, value in HEADERS.items()]
    elif kind == "cookie":
        extra = [("need_digest", f"{COOKIE[0]}={signing.digest(asker.cookies[COOKIE[0]])}")]
    ip = asker.ip if kind == "bound" else ""

    def stream(itag: int, name: str, ext: str, **fields: Any) -> Document:
        query = urlencode([("itag", str(itag)), *extra])
        link = f"{asker.base}/{name}?{query}&{signing.query(f'/{name}', expire, ip)}"
        return {"itag": str(itag), "url": link, "ext": ext, "size": size(name), **fields}

    streams = [
        stream(18, media.MP4, "mp4", video=manifests.CODECS[360], audio=manifests.AUDIO_CODEC, height=360, fps=24)
    ]
    for itag, height, fps, codec, bitrate in AVC:
        name = media.avc(min(height, media.HEIGHTS[-1]))
        streams.append(stream(itag, name, "mp4", video=codec, height=height, fps=fps, bitrate=bitrate))
    for itag, height, fps, codec, bitrate in VP9:
        fields = {"video": codec, "height": height, "fps": fps, "bitrate": bitrate, "hdr": itag == HDR_ITAG}
        streams.append(stream(itag, media.VP9, "webm", **fields))
    if kind == "curt":
        sound = stream(140, oddities.CURT, "m4a", audio=manifests.AUDIO_CODEC, bitrate=128, language="en")
        return {"streams": [*streams, sound], "storyboard": f"{asker.base}/{media.THUMBNAIL}"}
    streams += [
        stream(140, media.AAC, "m4a", audio=manifests.AUDIO_CODEC, bitrate=128, language="en", is_original=True),
        stream(139, media.AAC, "m4a", audio=manifests.AUDIO_CODEC, bitrate=48, language="es"),
        stream(251, media.OPUS, "webm", audio="opus", bitrate=120, language="en", is_original=True),
    ]
    document: Document = {"streams": streams, "storyboard": f"{asker.base}/{media.THUMBNAIL}"}
    return document | ({"headers": HEADERS} if kind == "headers" else {})


def _texts(base: str) -> Document:
    """Tracks as YouTube lists them: a format nobody here can show comes first."""

    def track(language: str) -> list[Document]:
        link = f"{base}/{media.subtitle(language)}"
        return [{"url": f"{link}?fmt=json3", "ext": "json3"}, {"url": link, "ext": "vtt"}]

    return {
        "captions": {
            language: {"name": name, "tracks": track(language)} for language, name in manifests.LANGUAGES.items()
        },
        "automatic_captions": {"en": {"name": "English (auto-generated)", "tracks": track("en")}},
    }


def _chapters() -> list[Document]:
    return [
        {"start_time": start, "end_time": start + 16, "title": f"Part {part}"}
        for part, start in enumerate(range(0, media.DURATION_S, 16), 1)
    ]


def _thumbnails(base: str) -> list[Document]:
    link = f"{base}/{media.THUMBNAIL}"
    return [{"url": f"{link}?size=small", "width": 320, "height": 180}, {"url": link, "width": 640, "height": 360}]
