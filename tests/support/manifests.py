"""Playlists, MPDs and subtitles that the media origin serves, as text."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

# What ffmpeg's x264 baseline encodes carry, and their real sizes.
CODECS: Final = {144: "avc1.42c00c", 240: "avc1.42c015", 360: "avc1.42c01e"}
SIZES: Final = {144: (256, 144), 240: (426, 240), 360: (640, 360)}
BANDWIDTHS: Final = {144: 200_000, 240: 300_000, 360: 450_000}
AUDIO_CODEC: Final = "mp4a.40.2"
LANGUAGES: Final = {"en": "English", "es": "Español"}
LIVE_WINDOW: Final = 6


@dataclass(frozen=True, slots=True)
class Representation:
    """One fragmented MP4. Ranges are `first-last` bytes, both inclusive; `height` is None for audio."""

    base_url: str
    height: int | None
    initialization: str
    index: str


def boxes(data: bytes) -> Iterator[tuple[str, int, int]]:
    """Name, offset and size of each top-level MP4 box (ISO 14496-12 §4.2)."""
    offset = 0
    while offset + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, offset)
        yield name.decode("latin-1"), offset, size
        offset += max(size, 8)


def representation(path: Path, base_url: str, height: int | None) -> Representation:
    """Where the header and the `sidx` of a fragmented MP4 lie.

    :raises StopIteration: if it has no `sidx`.
    """
    offset, size = next((offset, size) for name, offset, size in boxes(path.read_bytes()) if name == "sidx")
    return Representation(base_url, height, f"0-{offset - 1}", f"{offset}-{offset + size - 1}")


def segment_base_mpd(duration_s: int, video: Sequence[Representation], audio: Representation) -> str:
    """An on-demand MPD: one file per Representation, found by BaseURL, indexed by SegmentBase."""
    pictures = "\n".join(_representation(f"v{each.height}", each) for each in video)
    return f"""<?xml version="1.0" encoding="utf-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" type="static"
     mediaPresentationDuration="PT{duration_s}S" minBufferTime="PT2S">
  <Period>
    <AdaptationSet contentType="video" mimeType="video/mp4" subsegmentAlignment="true" subsegmentStartsWithSAP="1">
{pictures}
    </AdaptationSet>
    <AdaptationSet contentType="audio" mimeType="audio/mp4" lang="en" subsegmentAlignment="true">
{_representation("a", audio)}
    </AdaptationSet>
  </Period>
</MPD>
"""


def _representation(name: str, each: Representation) -> str:
    if each.height is None:
        attributes = f'codecs="{AUDIO_CODEC}" bandwidth="66000" audioSamplingRate="48000"'
    else:
        width, height = SIZES[each.height]
        codecs, bandwidth = CODECS[each.height], BANDWIDTHS[each.height]
        attributes = f'codecs="{codecs}" bandwidth="{bandwidth}" width="{width}" height="{height}"'
    return f"""      <Representation id="{name}" {attributes}>
        <BaseURL>{each.base_url}</BaseURL>
        <SegmentBase indexRange="{each.index}"><Initialization range="{each.initialization}"/></SegmentBase>
      </Representation>"""


def master_playlist(heights: Sequence[int]) -> str:
    """A master over `{height}/index.m3u8`, tallest first (RFC 8216 §4.3.4)."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:3"]
    for height in sorted(heights, reverse=True):
        lines += [_stream_inf(height), f"{height}/index.m3u8"]
    return "\n".join([*lines, ""])


def split_master_playlist() -> str:
    """A master whose audio and subtitles are renditions of their own."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:7"]
    lines.append(
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="English",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,URI="a.m3u8"'
    )
    for language, name in LANGUAGES.items():
        lines.append(
            f'#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="{name}",LANGUAGE="{language}",URI="{language}.m3u8"'
        )
    lines += [_stream_inf(360) + ',AUDIO="a",SUBTITLES="s"', "v.m3u8", ""]
    return "\n".join(lines)


def _stream_inf(height: int) -> str:
    width, _ = SIZES[height]
    return (
        f"#EXT-X-STREAM-INF:BANDWIDTH={BANDWIDTHS[height]},RESOLUTION={width}x{height},FRAME-RATE=24.000,"
        f'CODECS="{CODECS[height]},{AUDIO_CODEC}"'
    )


def subtitle_playlist(uri: str, duration_s: int) -> str:
    return (
        f"#EXTM3U\n#EXT-X-TARGETDURATION:{duration_s}\n#EXT-X-PLAYLIST-TYPE:VOD\n"
        f"#EXTINF:{duration_s},\n{uri}\n#EXT-X-ENDLIST\n"
    )


def webvtt(language: str, duration_s: int) -> str:
    """A cue every two seconds that says its own time."""
    cues = (
        f"00:{start // 60:02}:{start % 60:02}.000 --> 00:{(start + 2) // 60:02}:{(start + 2) % 60:02}.000\n"
        f"{LANGUAGES[language]}: {start} s\n"
        for start in range(0, duration_s, 2)
    )
    return "WEBVTT\n\n" + "\n".join(cues)


def live_playlist(
    now: float,
    *,
    segments: int,
    segment_s: int,
    is_dated: bool = True,
    ends_at: float | None = None,
    query: str = "",
    window: int = LIVE_WINDOW,
) -> str:
    """The sliding window of a stream that has been live since 1970, at `now` in Unix seconds.

    Segment n covers [n, n + 1) · `segment_s` and appears when it is over; its bytes are those of recorded segment
    n mod `segments`, so each wrap is a discontinuity. After `ends_at` the window stops and is closed by ENDLIST.
    """
    last = int(min(now, ends_at or now) // segment_s) - 1
    first = last - window + 1
    lines = ["#EXTM3U", "#EXT-X-VERSION:6", f"#EXT-X-TARGETDURATION:{segment_s}", f"#EXT-X-MEDIA-SEQUENCE:{first}"]
    # A tag on the first segment of the window is not counted until that segment leaves (RFC 8216 §4.3.3.3).
    lines.append(f"#EXT-X-DISCONTINUITY-SEQUENCE:{(first - 1) // segments}")
    for number in range(first, last + 1):
        if number % segments == 0:
            lines.append("#EXT-X-DISCONTINUITY")
        if is_dated and (number == first or number % segments == 0):
            date = datetime.fromtimestamp(number * segment_s, UTC)
            lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{date.isoformat(timespec='milliseconds').replace('+00:00', 'Z')}")
        lines += [f"#EXTINF:{segment_s:.3f},", f"{number}.ts{query}"]
    if ends_at is not None and now >= ends_at:
        lines.append("#EXT-X-ENDLIST")
    return "\n".join([*lines, ""])
