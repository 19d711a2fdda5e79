from __future__ import annotations

import pytest

from services.common.stream import Kind
from services.proxy.heads import body_head, is_cacheable, media_type, shelf
from services.proxy.memory import Shelf
from services.proxy.ranges import ContentRange


@pytest.mark.parametrize(
    ("declared", "url", "served"),
    [
        ("video/mp4", "http://h/a", "video/mp4"),
        ("Audio/MP4; codecs=x", "http://h/a", "Audio/MP4; codecs=x"),
        ("", "http://h/a.ts?x=1", "video/mp2t"),
        ("application/octet-stream", "http://h/a.m4s", "video/iso.segment"),
        ("binary/octet-stream", "http://h/a", "application/octet-stream"),
        ("text/plain", "http://h/a.srt", "text/plain; charset=utf-8"),
        ("application/x-subrip", "http://h/a.srt", "application/x-subrip"),
        ("text/vtt", "http://h/a", "text/vtt; charset=utf-8"),
        ("text/plain", "http://h/a.vtt", "text/vtt; charset=utf-8"),
        ("image/jpeg", "http://h/a", "image/jpeg"),
        ("image/svg+xml", "http://h/a", "application/octet-stream"),
        ("text/html; charset=utf-8", "http://h/a.mp4", "application/octet-stream"),
        ("TEXT/HTML", "http://h/a", "application/octet-stream"),
        ("application/xhtml+xml", "http://h/a", "application/octet-stream"),
        ("text/javascript", "http://h/a", "application/octet-stream"),
        ("application/xml", "http://h/a", "application/octet-stream"),
        ("multipart/x-mixed-replace", "http://h/a", "application/octet-stream"),
        ("application/json", "http://h/a", "application/json"),
    ],
)
def test_only_types_that_run_nothing_are_served(declared: str, url: str, served: str) -> None:
    assert media_type(declared, url, None) == served


def test_webvtt_is_known_by_its_first_bytes() -> None:
    assert media_type("text/html", "http://h/a", Kind.SUBTITLE, b"\xef\xbb\xbfWEBVTT") == "text/vtt; charset=utf-8"
    assert media_type("", "http://h/a", Kind.KEY, b"WEBVTT0123456789") == "application/octet-stream"


def test_documents_are_not_kept_unless_a_signature_says_they_are_media() -> None:
    assert is_cacheable(None, "video/mp4")
    assert not is_cacheable(None, "application/json")
    assert is_cacheable(Kind.SEGMENT, "application/json")
    assert not is_cacheable(Kind.JSON, "video/mp4")


@pytest.mark.parametrize(
    ("content_type", "url", "expected"),
    [
        ("audio/mp4", "http://h/", Shelf.AUDIO),
        ("application/octet-stream", "http://h/?mime=audio%2Fmp4", Shelf.AUDIO),
        ("video/mp2t", "http://h/", Shelf.VIDEO),
        ("text/vtt", "http://h/", Shelf.TEXT),
    ],
)
def test_audio_video_and_text_have_shelves_of_their_own(content_type: str, url: str, expected: Shelf) -> None:
    assert shelf(content_type, url) is expected


def test_a_relayed_value_cannot_end_its_header() -> None:
    head = body_head("PASS", "video/mp4\r\nSet-Cookie: a=b", length=1, etag='"x\r\ny"')
    assert all(b"\r" not in value and b"\n" not in value for _, value in head)


def test_a_part_tells_where_it_belongs() -> None:
    head = dict(body_head("L1", "video/mp4", length=10, content_range=ContentRange(5, 15, 100), age_s=3.7))
    assert head[b"content-range"] == b"bytes 5-14/100"
    assert head[b"content-length"] == b"10"
    assert head[b"age"] == b"3"
    assert b"set-cookie" not in head
