from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support import media as clips
from tests.support.media import Media, make


def probe(path: Path) -> dict[str, str]:
    """Codec name by stream type."""
    command = ["ffprobe", "-v", "error", "-show_entries", "stream=codec_type,codec_name", "-of", "json", str(path)]
    streams = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["streams"]
    return {stream["codec_type"]: stream["codec_name"] for stream in streams}


@pytest.mark.parametrize(
    ("name", "codecs"),
    [
        (clips.MP4, {"video": "h264", "audio": "aac"}),
        (clips.WEBM, {"video": "vp9", "audio": "opus"}),
        (clips.avc(240), {"video": "h264"}),
        (clips.AAC, {"audio": "aac"}),
        (clips.VP9, {"video": "vp9"}),
        (clips.OPUS, {"audio": "opus"}),
        (clips.HLS_TS, {"video": "h264", "audio": "aac"}),
        (clips.HLS_FMP4, {"video": "h264", "audio": "aac"}),
    ],
)
def test_a_clip_carries_its_codecs(media: Media, name: str, codecs: dict[str, str]) -> None:
    assert probe(media.path(name)) == codecs


def test_progressive_mp4_can_start_before_it_is_loaded(media: Media) -> None:
    head = media.path(clips.MP4).read_bytes()[:200_000]
    assert 0 < head.find(b"moov") < head.find(b"mdat")


def test_subtitles_begin_as_webvtt_does(media: Media) -> None:
    assert media.path(clips.subtitle("es")).read_text().startswith("WEBVTT\n\n00:00:00.000 --> 00:00:02.000\n")


def test_a_second_call_makes_nothing_anew(media: Media) -> None:
    before = media.path(clips.MP4).stat().st_mtime_ns
    assert make() == media
    assert media.path(clips.MP4).stat().st_mtime_ns == before


def test_callers_at_once_share_one_encode(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        made = [each.result() for each in [pool.submit(make, tmp_path) for _ in range(2)]]
    assert made[0] == made[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", made[0].root.name]


def test_a_failed_encode_leaves_nothing_that_looks_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(FileNotFoundError, match="ffmpeg"):
        make(tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [".lock"]
