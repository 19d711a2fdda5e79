from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import pytest

from services.common.guard import Target, parse_url
from services.proxy.answers import NotMediaError, looked_at
from services.proxy.manifests import HEAD_BYTES, form_of, is_open

NAMELESS: Target = parse_url("https://cdn.example/x")
MPD = '<?xml version="1.0"?>\n<MPD type="static"/>'


@pytest.mark.parametrize(
    ("head", "form"),
    [
        (b"#EXTM3U\n", "hls"),
        (b"\xef\xbb\xbf#EXTM3U\r\n", "hls"),
        (b"\n \t#EXTM3U", "hls"),
        (MPD.encode(), "dash"),
        (MPD.replace("MPD", "mpd:MPD").encode(), "dash"),
        (MPD.encode("utf-16"), "dash"),
        (b"\xfe\xff" + MPD.encode("utf-16-be"), "dash"),
        (b"#EXT-X-TARGETDURATION:2", ""),
        (b"<html>", ""),
        (b"\x00\x00\x00\x18ftyp<MPD", ""),
        (b"", ""),
    ],
)
def test_a_manifest_is_known_by_its_first_bytes(head: bytes, form: str) -> None:
    assert form_of(head) == form


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("text", ["#EXTM3U\n#EXT-X-VERSION:3\n", MPD])
def test_a_body_that_comes_in_crumbs_is_open_until_it_tells_what_it_is(text: str, encoding: str) -> None:
    body = text.encode(encoding)
    told = next(length for length in range(len(body) + 1) if form_of(body[:length]))
    assert all(is_open(body[:length]) for length in range(told))
    assert not is_open(body[:told])


@pytest.mark.parametrize("head", [b"\x00\x00\x00\x18ftyp", b"G@\x00", b"#EXTINF", b"WEBVTT", b"1\n00:00", b"\x1aE\xdf"])
def test_media_is_told_from_manifests_at_once(head: bytes) -> None:
    assert not is_open(head)


def test_a_document_that_goes_on_and_on_is_none() -> None:
    assert is_open(b"<tt>" + b" " * 100)
    assert not is_open(b"<tt>" + b" " * HEAD_BYTES)


@dataclass
class Crumbs:
    """An answer of which a byte comes at a time."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    target: Target = NAMELESS

    async def chunks(self) -> AsyncIterator[bytes]:
        for position in range(len(self.body)):
            yield self.body[position : position + 1]

    def release(self) -> None:
        """There is nothing to release."""


@pytest.mark.parametrize("body", [b"#EXTM3U\n", MPD.encode()])
async def test_a_manifest_that_nothing_announces_is_noticed_however_it_comes(body: bytes) -> None:
    with pytest.raises(NotMediaError):
        await looked_at(Crumbs(body))


@pytest.mark.parametrize("body", [b"<tt>" + b" " * 5000, b"#EXT", b"\x00\x00\x00\x18ftypmp42", b""])
async def test_what_was_looked_at_is_not_lost(body: bytes) -> None:
    answer = await looked_at(Crumbs(body))
    assert b"".join([chunk async for chunk in answer.chunks()]) == body
