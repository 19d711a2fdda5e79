"""Manifests that were mutilated: never a crash, never an address that is not ours, and never without end."""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest
from lxml import etree

from services.common import codec
from services.common.errors import Unavailable
from services.proxy.manifest import dash, dates, documents, hls
from tests.unit.proxy.links import links
from tests.unit.proxy.players import addresses_of_mpd, addresses_of_playlist, is_foreign

CORPUS: Final = Path(__file__).parent / "corpus"
# What finds the seams: ends of lines and strings, schemes, numbers that are none, and what a parser is fond of.
TOKENS: Final = (
    *(
        '"',
        "'",
        "=",
        ",",
        "\n",
        "\r",
        "\r\n",
        "\x00",
        "\x0b",
        "\u2028",
        "\ufeff",
        " ",
        "\t",
        "#",
        "#EXT",
        ":",
        "&",
        ";",
    ),
    *(
        "http://evil.example/x",
        "//evil.example/x",
        "https:evil",
        "//[",
        "http://[::1",
        "http://a@b/",
        "data:,x",
        "skd://k",
    ),
    *("{$", "}", "{$a}", "$", "$$", "$Number$", "$Number%05d$", "$Time$", "$RepresentationID$", "%", "%0A", "../" * 40),
    *(
        "nan",
        "inf",
        "-1",
        "1e400",
        "9" * 5000,
        "٣",
        "PT1.2.3S",
        "P",
        "<",
        ">",
        "<!--",
        "]]>",
        "<![CDATA[",
        "&#10;",
        "&#0;",
    ),
    *("<BaseURL>http://evil.example/</BaseURL>", '<!DOCTYPE a [<!ENTITY b "c">]>', "<MPD>", "</MPD>", "<Period/>"),
    *('URI="http://evil.example/"', "URI=http://evil.example/", ',URI="', "#EXT-X-DEFINE:", 'NAME="a",VALUE="b"'),
    *("#EXT-X-STREAM-INF:", "#EXT-X-SKIP:SKIPPED-SEGMENTS=", "#EXTINF:", "#EXT-X-MEDIA-SEQUENCE:"),
)
ROUNDS: Final = 400
MOST_S: Final = 5.0


def mutated(text: str, dice: random.Random) -> str:
    """`text` with one to eight of its parts left out, doubled, swapped or replaced."""
    for _ in range(dice.randint(1, 8)):
        start = dice.randrange(len(text) + 1)
        stop = min(len(text), start + dice.choice((0, 1, 1, 4, 20, 200)))
        other = dice.randrange(len(text) + 1)
        part = dice.choice(
            ("", dice.choice(TOKENS), text[start:stop] * 2, text[other : other + 40], chr(dice.randrange(256)))
        )
        text = text[:start] + part + text[stop:]
    return text


def mutated_tree(text: str, dice: random.Random) -> str:
    """An XML document that stays one, of which elements, attributes and texts were moved, renamed or replaced."""
    root = etree.fromstring(text.encode())
    for _ in range(dice.randint(1, 8)):
        every = list(root.iter(etree.Element))
        one, other = dice.choice(every), dice.choice(every)
        token = "".join(each for each in dice.choice(TOKENS) if each.isprintable())
        match dice.randrange(6):
            case 0 if one.attrib:
                one.set(dice.choice([str(name) for name in one.attrib]), token)
            case 1:
                one.text = token
            case 2 if one is not root:
                one.tag = other.tag
            case 3 if other.attrib and one is not root:
                name = dice.choice([str(name) for name in other.attrib])
                one.set(name, other.get(name, ""))
            case 4 if one is not root and one not in other.iterancestors() and one is not other:
                other.append(one)
            case 5 if one is not root:
                other.append(copy.deepcopy(one))
    return etree.tostring(root, encoding="unicode")


def rewrite_playlist(text: str) -> None:
    base = "https://cdn.example/a/main.m3u8?token=1&v=%22%0Ahttp://evil.example/"
    found = dates.timeline(text)
    if found is not None:
        text = found.dated([each * 1000 for each in range(len(found.places))])
    with suppress(Unavailable):
        written = hls.rewrite(text, links(base), {"from": "above"}).text
        assert not [each for each in addresses_of_playlist(written) if is_foreign(each)]
        assert written == hls.rewrite(text, links(base), {"from": "above"}).text


def rewrite_mpd(text: str) -> None:
    with suppress(Unavailable):
        written = dash.rewrite(text.encode("utf-8", "replace"), links("https://cdn.example/a/b.mpd?token=1")).body
        assert not [each for each in addresses_of_mpd(written) if is_foreign(each)]


def rewrite_json(text: str) -> None:
    made = documents.rewrite(text.encode("utf-8", "replace"), links())
    found = codec.decode(made or b"[]")
    if isinstance(found, dict):
        assets = [each for each in found.get("ASSETS", ()) if isinstance(each, dict)]
        told = [found.get("RELOAD-URI"), *(each.get("URI") for each in assets)]
        assert not [each for each in told if isinstance(each, str) and is_foreign(each)]
        assert all(each["URI-REPLACEMENT"].keys() == {"PARAMS"} for each in found.get("PATHWAY-CLONES", ()))


FORMS: Final[dict[str, Callable[[str], None]]] = {
    ".m3u8": rewrite_playlist,
    ".mpd": rewrite_mpd,
    ".json": rewrite_json,
}


@pytest.mark.parametrize("name", sorted(path.name for path in CORPUS.iterdir()))
def test_a_manifest_that_was_mutilated_leads_nowhere_else_and_breaks_nothing(name: str) -> None:
    text = (CORPUS / name).read_text()
    rewrite = FORMS[Path(name).suffix]
    rewrite(text)
    seed = random.randrange(1 << 32)
    dice = random.Random(seed)
    for number in range(ROUNDS):
        breaks = mutated_tree if name.endswith(".mpd") and number % 2 else mutated
        broken = breaks(text, dice)
        begun = time.process_time()
        try:
            rewrite(broken)
        except BaseException as error:
            error.add_note(f"seed {seed}, round {number}: {broken!r}")
            raise
        assert time.process_time() - begun < MOST_S, f"seed {seed}, round {number}"


@pytest.mark.parametrize(
    "line",
    [
        '#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="avc1.42c01e,URI=http://evil.example/',
        '#EXT-X-KEY:METHOD=AES-128,URI="http://evil.example/k',
    ],
)
def test_a_string_that_does_not_end_hides_no_address(line: str) -> None:
    rewrite_playlist(f"#EXTM3U\n{line}\nvideo.m3u8\n")
