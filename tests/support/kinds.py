"""More ways to pack the same clip: what streams come as that the files of `media` are not. Nothing is encoded twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

MKV: Final = "kinds/clip.mkv"
MP3: Final = "kinds/sound.mp3"
HLS_RANGES: Final = "kinds/ranges/index.m3u8"
HLS_FMP4_RANGES: Final = "kinds/fmp4-ranges/index.m3u8"
HLS_AES: Final = "kinds/aes/index.m3u8"
HLS_LANGUAGES: Final = "kinds/languages/master.m3u8"
# Its steering manifest prefers a copy of its one pathway, at another name of the origin.
HLS_STEERED: Final = "kinds/steered/master.m3u8"
DASH_TIMELINE: Final = "kinds/timeline/index.mpd"
DASH_LIST: Final = "kinds/list/index.mpd"
# Half a segment each, for streams with parts: `parts/000.m4s` and its next are one segment.
PARTS: Final = "kinds/parts"
PARTS_IN_SEGMENT: Final = 2

FOLDERS: Final = tuple(
    f"kinds/{name}" for name in ("ranges", "fmp4-ranges", "aes", "languages", "steered", "timeline", "list", "parts")
)
KEY: Final = bytes(range(16))

_HLS: Final = ("-f", "hls", "-hls_playlist_type", "vod")
_FMP4: Final = ("-hls_segment_type", "fmp4")


def prepare(root: Path) -> None:
    """Write what ffmpeg reads beside the clip."""
    (root / "kinds/aes/key.bin").write_bytes(KEY)
    (root / "kinds/aes/key.info").write_text("key.bin\nkinds/aes/key.bin\n")


def commands(clip: str, segment_s: int) -> Iterator[list[str]]:
    """Arguments of ffmpeg that make each kind of `clip`."""
    copied, segments = ["-i", clip, "-c", "copy"], ["-hls_time", str(segment_s)]
    yield [*copied, MKV]
    yield ["-i", clip, "-map", "0:a", "-c:a", "libmp3lame", "-b:a", "64k", MP3]
    yield [*copied, *_HLS, *segments, "-hls_flags", "single_file", HLS_RANGES]
    yield [*copied, *_HLS, *segments, *_FMP4, "-hls_flags", "single_file", HLS_FMP4_RANGES]
    encrypted = ["-hls_key_info_file", "kinds/aes/key.info", "-hls_segment_filename", "kinds/aes/%03d.ts"]
    yield [*copied, *_HLS, *segments, *encrypted, HLS_AES]
    sound = ["-i", clip, "-map", "0:a", "-af", "volume=0.5", "-c:a", "aac", "-b:a", "64k"]
    yield [*sound, *_HLS, *segments, "-hls_segment_filename", "kinds/languages/es-%03d.ts", "kinds/languages/es.m3u8"]
    dash = [*copied, "-map", "0", "-f", "dash", "-seg_duration", str(segment_s)]
    sets = ["-adaptation_sets", "id=0,streams=v id=1,streams=a"]
    by_time = ["-media_seg_name", "chunk-$RepresentationID$-$Time$.m4s", "-use_template", "1", "-use_timeline", "1"]
    yield [*dash, *by_time, *sets, DASH_TIMELINE]
    yield [*dash, "-use_template", "0", "-use_timeline", "0", *sets, DASH_LIST]
    parts = ["-hls_time", str(segment_s / PARTS_IN_SEGMENT), *_FMP4, "-hls_segment_filename", f"{PARTS}/%03d.m4s"]
    yield [*copied, *_HLS, *parts, f"{PARTS}/index.m3u8"]


def finish(root: Path) -> None:
    """Write the playlists that ffmpeg does not, and mend what it does."""
    # It names the first piece of sound by when the encoder's silence begins, and lists it at 0.
    (root / "kinds/timeline/chunk-1--1024.m4s").rename(root / "kinds/timeline/chunk-1-0.m4s")
    (root / HLS_LANGUAGES).write_text(
        """#EXTM3U
#EXT-X-VERSION:7
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="English",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,URI="../../hls/split/a.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="Español",LANGUAGE="es",AUTOSELECT=YES,URI="es.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="English",LANGUAGE="en",URI="../../hls/split/en.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="Español",LANGUAGE="es",URI="../../hls/split/es.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=450000,RESOLUTION=640x360,CODECS="avc1.42c01e,mp4a.40.2",AUDIO="a",SUBTITLES="s"
../../hls/split/v.m3u8
"""
    )
    (root / HLS_STEERED).write_text(
        """#EXTM3U
#EXT-X-VERSION:3
#EXT-X-CONTENT-STEERING:SERVER-URI="steering.json",PATHWAY-ID="one"
#EXT-X-STREAM-INF:BANDWIDTH=450000,RESOLUTION=640x360,CODECS="avc1.42c01e,mp4a.40.2",PATHWAY-ID="one"
../../hls/360/index.m3u8
"""
    )
    (root / "kinds/steered/steering.json").write_text(
        """{"VERSION": 1, "TTL": 300, "PATHWAY-PRIORITY": ["two", "one"], "PATHWAY-CLONES": [
  {"ID": "two", "BASE-ID": "one", "URI-REPLACEMENT": {"HOST": "localhost", "PARAMS": {"pathway": "two"}}}
]}
"""
    )
