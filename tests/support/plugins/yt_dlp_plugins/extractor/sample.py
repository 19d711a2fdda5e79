"""A yt-dlp extractor for the media origin of the tests. It offers what YouTube offers, and misbehaves as sites do.

It imports nothing of this repository, as any plugin would not.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.networking.exceptions import HTTPError
from yt_dlp.utils import ExtractorError

_HOSTS = r"https?://(?:127(?:\.\d+){3}|localhost|\[::1\]|[\w-]+\.localhost)(?::\d+)?"
_MIB = 1 << 20


class SampleOriginIE(InfoExtractor):  # type: ignore[misc]  # yt-dlp is untyped
    # yt-dlp takes it from an extractor's own tests, where there are some.
    _RETURN_TYPE = "video"
    # Some sites name their videos behind the `#` alone.
    _VALID_URL = rf"{_HOSTS}/(?:#/)?watch/(?P<id>[\w.-]+)"

    def _real_extract(self, url: str) -> dict[str, Any]:
        video = self._match_id(url)
        document = self._document(url, video)
        self._refuse(document, video)
        if antic := document.get("antic"):
            self._misbehave(antic, document, url, video)
        return {
            "id": video,
            "title": document["title"],
            "uploader": document.get("uploader"),
            "duration": document.get("duration"),
            "description": document.get("description"),
            "thumbnails": document.get("thumbnails"),
            "chapters": document.get("chapters"),
            "is_live": document.get("is_live"),
            "was_live": document.get("was_live"),
            "start_time": _seconds(url),
            "http_headers": document.get("headers"),
            **self._contents(document, video),
        }

    def _document(self, url: str, video: str) -> dict[str, Any]:
        try:
            document: dict[str, Any] = self._download_json(_beside(url, f"/api/video/{video}"), video)
        except ExtractorError as error:
            if isinstance(error.cause, HTTPError) and error.cause.status == 404:
                raise ExtractorError("Video unavailable. This video does not exist", expected=True) from error
            raise
        return document

    def _refuse(self, document: dict[str, Any], video: str) -> None:
        match document["status"]:
            case "login":
                self.raise_login_required("This video is only available for registered users", method="cookies")
            case "age":
                raise ExtractorError("Sign in to confirm your age. This video may be inappropriate", expected=True)
            case "geo":
                self.raise_geo_restricted("The uploader has not made this video available in your country", ["IS"])
            case "private":
                raise ExtractorError(
                    "Private video. Sign in if you've been granted access to this video", expected=True
                )
            case "removed":
                raise ExtractorError("Video unavailable. This video has been removed by the uploader", expected=True)
            case "drm":
                self.report_drm(video)

    def _misbehave(self, antic: str, document: dict[str, Any], url: str, video: str) -> None:
        match antic:
            case "slow":
                time.sleep(document["seconds"])
            case "hang":
                self._tell(url, video)
                _sleep_for_ever()
            case "fork":
                child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
                self._tell(url, video, child=child.pid)
                _sleep_for_ever()
            case "memory":
                self._tell(url, video)
                hoard = [b"\x01" * _MIB for _ in range(2048)]
                raise ExtractorError(f"was given {len(hoard)} MiB", expected=True)
            case "garbage":
                print("WARNING: a plugin that prints", '{"type": "result", "info": {}}', flush=True)  # noqa: T201
                os.write(1, b"\xff\xfe\x00 not text\n{]\n")
                os.write(2, b"\xff\xfe on stderr too\n")
            case "crash":
                raise RuntimeError("a bug in the extractor")
            case "abort":
                os.abort()
            case "metadata":
                page = self._download_webpage("http://169.254.169.254/latest/meta-data/", video, fatal=False)
                document["description"] = f"metadata: {page!r}"

    def _tell(self, url: str, video: str, **facts: int) -> None:
        """Let a test know, through the origin's record, which processes to look for."""
        facts["pid"] = os.getpid()
        self._download_json(_beside(url, f"/api/started/{video}?{urlencode(facts)}"), video)

    def _contents(self, document: dict[str, Any], video: str) -> dict[str, Any]:
        if document["status"] == "upcoming":
            self.raise_no_formats("This live event will begin in 2 hours.", expected=True, video_id=video)
            return {"live_status": "is_upcoming", "release_timestamp": document["starts_at"], "formats": []}
        if "pieces" in document and "incomplete" not in self._configuration_arg("formats", ie_key="youtube"):
            # As YouTube's: what was live is listed piece by piece until it is processed.
            pieces = {"protocol": "http_dash_segments", "fragments": [{"url": document["pieces"]["url"]}]}
            return {"live_status": "post_live", "formats": [document["pieces"] | pieces]}
        if "hls" in document:
            formats, subtitles = self._extract_m3u8_formats_and_subtitles(
                document["hls"], video, "mp4", live=bool(document.get("is_live"))
            )
            return {"formats": formats, "subtitles": subtitles}
        if "dash" in document:
            formats, subtitles = self._extract_mpd_formats_and_subtitles(document["dash"], video)
            return {"formats": formats, "subtitles": subtitles}
        if "file" in document:
            return {"url": document["file"], "ext": document["ext"]}
        formats = [_format(stream) for stream in document["streams"]]
        return {
            "formats": [_storyboard(document["storyboard"]), *formats],
            "subtitles": _tracks(document["captions"]),
            "automatic_captions": _tracks(document["automatic_captions"]),
        }


class SampleOriginPlaylistIE(InfoExtractor):  # type: ignore[misc]  # yt-dlp is untyped
    _VALID_URL = rf"{_HOSTS}/playlist/(?P<id>[\w.-]+)"

    def _real_extract(self, url: str) -> dict[str, Any]:
        playlist = self._match_id(url)
        document = self._download_json(_beside(url, f"/api/playlist/{playlist}"), playlist)
        entries = [self._entry(entry) for entry in document["entries"]]
        is_post = any("file" in entry for entry in document["entries"])
        result: dict[str, Any] = self.playlist_result(entries, playlist, document["title"], multi_video=is_post)
        return result

    def _entry(self, entry: dict[str, Any]) -> dict[str, Any]:
        """A link, or what the page holds itself."""
        if "file" in entry:
            return {"id": entry["id"], "title": entry["title"], "url": entry["file"], "duration": 64.0}
        opener = SampleOriginIE if "/watch/" in entry["url"] else None
        result: dict[str, Any] = self.url_result(entry["url"], opener, entry["id"], entry["title"])
        return result


def _seconds(url: str) -> float | None:
    """Where a link says to begin, as `?t=90`."""
    asked = parse_qs(urlsplit(url).query).get("t", [""])[0]
    return float(asked) if asked.isdecimal() else None


def _beside(url: str, path: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{path}"


def _sleep_for_ever() -> None:
    while True:
        time.sleep(3600)


def _format(stream: dict[str, Any]) -> dict[str, Any]:
    height, video, audio = stream.get("height"), stream.get("video", "none"), stream.get("audio", "none")
    is_hdr = bool(stream.get("hdr"))
    rate = stream.get("bitrate")
    fields: dict[str, Any] = {
        "format_id": stream["itag"],
        "url": stream["url"],
        "ext": stream["ext"],
        "vcodec": video,
        "acodec": audio,
        "filesize": stream["size"],
        "tbr": rate,
        "language": stream.get("language"),
        "language_preference": 10 if stream.get("is_original") else -1,
        "downloader_options": {"http_chunk_size": 10485760},
    }
    if height is not None:
        fps = stream["fps"]
        note = f"{height}p{fps if fps > 30 else ''}{' HDR' if is_hdr else ''}"
        fields |= {"height": height, "width": -(-height * 16 // 9 // 2) * 2, "fps": fps, "format_note": note}
        fields |= {"vbr": rate, "dynamic_range": "HDR10" if is_hdr else "SDR"}
    else:
        fields |= {"abr": rate, "asr": 48000, "audio_channels": 2}
    if "none" in (video, audio):
        fields["container"] = f"{stream['ext']}_dash"
    return fields


def _storyboard(url: str) -> dict[str, Any]:
    """Pictures for a seek bar: a format that is neither video nor audio."""
    return {
        "format_id": "sb0",
        "format_note": "storyboard",
        "ext": "mhtml",
        "protocol": "mhtml",
        "acodec": "none",
        "vcodec": "none",
        "url": url,
        "width": 160,
        "height": 90,
        "columns": 4,
        "rows": 4,
        "fps": 0.25,
        "fragments": [{"url": url, "duration": 64.0}],
    }


def _tracks(captions: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    return {
        language: [{**track, "name": caption["name"]} for track in caption["tracks"]]
        for language, caption in captions.items()
    }
