"""Clips with a burned-in timecode and a tone that steps every second, made once by ffmpeg and kept in a cache."""

from __future__ import annotations

import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from tests.support import captions, kinds, manifests, oddities

CACHE: Final = Path(__file__).parent / "media"
SOURCES: Final = (__file__, captions.__file__, kinds.__file__, manifests.__file__, oddities.__file__)
DURATION_S: Final = 64
FRAME_RATE: Final = 24
SEGMENT_S: Final = 2
SEGMENTS: Final = DURATION_S // SEGMENT_S
HEIGHTS: Final = (144, 240, 360)
WEBM_HEIGHT: Final = 144

MP4: Final = "clip.mp4"
WEBM: Final = "clip.webm"
HLS_MASTER: Final = "hls/master.m3u8"
HLS_TS: Final = "hls/360/index.m3u8"
HLS_FMP4: Final = "hls/fmp4/index.m3u8"
HLS_SPLIT: Final = "hls/split/master.m3u8"
DASH_TEMPLATE: Final = "dash/template.mpd"
DASH_BASE: Final = "dash/base.mpd"
AAC: Final = "av/audio.m4a"
OPUS: Final = "av/audio.webm"
VP9: Final = f"av/video-{WEBM_HEIGHT}.webm"
THUMBNAIL: Final = "thumbnail.jpg"


def avc(height: int) -> str:
    """The video-only fragmented MP4 of one of `HEIGHTS`."""
    return f"av/video-{height}.mp4"


def subtitle(language: str) -> str:
    """The WebVTT track of one of `manifests.LANGUAGES`."""
    return f"subtitles/{language}.vtt"


@dataclass(frozen=True, slots=True)
class Media:
    """A finished folder of clips. `files` maps each served name to its path."""

    root: Path

    def path(self, name: str) -> Path:
        return self.root / name

    def files(self) -> dict[str, Path]:
        return {str(path.relative_to(self.root)): path for path in sorted(self.root.rglob("*")) if path.is_file()}


def make(cache: Path = CACHE) -> Media:
    """The clips, encoded if this recipe has not been run yet (about ten seconds on two cores).

    Safe to call from many processes: one encodes, the others wait. A crash leaves a `.making-…` folder, never half a
    result, because the finished folder is renamed into place.

    :raises subprocess.CalledProcessError: if ffmpeg refuses.
    :raises FileNotFoundError: if there is no ffmpeg.
    """
    finished = cache / _recipe_digest()
    if not finished.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with _lock(cache / ".lock"):
            if not finished.is_dir():
                _make_into(finished)
    return Media(finished)


@functools.cache
def _recipe_digest() -> str:
    recipe = b"".join(Path(source).read_bytes() for source in SOURCES)
    return hashlib.sha256(recipe).hexdigest()[:12]


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make_into(finished: Path) -> None:
    making = Path(mkdtemp(prefix=".making-", dir=finished.parent))
    try:
        packed = ("av", "dash", "subtitles", "hls/fmp4", "hls/split", *(f"hls/{height}" for height in HEIGHTS))
        for folder in (*packed, *kinds.FOLDERS, *oddities.FOLDERS):
            (making / folder).mkdir(parents=True)
        kinds.prepare(making)
        for arguments in (_encode(), *_repackage(), *kinds.commands(MP4, SEGMENT_S), *oddities.commands(MP4)):
            subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *arguments], cwd=making, check=True)
        _write_manifests(making)
        kinds.finish(making)
        oddities.finish(making, FRAME_RATE, SEGMENT_S, DURATION_S)
        making.rename(finished)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _encode() -> list[str]:
    """One pass makes everything that needs an encoder; all else copies these packets."""
    picture = f"testsrc2=size=640x360:rate={FRAME_RATE}:duration={DURATION_S}"
    tone = f"aevalsrc='0.2*sin(2*PI*(220+40*mod(floor(t)\\,10))*t)':s=48000:d={DURATION_S}"
    split = "[0:v]format=yuv420p,split=3[v360][b][c];[b]scale=426:240[v240];[c]scale=256:144,split=2[v144][vp9]"
    arguments = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", tone, "-filter_complex", split]
    gop = ["-g", str(FRAME_RATE), "-keyint_min", str(FRAME_RATE), "-threads", str(os.cpu_count() or 1)]
    aac = ["-c:a", "aac", "-b:a", "64k", "-ac", "2"]
    for height, rate in zip(HEIGHTS, ("80k", "150k", "250k"), strict=True):
        x264 = ["-c:v", "libx264", "-preset", "ultrafast", "-profile:v", "baseline", "-sc_threshold", "0", "-b:v", rate]
        name = MP4 if height == HEIGHTS[-1] else f"av/clip-{height}.mp4"
        arguments += ["-map", f"[v{height}]", "-map", "1:a", *x264, *gop, *aac, "-movflags", "+faststart", name]
    vp9 = ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-row-mt", "1", "-b:v", "100k"]
    opus = ["-c:a", "libopus", "-b:a", "48k", "-ac", "2"]
    return [*arguments, "-map", "[vp9]", "-map", "1:a", *vp9, *gop, *opus, "-cues_to_front", "1", WEBM]


def _repackage() -> Iterator[list[str]]:
    fragmented = "+empty_moov+default_base_moof+global_sidx"
    for height in HEIGHTS:
        source = _progressive(height)
        yield ["-i", source, "-map", "0:v", "-c", "copy", "-movflags", f"{fragmented}+frag_keyframe", avc(height)]
        yield ["-i", source, "-c", "copy", *_hls(f"hls/{height}"), f"hls/{height}/index.m3u8"]
    yield ["-i", MP4, "-map", "0:a", "-c", "copy", "-frag_duration", "1000000", "-movflags", fragmented, AAC]
    yield ["-i", WEBM, "-map", "0:v", "-c", "copy", "-cues_to_front", "1", VP9]
    yield ["-i", WEBM, "-map", "0:a", "-c", "copy", "-cues_to_front", "1", OPUS]
    yield ["-i", MP4, "-c", "copy", *_hls("hls/fmp4", fmp4="init.mp4"), HLS_FMP4]
    for kind in ("v", "a"):
        target = f"hls/split/{kind}"
        yield ["-i", MP4, "-map", f"0:{kind}", "-c", "copy", *_hls(target, fmp4=f"{kind}-init.mp4"), f"{target}.m3u8"]
    inputs = [part for height in HEIGHTS for part in ("-i", _progressive(height))]
    maps = [part for index in range(len(HEIGHTS)) for part in ("-map", f"{index}:v")]
    template = ["-use_template", "1", "-use_timeline", "0", "-adaptation_sets", "id=0,streams=v id=1,streams=a"]
    dash = ["-f", "dash", "-seg_duration", str(SEGMENT_S), *template, DASH_TEMPLATE]
    yield [*inputs, *maps, "-map", "0:a", "-c", "copy", *dash]
    yield ["-ss", "10", "-i", MP4, "-frames:v", "1", "-q:v", "4", THUMBNAIL]


def _progressive(height: int) -> str:
    return MP4 if height == HEIGHTS[-1] else f"av/clip-{height}.mp4"


def _hls(target: str, fmp4: str | None = None) -> list[str]:
    arguments = ["-f", "hls", "-hls_time", str(SEGMENT_S), "-hls_playlist_type", "vod"]
    if fmp4 is None:
        return [*arguments, "-hls_segment_filename", f"{target}/%03d.ts"]
    segments = f"{target}-%03d.m4s" if target.endswith(("/v", "/a")) else f"{target}/%03d.m4s"
    return [*arguments, "-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", fmp4, "-hls_segment_filename", segments]


def _write_manifests(root: Path) -> None:
    video = [manifests.representation(root / avc(height), f"../{avc(height)}", height) for height in HEIGHTS]
    audio = manifests.representation(root / AAC, f"../{AAC}", None)
    (root / DASH_BASE).write_text(manifests.segment_base_mpd(DURATION_S, video, audio))
    (root / HLS_MASTER).write_text(manifests.master_playlist(HEIGHTS))
    (root / HLS_SPLIT).write_text(manifests.split_master_playlist())
    for language in manifests.LANGUAGES:
        (root / subtitle(language)).write_text(manifests.webvtt(language, DURATION_S))
        playlist = manifests.subtitle_playlist(f"../../{subtitle(language)}", DURATION_S)
        (root / f"hls/split/{language}.m3u8").write_text(playlist)
