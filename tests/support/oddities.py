"""What people paste that is unlike the clip: other files, playlists with breaks. Little is encoded, and short."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.support.captions import with_captions

# The length of what is encoded anew, in seconds.
SHORT_S: Final = 12
# How long the loud film is quiet, before it is loud for as long.
QUIET_S: Final = 16
# How long the sound is that ends before its picture.
CURT_S: Final = 58

TAIL: Final = "odd/tail.mp4"
BRIEF: Final = "odd/brief.mp4"
OGG: Final = "odd/sound.ogg"
WAV: Final = "odd/sound.wav"
FLAC: Final = "odd/sound.flac"
UPRIGHT: Final = "odd/upright.mp4"
UNEVEN: Final = "odd/uneven.mp4"
DEEP: Final = "odd/deep.webm"
AV1: Final = "odd/av1.mp4"
HEVC: Final = "odd/hevc.mp4"
ENDLESS: Final = "odd/endless.webm"
LOUD: Final = "odd/loud.mp4"
CURT: Final = "odd/curt.m4a"
HLS_BREAKS: Final = "odd/breaks.m3u8"
HLS_UNKNOWN: Final = "odd/unknown.m3u8"
HLS_TWINS: Final = "odd/twins.m3u8"
HLS_CAPTIONS: Final = "odd/captions/index.m3u8"
PROTECTED: Final = "odd/protected.mp4"
DASH_TTML: Final = "odd/words.mpd"
DASH_PERIODS: Final = "odd/periods.mpd"
TTML: Final = "odd/words.ttml"

FOLDERS: Final = ("odd", "odd/captions")
WORDS: Final = "Words number {}"

_X264: Final = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "24")
_AAC: Final = ("-c:a", "aac", "-b:a", "64k")


def commands(clip: str) -> Iterator[list[str]]:
    """Arguments of ffmpeg that make each of them, of `clip` where it can be."""
    yield ["-i", clip, "-c", "copy", TAIL]
    yield ["-i", clip, "-t", "2", "-c", "copy", "-movflags", "+faststart", BRIEF]
    yield ["-i", clip, "-map", "0:a", "-c:a", "libvorbis", OGG]
    yield ["-i", clip, "-map", "0:a", "-ac", "1", "-ar", "16000", WAV]
    yield ["-i", clip, "-map", "0:a", "-ac", "1", "-ar", "16000", FLAC]
    yield ["-i", clip, "-map", "0:a", "-t", str(CURT_S), "-c", "copy", "-movflags", "+faststart", CURT]
    picture = _picture("256x144")
    tone = _tone("0.2*sin(2*PI*330*t)")
    yield [*_picture("144x256"), *tone, *_X264, *_AAC, "-movflags", "+faststart", UPRIGHT]
    uneven = ["-vf", "select='not(mod(n\\,7))+gt(mod(t\\,3)\\,2)'", "-vsync", "vfr"]
    yield [*picture, *tone, *uneven, *_X264, *_AAC, "-movflags", "+faststart", UNEVEN]
    vp9 = ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "100k", "-g", "24"]
    yield [*picture, *tone, *vp9, "-pix_fmt", "yuv420p10le", "-profile:v", "2", "-c:a", "libopus", DEEP]
    av1 = ["-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-pix_fmt", "yuv420p", "-g", "24"]
    yield [*picture, *tone, *av1, *_AAC, "-movflags", "+faststart", AV1]
    hevc = ["-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1", "-x265-params", "log-level=error"]
    yield [*picture, *tone, *hevc, *_AAC, "-movflags", "+faststart", HEVC]
    yield ["-i", "clip.webm", "-c", "copy", "-f", "webm", "-live", "1", ENDLESS]
    # Very quiet, and from then on every other second as loud as it can be.
    bursts = _tone(f"if(lt(t\\,{QUIET_S})+lt(mod(t\\,2)\\,1)\\,0.02\\,0.95)*sin(2*PI*440*t)", 2 * QUIET_S)
    yield [*_picture("256x144", 2 * QUIET_S), *bursts, *_X264, *_AAC, "-movflags", "+faststart", LOUD]
    keys = ["-encryption_scheme", "cenc-aes-ctr", "-encryption_key", "76a6c65c5ea762046bd749a2e632ccbb"]
    keys += ["-encryption_kid", "a7e61c373e219033c21091fa607bf3b8"]
    yield ["-i", clip, "-t", str(SHORT_S), "-c", "copy", *keys, "-movflags", "+faststart", PROTECTED]
    bare = ["-bsf:v", "h264_mp4toannexb", "-f", "h264", "odd/captions/bare.h264"]
    yield ["-i", clip, "-map", "0:v", "-c", "copy", *bare]


def finish(root: Path, frame_rate: int, segment_s: int, duration_s: int) -> None:
    """Write what ffmpeg does not."""
    _caption(root, frame_rate, segment_s)
    _write_playlists(root, segment_s, duration_s)
    _write_words(root, duration_s)


def _caption(root: Path, frame_rate: int, segment_s: int) -> None:
    bare, captioned = root / "odd/captions/bare.h264", root / "odd/captions/captioned.h264"
    captioned.write_bytes(with_captions(bare.read_bytes(), 2 * frame_rate, WORDS))
    hls = ["-f", "hls", "-hls_time", str(segment_s), "-hls_playlist_type", "vod"]
    pieces = ["-hls_segment_filename", "odd/captions/%03d.ts", HLS_CAPTIONS]
    arguments = ["-fflags", "+genpts", "-r", str(frame_rate), "-i", str(captioned), "-i", "clip.mp4"]
    maps = ["-map", "0:v", "-map", "1:a", "-c", "copy"]
    command = ["ffmpeg", "-nostdin", "-v", "fatal", "-y", *arguments, *maps, *hls, *pieces]
    subprocess.run(command, cwd=root, check=True)
    bare.unlink()
    captioned.unlink()


def _write_playlists(root: Path, segment_s: int, duration_s: int) -> None:
    def pieces(height: int, first: int, count: int) -> str:
        return "".join(
            f"#EXTINF:{segment_s},\n../hls/{height}/{number:03}.ts\n" for number in range(first, first + count)
        )

    head = f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:{segment_s}\n#EXT-X-PLAYLIST-TYPE:VOD\n"
    gap = "#EXT-X-DISCONTINUITY\n"
    # The film, six seconds of advertisements, and on with the film.
    film = [pieces(360, 0, 5), gap, pieces(144, 0, 3), gap, pieces(360, 5, 10)]
    (root / HLS_BREAKS).write_text(f"{head}{''.join(film)}#EXT-X-ENDLIST\n")
    unknown = '#EXT-X-STREAM-INF:BANDWIDTH=450000,RESOLUTION=640x360,CODECS="dvh1.05.06,ec-3"\n../hls/360/index.m3u8\n'
    (root / HLS_UNKNOWN).write_text(f"#EXTM3U\n{unknown}")
    twins = [(450_000, "640x360", 360), (600_000, "640x360", 360), (300_000, "426x240", 240)]
    lines = [
        f'#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},RESOLUTION={size},CODECS="avc1.42c01e,mp4a.40.2"\n'
        f"../hls/{height}/index.m3u8?b={bandwidth}\n"
        for bandwidth, size, height in twins
    ]
    sound = '#EXT-X-STREAM-INF:BANDWIDTH=66000,CODECS="mp4a.40.2"\n../hls/split/a.m3u8\n'
    frames = '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,CODECS="avc1.42c01e",URI="../hls/360/index.m3u8"\n'
    (root / HLS_TWINS).write_text(f"#EXTM3U\n{''.join(lines)}{sound}{frames}")


def _write_words(root: Path, duration_s: int) -> None:
    lines = "".join(
        f'<p begin="{start}s" end="{start + 2}s">{WORDS.format(start // 2)}</p>' for start in range(0, duration_s, 2)
    )
    ttml = (
        '<?xml version="1.0" encoding="utf-8"?>\n<tt xmlns="http://www.w3.org/ns/ttml" xml:lang="en">'
        f"<body><div>{lines}</div></body></tt>\n"
    )
    (root / TTML).write_text(ttml)
    words = (
        '<AdaptationSet contentType="text" mimeType="application/ttml+xml" lang="en"><Role '
        'schemeIdUri="urn:mpeg:dash:role:2011" value="subtitle"/><Representation id="words" bandwidth="1000">'
        "<BaseURL>words.ttml</BaseURL></Representation></AdaptationSet>"
    )
    plain = (root / "dash/base.mpd").read_text()
    (root / DASH_TTML).write_text(plain.replace("</Period>", f"{words}</Period>"))
    period = plain[plain.index("<Period>") + len("<Period>") : plain.index("</Period>")]
    periods = f'<Period duration="PT{duration_s}S">{period}</Period><Period>{period}</Period>'
    twice = plain.replace(f"<Period>{period}</Period>", periods)
    (root / DASH_PERIODS).write_text(twice.replace(f'"PT{duration_s}S" minBuffer', f'"PT{2 * duration_s}S" minBuffer'))


def _picture(size: str, seconds: int = SHORT_S) -> list[str]:
    return ["-f", "lavfi", "-i", f"testsrc2=size={size}:rate=24:duration={seconds}"]


def _tone(expression: str, seconds: int = SHORT_S) -> list[str]:
    return ["-f", "lavfi", "-i", f"aevalsrc='{expression}':s=48000:d={seconds}"]
