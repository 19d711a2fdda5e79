from __future__ import annotations

import re
import time
from dataclasses import replace
from urllib.parse import quote, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.errors import Unavailable
from services.common.guard import parse_url
from services.common.stream import Kind, object_id
from services.proxy.manifest.hls import attributes, lines_of, rewrite
from services.proxy.manifest.links import Budget
from tests.unit.proxy.links import EXPIRES, links, ref

HERE = "https://cdn.example/a/b/"

# The tag, its attribute, and what must be behind the URL.
TAGS = [
    ('#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="En, US",URI="x.m3u8"', Kind.RENDITION),
    ('#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="x.m3u8"', Kind.MANIFEST),
    ('#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=1,URI="x.m3u8"', Kind.MANIFEST),
    ('#EXT-X-RENDITION-REPORT:URI="x.m3u8",LAST-MSN=3', Kind.MANIFEST),
    ('#EXT-X-KEY:METHOD=AES-128,URI="x.m3u8",IV=0x1', Kind.KEY),
    ('#EXT-X-SESSION-KEY:METHOD=AES-128,URI="x.m3u8"', Kind.KEY),
    ('#EXT-X-MAP:URI="x.m3u8",BYTERANGE="718@0"', Kind.SEGMENT),
    ('#EXT-X-PART:DURATION=0.33,URI="x.m3u8",INDEPENDENT=YES', Kind.SEGMENT),
    ('#EXT-X-PRELOAD-HINT:TYPE=PART,URI="x.m3u8",BYTERANGE-START=0', Kind.SEGMENT),
    ('#EXT-X-CONTENT-STEERING:SERVER-URI="x.m3u8",PATHWAY-ID="a"', Kind.JSON),
    ('#EXT-X-SESSION-DATA:DATA-ID="com.example",URI="x.m3u8"', Kind.JSON),
    ('#EXT-X-DATERANGE:ID="i",START-DATE="2026-01-01T00:00:00Z",X-ASSET-URI="x.m3u8"', Kind.MANIFEST),
    ('#EXT-X-DATERANGE:ID="i",START-DATE="2026-01-01T00:00:00Z",X-ASSET-LIST="x.m3u8"', Kind.JSON),
    ('#EXT-X-SOMETHING-NEW:A=1,URI="x.m3u8"', Kind.SEGMENT),
]


def only(text: str) -> str:
    """The one URL of ours in `text`."""
    [found] = re.findall(r"/api/proxy\?[^\"\s]*", text)
    return str(found)


def body(*lines: str) -> str:
    return rewrite("\n".join(["#EXTM3U", *lines]), links(), {}).text


@pytest.mark.parametrize(("tag", "kind"), TAGS)
def test_every_tag_that_holds_a_uri_leads_to_us(tag: str, kind: Kind) -> None:
    written = body(tag)
    child = ref(only(written))
    assert (child.url, child.kind) == (HERE + "x.m3u8", kind)
    assert (child.context, child.expires, child.object_id) == ("ctx", EXPIRES, object_id("parent", "x.m3u8"))
    assert re.sub(r'"/api/proxy[^"]*"', '"x.m3u8"', written) == f"#EXTM3U\n{tag}\n"


def test_the_line_after_a_stream_inf_is_a_playlist_and_others_are_segments() -> None:
    written = body("#EXT-X-STREAM-INF:BANDWIDTH=1", "#EXT-X-UNKNOWN", "low", "#EXTINF:2,", "low")
    kinds = [ref(line).kind for line in written.splitlines() if line.startswith("/")]
    assert kinds == [Kind.MANIFEST, Kind.SEGMENT]


@pytest.mark.parametrize(
    ("uri", "url"),
    [
        ("000.ts", HERE + "000.ts"),
        ("sub/000.ts", HERE + "sub/000.ts"),
        ("./000.ts", HERE + "000.ts"),
        ("../000.ts", "https://cdn.example/a/000.ts"),
        ("/000.ts", "https://cdn.example/000.ts"),
        ("//other.example/000.ts", "https://other.example/000.ts"),
        ("http://other.example/000.ts?a=1&b=2", "http://other.example/000.ts?a=1&b=2"),
        ("000.ts?a=%2F&b=/", HERE + "000.ts?a=%2F&b=/"),
        ("?a=1", HERE + "main.m3u8?a=1"),
        ("a:b/c.ts", None),
        ("ä.ts", HERE + "%C3%A4.ts"),
        ("000.ts#part", HERE + "000.ts"),
        ("..", "https://cdn.example/a/"),
        ("a..b/c", HERE + "a..b/c"),
        # What browsers escape, or read as a slash.
        ("part 1.ts?a b=c d", HERE + "part%201.ts?a%20b=c%20d"),
        ("//other.example/part 1.ts", "https://other.example/part%201.ts"),
        ("a\\b.ts", HERE + "a/b.ts"),
        ("a\u200db\xa0c.ts", HERE + "a%E2%80%8Db%C2%A0c.ts"),
    ],
)
def test_a_uri_is_resolved_against_the_playlist(uri: str, url: str | None) -> None:
    last = body("#EXTINF:2,", uri).splitlines()[-1]
    assert last == uri if url is None else ref(last).url == url


@pytest.mark.parametrize("uri", ["skd://key", "data:text/plain;base64,AAAA", "urn:uuid:1"])
def test_a_uri_that_is_not_http_stays_as_it_is(uri: str) -> None:
    tag = f'#EXT-X-KEY:METHOD=SAMPLE-AES,URI="{uri}"'
    assert body(tag) == f"#EXTM3U\n{tag}\n"


@pytest.mark.parametrize(
    "host", ["user@host.example", "host.example\\@other.example", "ho st.example", "host%2Eexample"]
)
def test_a_uri_that_no_one_may_fetch_leads_to_our_refusal(host: str) -> None:
    assert body(f"http://{host}/x.ts").endswith(f"/api/proxy?url={quote(f'http://{host}/x.ts', safe='')}\n")


def test_twitchs_prefetched_segments_lead_to_us() -> None:
    assert ref(only(body("#EXT-X-TWITCH-PREFETCH:https://x.ttvnw.net/v1/a.ts"))).url == "https://x.ttvnw.net/v1/a.ts"


def test_variables_are_replaced_where_they_stand_and_left_out() -> None:
    written = rewrite(
        '#EXTM3U\n#EXT-X-DEFINE:NAME="cdn",VALUE="https://v.example"\n#EXT-X-DEFINE:QUERYPARAM="token"\n'
        '#EXT-X-DEFINE:IMPORT="from"\n#EXT-X-DEFINE:QUERYPARAM="absent"\n#EXT-X-MAP:URI="{$cdn}/i.mp4"\n'
        "#EXTINF:2,{$from}\n{$cdn}/{$token}/{$from}/{$absent}.ts\n",
        links(),
        {"from": "above", "other": "x"},
    ).text
    assert "DEFINE" not in written
    assert "#EXTINF:2,above" in written
    first, second = re.findall(r"/api/proxy\?[^\"\s]*", written)
    assert ref(first).url == "https://v.example/i.mp4"
    assert ref(second).url == "https://v.example/1/above/%7B$absent%7D.ts".replace("%7B", "{").replace("%7D", "}")


def test_variables_of_a_multivariant_playlist_travel_with_its_children() -> None:
    written = body('#EXT-X-DEFINE:NAME="a",VALUE="1 &"', "#EXT-X-STREAM-INF:BANDWIDTH=1", "v.m3u8")
    assert urlsplit(ref(only(written)).url).fragment == "a=1+%26"


def test_a_byte_order_mark_and_carriage_returns_are_read_over() -> None:
    written = rewrite("\ufeff#EXTM3U\r\n#EXTINF:2,Caf\u00e9\u2028x \r\n000.ts \r\n", links(), {}).text
    assert written.splitlines()[0] == "#EXTM3U"
    assert "Caf\u00e9 x\n" in written
    assert ref(written.split("\n")[2]).url == HERE + "000.ts"


def test_rewriting_twice_gives_the_same() -> None:
    text = "#EXTM3U\n" + "\n".join(tag for tag, _ in TAGS) + "\n000.ts\n"
    assert rewrite(text, links(), {}) == rewrite(text, links(), {})


def test_a_child_is_the_same_object_wherever_the_playlist_is_fetched_from() -> None:
    one, two = (
        rewrite("#EXTM3U\n000.ts\n", links(base), {}).text for base in ("https://a.example/", "https://b.example/x/")
    )
    assert ref(only(one)).object_id == ref(only(two)).object_id
    assert ref(only(one)).url != ref(only(two)).url


def test_urls_end_in_a_suffix_for_players_that_go_by_it() -> None:
    written = body("#EXTINF:2,", "a.m4s?x=1", "#EXTINF:2,", "noname", "#EXT-X-STREAM-INF:BANDWIDTH=1", "v")
    assert [line.rpartition(".")[2] for line in written.splitlines() if line.startswith("/")] == ["m4s", "ts", "m3u8"]


@pytest.mark.parametrize(
    ("lines", "is_live", "fresh_s"),
    [
        (["#EXT-X-TARGETDURATION:6", "#EXTINF:6,", "a.ts", "#EXT-X-ENDLIST"], False, 300.0),
        (["#EXT-X-STREAM-INF:BANDWIDTH=1", "a.m3u8"], False, 30.0),
        (["#EXT-X-TARGETDURATION:6", "#EXTINF:6,", "a.ts"], True, 1.0),
        (["#EXT-X-TARGETDURATION:1", "#EXTINF:1,", "a.ts"], True, 0.5),
        (["#EXT-X-TARGETDURATION:4", "#EXT-X-PART-INF:PART-TARGET=0.4"], True, 0.2),
        (["#EXT-X-TARGETDURATION:broken"], True, 1.0),
    ],
)
def test_what_is_live_is_asked_for_again_soon(lines: list[str], is_live: bool, fresh_s: float) -> None:
    playlist = rewrite("\n".join(["#EXTM3U", *lines]), links(), {})
    assert (playlist.is_live, playlist.fresh_s) == (is_live, fresh_s)


@pytest.mark.parametrize("end", ["\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
def test_what_a_player_may_take_for_the_end_of_a_line_hides_no_address(end: str) -> None:
    written = rewrite(f"#EXTM3U\n#EXTINF:2,{end}http://evil.example/x.ts\nx.ts", links(), {}).text
    addresses = [line for line in re.split(r"[\r\n\x0b\x0c\x85\u2028\u2029]", written) if line and line[0] != "#"]
    assert all(line.startswith("/api/proxy?") for line in addresses)


@pytest.mark.parametrize(
    "tag",
    [
        "#EXT-X-KEY:METHOD=AES-128,URI=https://cdn.example/k",
        '#EXT-X-KEY:URI = "https://cdn.example/k" ,METHOD=AES-128',
        '#EXT-X-KEY:KEYFORMAT="a,URI=b",URI="https://cdn.example/k"',
    ],
)
def test_an_attribute_is_found_however_it_is_written(tag: str) -> None:
    assert ref(only(body(tag))).url == "https://cdn.example/k"


@pytest.mark.parametrize("value", ["a%0Ahttp://evil.example/x.ts", "a%22,URI=%22http://evil.example/x.ts", "x" * 5000])
def test_a_variable_that_a_string_could_not_hold_is_none(value: str) -> None:
    base = f"https://cdn.example/main.m3u8?v={value}"
    written = rewrite('#EXTM3U\n#EXT-X-DEFINE:QUERYPARAM="v"\n#EXTINF:2,{$v}\nx.ts', links(base), {}).text
    assert "#EXTINF:2,{$v}\n/api/proxy" in written


def test_variables_may_be_made_of_others() -> None:
    written = body('#EXT-X-DEFINE:NAME="a",VALUE="x"', '#EXT-X-DEFINE:NAME="b",VALUE="{$a}y"', "#EXTINF:2,", "{$b}.ts")
    assert ref(only(written)).url == HERE + "xy.ts"


def test_variables_that_multiply_end_in_a_failure_and_not_in_memory() -> None:
    doubled = [f'#EXT-X-DEFINE:NAME="a{each + 1}",VALUE="{{$a{each}}}{{$a{each}}}"' for each in range(40)]
    with pytest.raises(Unavailable) as caught:
        body('#EXT-X-DEFINE:NAME="a0",VALUE="xxxx"', *doubled, *["#EXTINF:2,{$a10}"] * 5000)
    assert caught.value.code == "upstream_failed"


def test_links_without_end_are_the_upstreams_failure() -> None:
    with pytest.raises(Unavailable) as caught:
        rewrite("#EXTM3U\n" + "x.ts\n" * 1000, replace(links(), budget=Budget(100_000)), {})
    assert caught.value.code == "upstream_failed"


@pytest.mark.parametrize(
    "line",
    [
        "#EXT-X-DEFINE:" + "A" * 1_000_000,
        "#EXT-X-KEY:URI=" + " " * 1_000_000 + '"',
        "#EXT-X-KEY:" + 'URI="' * 200_000,
        "#EXT-X-KEY:" + "A " * 500_000,
        "#EXT-X-DEFINE:" + "{$" * 500_000,
        "a/" * 500_000 + "%",
    ],
)
def test_the_time_a_line_takes_grows_with_its_length_and_no_faster(line: str) -> None:
    begun = time.process_time()
    body('#EXT-X-DEFINE:NAME="a",VALUE="b"', line)
    # A line whose time grew with the square of its length would take hours.
    assert time.process_time() - begun < 10


def test_an_attribute_list_may_hold_commas_in_quotes() -> None:
    assert attributes('A=1,NAME="x, y=z",B-C=0xFF , D="" ') == {"A": "1", "NAME": "x, y=z", "B-C": "0xFF", "D": ""}


_NAMES = st.text(st.sampled_from("abcXYZ019-_.~!$'()*+,;:@%20/"), min_size=1, max_size=40).filter(
    lambda uri: not uri.startswith("//") and ":" not in uri.partition("/")[0]
)


@given(_NAMES, st.text(st.sampled_from("abc019=&%2F/?+~"), max_size=30))
def test_what_a_player_asks_for_is_what_the_playlist_named(path: str, query: str) -> None:
    uri = f"{path}?{query}" if query else path
    asked = urljoin("https://us.example/api/proxy?url=x", body("#EXTINF:2,", uri).splitlines()[-1])
    there = urljoin("https://cdn.example/a/b/main.m3u8?token=1", uri)
    assert ref(asked.removeprefix("https://us.example")).url == parse_url(there).url


@given(st.text(max_size=300))
def test_any_text_is_rewritten_without_an_error_and_keeps_its_lines(text: str) -> None:
    written = rewrite(text, links(), {}).text
    assert len(lines_of(written.removesuffix("\n"))) <= len(lines_of(text)) + 1
