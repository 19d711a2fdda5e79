"""Where the pieces of a file lie, read from files that ffmpeg made and from ones that nobody should make."""

from __future__ import annotations

import math
import random
import struct
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from services.common.errors import Refused
from services.proxy.manifest.index import Index, More, Parts, read
from tests.support import media as clips
from tests.support.media import Media


def found(body: bytes, step: int = 4096) -> Index:
    """The index, read as the proxy does: some bytes first, then what is asked for."""
    parts = Parts()
    parts.add(0, body[:step])
    for _ in range(8):
        answer = read(parts)
        if isinstance(answer, Index):
            return answer
        parts.add(answer.start, body[answer.start : max(answer.stop, answer.start + step)])
    raise AssertionError(f"asks again and again: {answer}")


def box(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def sidx(*durations: int, timescale: int = 1000, reference: int = 0) -> bytes:
    entries = b"".join(struct.pack(">III", reference << 31 | 100, each, 0x90000000) for each in durations)
    head = struct.pack(">IIIIIHH", 0, 1, timescale, 0, 0, 0, len(durations))
    return box(b"sidx", head + entries)


@pytest.mark.parametrize("name", [clips.avc(144), clips.avc(360), clips.AAC])
def test_fragmented_mp4_is_described_before_its_list_of_pieces(name: str, media: Media) -> None:
    body = media.path(name).read_bytes()
    index = found(body)
    assert index.container == "mp4"
    assert b"moov" in body[slice(*index.init)]
    assert body[slice(*index.pieces)][4:8] == b"sidx"
    assert body[index.pieces[1] + 4 : index.pieces[1] + 8] in (b"moof", b"sidx")
    assert index.duration == pytest.approx(clips.DURATION_S, abs=0.2)


@pytest.mark.parametrize("step", [64, 4096])
@pytest.mark.parametrize("name", [clips.VP9, clips.OPUS])
def test_webm_is_described_before_its_cues(name: str, step: int, media: Media) -> None:
    body = media.path(name).read_bytes()
    index = found(body, step)
    assert index.container == "webm"
    assert index.init[0] == 0
    assert body[index.pieces[0] : index.pieces[0] + 4] == b"\x1c\x53\xbb\x6b"
    assert index.duration == pytest.approx(clips.DURATION_S, abs=0.2)


def test_cues_at_the_end_of_a_file_are_found_by_its_seek_head(media: Media, tmp_path: Path) -> None:
    target = tmp_path / "end.webm"
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(media.path(clips.VP9)), "-c", "copy", str(target)]
    subprocess.run(command, check=True)
    body = target.read_bytes()
    index = found(body, 1024)
    assert body[index.pieces[0] : index.pieces[0] + 4] == b"\x1c\x53\xbb\x6b"
    assert index.pieces[1] > len(body) * 0.9
    assert body[index.init[1] : index.init[1] + 4] == b"\x1f\x43\xb6\x75"


def test_a_list_longer_than_what_was_read_is_asked_for() -> None:
    head = box(b"ftyp", b"dash") + box(b"moov", bytes(200))
    body = head + sidx(*[2000] * 5000) + box(b"moof")
    parts = Parts()
    parts.add(0, body[:1000])
    assert read(parts) == More(len(head), len(body) - 8)
    assert found(body).duration == 10_000


BAD = {
    "a plain MP4": box(b"ftyp", b"isom") + box(b"mdat", bytes(100)) + box(b"moov", bytes(100)),
    "an MP4 of pieces without a list": box(b"ftyp", b"isom") + box(b"moov", bytes(100)) + box(b"moof", bytes(100)),
    "a list of lists": box(b"ftyp", b"isom") + box(b"moov", bytes(20)) + sidx(1, 2, reference=1),
    "an empty list": box(b"ftyp", b"isom") + box(b"moov", bytes(20)) + sidx(),
    "a list without a clock": box(b"ftyp", b"isom") + box(b"moov", bytes(20)) + sidx(1, timescale=0),
    "a list that is cut": box(b"ftyp", b"isom") + box(b"moov", bytes(20)) + box(b"sidx", bytes(14)),
    "a box without end": box(b"ftyp", b"isom") + struct.pack(">I4s", 0, b"moov") + bytes(100),
    "a picture": b"\xff\xd8\xff\xe0" + bytes(100),
    "WebM without anything": b"\x1aE\xdf\xa3\x80" + bytes(100),
    "WebM of garbage": b"\x1aE\xdf\xa3\x80\x18\x53\x80\x67\xff\x00\x00" + bytes(100),
}


@pytest.mark.parametrize("what", BAD)
def test_a_file_without_a_usable_list_is_refused(what: str) -> None:
    with pytest.raises(Refused) as refusal:
        found(BAD[what])
    assert refusal.value.code == "no_index"


@pytest.mark.parametrize("name", [clips.avc(144), clips.VP9])
def test_a_file_that_was_mutilated_is_refused_or_asked_on_and_never_told_wrongly(name: str, media: Media) -> None:
    whole = media.path(name).read_bytes()[:4096]
    seed = random.randrange(1 << 32)
    dice = random.Random(seed)
    for number in range(2000):
        broken = bytearray(whole)
        for _ in range(dice.randint(1, 6)):
            broken[dice.randrange(len(broken))] = dice.choice((0, 1, 0x7F, 0x80, 0xFF, dice.randrange(256)))
        parts = Parts()
        parts.add(0, bytes(broken[: dice.choice((4, 64, 1024, 4096))]))
        with suppress(Refused):
            found = read(parts)
            if isinstance(found, More):
                assert 0 <= found.start < found.stop, f"seed {seed}, round {number}"
            else:
                assert 0 < found.duration < math.inf, f"seed {seed}, round {number}"
                assert 0 <= found.init[0] < found.init[1], f"seed {seed}, round {number}"
                assert found.pieces[0] < found.pieces[1], f"seed {seed}, round {number}"


def test_a_duration_that_is_none_is_no_index() -> None:
    def element(kind: str, body: bytes) -> bytes:
        return bytes.fromhex(kind) + bytes([0x80 | len(body)]) + body

    told = [element("4489", struct.pack(">d", each)) for each in (math.inf, math.nan, -1.0, 0.0)]
    told += [element("4489", struct.pack(">d", 1.0)) + element("2AD7B1", scale) for scale in (b"", b"\0", b"\xff" * 8)]
    for each in told:
        info = element("1549A966", each)
        segment = info + element("1C53BB6B", b"x") + bytes(20)
        parts = Parts()
        parts.add(0, bytes.fromhex("1A45DFA380") + bytes.fromhex("1853806701FFFFFFFFFFFFFF") + segment)
        with pytest.raises(Refused):
            read(parts)
