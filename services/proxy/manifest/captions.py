"""Captions of films in SubRip's form (`.srt`), as the WebVTT that browsers show. Pure."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Final

MIME_TYPE: Final = "text/vtt; charset=utf-8"

_MARK: Final = "WEBVTT"
_TIME: Final = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})(?:[,.](\d{1,3}))?"
# What stands behind the times are places on a screen, in pixels that nobody knows.
_TIMES: Final = re.compile(rf"[ \t]*{_TIME}[ \t]*--?>[ \t]*{_TIME}(?:[ \t].*)?")
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
# Orders of another format that players of this one know too: {\an8} moves words to the top.
_ORDERS: Final = re.compile(r"\{\\[^{}]*\}")


def webvtt(body: bytes) -> bytes:
    """WebVTT (W3C) of a SubRip file; what is WebVTT already stays so. Cues whose times make no sense are left out."""
    text = _decoded(body)
    if text.startswith(_MARK):
        return text.encode()
    cues = [f"{begin} --> {end}\n{words}\n" for begin, end, words in _cues(_LINE_END.split(text)) if words]
    return "\n".join([f"{_MARK}\n", *cues]).encode()


def _cues(lines: list[str]) -> Iterator[tuple[str, str, str]]:
    """(begin, end, words) of each cue."""
    found = [(number, match) for number, line in enumerate(lines) if (match := _TIMES.fullmatch(line))]
    for place, (number, match) in enumerate(found):
        is_last = place == len(found) - 1
        words = _words(lines[number + 1 : None if is_last else found[place + 1][0]], is_last=is_last)
        begin_ms, end_ms = _milliseconds(*match.groups()[:4]), _milliseconds(*match.groups()[4:])
        if begin_ms < end_ms:
            yield _time(begin_ms), _time(end_ms), words


def _words(lines: list[str], *, is_last: bool) -> str:
    """What a cue says, without the next one's number and without blank lines, which would end it."""
    if not is_last and lines and lines[-1].strip().isdecimal() and not any(line.strip() for line in lines[-2:-1]):
        lines = lines[:-1]
    text = "\n".join(line for line in lines if line.strip())
    return _ORDERS.sub("", text).replace("-->", "→").strip()


def _milliseconds(hours: str | None, minutes: str, seconds: str, fraction: str | None) -> int:
    whole = (int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)
    return whole * 1000 + int((fraction or "").ljust(3, "0"))


def _time(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}.{rest:03}"


def _decoded(body: bytes) -> str:
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return body.decode("utf-16", "replace")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Older than Unicode's spread: what most editors of the time wrote.
        return body.decode("cp1252", "replace")
