from __future__ import annotations

import asyncio
import time

import pytest

from services.common.errors import Refused, Unavailable, WatchTogetherError
from services.common.guard import Guard, Target, Whitelist, is_public, page_url, parse_url

PAGES = [
    ("https://Music.example/#/song?id=1", "https://music.example/#/song?id=1"),
    ("https://tv.example/#!/live/FMT", "https://tv.example/#!/live/FMT"),
    ("https://a.example/top?x=1#video=ä b".replace(" ", "%20"), "https://a.example/top?x=1#video=%C3%A4%20b"),
    ("https://a.example/#a#b", "https://a.example/#a%23b"),
    ("https://a.example/#", "https://a.example/"),
    # A browser's mark of some words, and what only yt-dlp's extractors may tell each other.
    ("https://a.example/1#:~:text=some", "https://a.example/1"),
    ("https://a.example/1#part:~:text=some", "https://a.example/1#part"),
    ("https://a.example/1#__youtubedl_smuggle=%7B%22http_headers%22%3A%20%7B%7D%7D", "https://a.example/1"),
    ("https://a.example/1#x#__youtubedl_smuggle=%7B%7D", "https://a.example/1"),
]

CANONICAL = [
    ("http://example.com", "http://example.com/"),
    ("HTTP://EXAMPLE.com/", "http://example.com/"),
    ("https://example.com:443/a", "https://example.com/a"),
    ("http://example.com:80/a", "http://example.com/a"),
    ("http://example.com:/a", "http://example.com/a"),
    ("http://example.com:0080/a", "http://example.com/a"),
    ("https://example.com:80/a", "https://example.com:80/a"),
    ("https://example.com./a", "https://example.com/a"),
    ("https://example.com?x=1", "https://example.com/?x=1"),
    ("https://example.com/a?x=1#part", "https://example.com/a?x=1"),
    ("https://example.com#part", "https://example.com/"),
    ("https://example.com/a%2Fb%7e?sig=%2B+%3D~", "https://example.com/a%2Fb%7e?sig=%2B+%3D~"),
    ("https://example.com/ä?ö", "https://example.com/%C3%A4?%C3%B6"),
    ('https://example.com/<a>"', "https://example.com/%3Ca%3E%22"),
    ("https://example.com/$Number%05d$.m4s", "https://example.com/$Number%05d$.m4s"),
    ("https://bücher.de/", "https://xn--bcher-kva.de/"),
    ("https://xn--bcher-kva.de/", "https://xn--bcher-kva.de/"),
    ("https://ⓔxample.com/", "https://example.com/"),
    ("https://ex\u3002ample.com/", "https://ex.ample.com/"),
    ("https://a_b.example.com/", "https://a_b.example.com/"),
    ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x"),
    ("http://127.0.0.1./x", "http://127.0.0.1/x"),
    ("http://１２７.0.0.1/x", "http://127.0.0.1/x"),
    ("http://[::1]:8080/x", "http://[::1]:8080/x"),
    ("http://[0:0:0:0:0:0:0:1]/x", "http://[::1]/x"),
    ("http://[2001:DB8::A]/", "http://[2001:db8::a]/"),
    ("http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/"),
    ("https://1.example/", "https://1.example/"),
    ("https://example.com//evil.com/", "https://example.com//evil.com/"),
]

REFUSED = [
    ("", "bad_url"),
    ("example.com", "bad_url"),
    ("//example.com/", "bad_url"),
    ("ftp://example.com/", "bad_url"),
    ("file:///etc/passwd", "bad_url"),
    ("javascript:alert(1)", "bad_url"),
    ("data:text/plain,hi", "bad_url"),
    ("gopher://example.com/", "bad_url"),
    ("http:example.com", "bad_url"),
    ("http:/example.com", "bad_url"),
    ("http:///example.com", "bad_url"),
    ("http://", "bad_url"),
    ("http://:80/", "bad_url"),
    (" http://example.com/", "bad_url"),
    ("http://example.com/ ", "bad_url"),
    ("http://exa mple.com/", "bad_url"),
    ("http://ex\tample.com/", "bad_url"),
    ("http://example.com/\r\nHost: evil", "bad_url"),
    ("http://example.com/\x00", "bad_url"),
    ("http://example.com/\x7f", "bad_url"),
    ("http://example.com\u2028/", "bad_url"),
    ("http://exa\u200bmple.com/", "bad_url"),
    ("http://example.com\\@evil.com/", "bad_url"),
    ("http:\\\\example.com\\", "bad_url"),
    ("http://127.0.0.1:6666\\@1.1.1.1/", "bad_url"),
    ("http://user@example.com/", "refused_target"),
    ("http://user:pass@example.com/", "refused_target"),
    ("http://@example.com/", "refused_target"),
    ("http://example.com@127.0.0.1/", "refused_target"),
    ("http://127.0.0.%31/", "refused_target"),
    ("http://%6c%6f%63%61%6c%68%6f%73%74/", "refused_target"),
    ("http://[fe80::1%25eth0]/", "refused_target"),
    ("http://0x7f.1/", "refused_target"),
    ("http://0x7f000001/", "refused_target"),
    ("http://2130706433/", "refused_target"),
    ("http://017700000001/", "refused_target"),
    ("http://0177.0.0.1/", "refused_target"),
    ("http://127.1/", "refused_target"),
    ("http://127.0.1/", "refused_target"),
    ("http://0/", "refused_target"),
    ("http://127.0.0.01/", "refused_target"),
    ("http://256.1.1.1/", "refused_target"),
    ("http://1.1.1.1.1/", "refused_target"),
    ("http://example.0x1/", "refused_target"),
    ("http://example.com:0/", "refused_target"),
    ("http://example.com:25/", "refused_target"),
    ("http://example.com:6379/", "refused_target"),
    ("http://example.com:65536/", "bad_url"),
    ("http://example.com:123456/", "bad_url"),
    ("http://example.com:-1/", "bad_url"),
    ("http://example.com:８０/", "bad_url"),
    ("http://example.com:80:80/", "bad_url"),
    ("http://::1/", "bad_url"),
    ("http://[::1/", "bad_url"),
    ("http://[::1]x/", "bad_url"),
    ("http://[127.0.0.1]/", "bad_url"),
    ("http://[::g]/", "bad_url"),
    ("http://example..com/", "bad_url"),
    ("http://.example.com/", "bad_url"),
    ("http://example.com../", "bad_url"),
    ("http://-example.com/", "bad_url"),
    ("http://exa*mple.com/", "bad_url"),
    ("http://exa<mple.com/", "bad_url"),
    ("http://℀.com/", "bad_url"),
    ("http://" + "a" * 64 + ".com/", "bad_url"),
    ("http://" + "a." * 130 + "com/", "bad_url"),
    ("http://example.com/\ud800", "bad_url"),
    ("http://example.com/" + "a" * 16_384, "bad_url"),
]

PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::1"]

PRIVATE = [
    "127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "192.168.1.1", "0.0.0.0", "169.254.169.254",
    "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "192.0.0.9", "192.0.2.1", "192.88.99.1",
    "198.18.0.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "::", "::1",
    "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",
    "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2001:0:101:101::80ff:fffe",
    "2001:0:a00:1::fefe:fefe", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1",
    "2001:db8::1", "3fff::1", "2001:10::1", "100::1", "5f00::1", "2606:4700::5efe:7f00:1", "2606:4700::200:5efe:7f00:1",
    "not an address", "",
]  # fmt: skip


@pytest.mark.parametrize(("raw", "canonical"), CANONICAL)
def test_a_link_is_rebuilt_from_its_parts(raw: str, canonical: str) -> None:
    assert parse_url(raw).url == canonical


@pytest.mark.parametrize(("raw", "page"), PAGES)
def test_a_page_keeps_the_fragment_that_names_its_video(raw: str, page: str) -> None:
    assert page_url(raw) == page
    # Whoever reads it again has the same page, and nothing of it is fetched.
    assert page_url(page) == page
    assert parse_url(page).url == page.partition("#")[0]


@pytest.mark.parametrize(("raw", "canonical"), CANONICAL)
def test_a_canonical_link_parses_to_itself(raw: str, canonical: str) -> None:
    assert parse_url(canonical) == parse_url(raw)


@pytest.mark.parametrize(("raw", "code"), REFUSED)
def test_a_link_that_parsers_read_differently_is_refused(raw: str, code: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_url(raw)
    assert caught.value.code == code


def test_a_target_tells_its_parts() -> None:
    assert parse_url("http://[::1]:81/a?b") == Target("http", "::1", 81, "/a?b")


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_passes(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_unicast_fails(address: str) -> None:
    assert not is_public(address)


async def test_a_name_with_a_private_address_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        await Guard().addresses("localhost", 80)
    assert caught.value.code == "private_address"


async def test_a_literal_private_address_is_refused() -> None:
    with pytest.raises(Refused):
        await Guard().addresses("127.0.0.1", 80)


async def test_an_allowed_name_resolves_though_private() -> None:
    assert set(await Guard(("localhost",)).addresses("localhost", 80)) <= {"127.0.0.1", "::1"}


async def test_an_allowance_with_a_port_holds_for_that_port_alone() -> None:
    guard = Guard(("127.0.0.1:8096", "[::1]:8096"))
    assert await guard.addresses("127.0.0.1", 8096) == ["127.0.0.1"]
    guard.check_literal("::1", 8096)
    for host, port in [("127.0.0.1", 8097), ("::1", 80), ("localhost", 8096)]:
        with pytest.raises(Refused):
            await guard.addresses(host, port)


async def test_a_public_literal_needs_no_name_server() -> None:
    assert await Guard().addresses("1.1.1.1", 443) == ["1.1.1.1"]


async def test_a_name_that_does_not_resolve_is_the_upstreams_failure() -> None:
    with pytest.raises(Unavailable) as caught:
        await Guard().addresses("nowhere.invalid", 80)
    assert caught.value.code == "upstream_failed"


async def test_resolving_leaves_the_loop_free() -> None:
    guard = Guard(("localhost",))
    started = time.monotonic()
    async with asyncio.TaskGroup() as group:
        lookup = group.create_task(guard.addresses("localhost", 80))
        await asyncio.sleep(0)
        assert time.monotonic() - started < 0.5
    assert lookup.result()


@pytest.mark.parametrize("entry", ["", "http://nas", "nas:port", "nas/path", "0x7f.1"])
def test_an_allowance_that_is_no_host_is_named(entry: str) -> None:
    with pytest.raises(ValueError, match="neither a host"):
        Guard((entry,))


@pytest.mark.parametrize("host", ["googlevideo.com", "r1---sn-x.googlevideo.com", "a.b.googlevideo.com"])
def test_a_listed_domain_covers_its_subdomains(host: str) -> None:
    assert Whitelist(("googlevideo.com",)).allows(host, 443)


@pytest.mark.parametrize(
    "host", ["evilgooglevideo.com", "googlevideo.com.evil.net", "com", "googlevideoxcom", "video.com", ""]
)
def test_a_look_alike_of_a_listed_domain_is_refused(host: str) -> None:
    assert not Whitelist(("googlevideo.com", "*.ytimg.com")).allows(host, 443)


def test_a_listed_port_holds_for_that_port_alone() -> None:
    listed = Whitelist(("127.0.0.1:8096", ".ytimg.com"))
    assert listed.allows("127.0.0.1", 8096)
    assert listed.allows("i.ytimg.com", 443)
    assert not listed.allows("127.0.0.1", 8097)


def test_every_refusal_is_one_of_ours() -> None:
    for raw, _ in REFUSED:
        with pytest.raises(WatchTogetherError):
            parse_url(raw)
