"""Cookies are read and sent as yt-dlp's own jar reads and sends them."""

from __future__ import annotations

import contextlib
import http.cookiejar
import io
import json
import warnings
from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from yt_dlp.cookies import YoutubeDLCookieJar

from services.common.cookies import (
    HEADER,
    MAX_BYTES,
    BadCookiesError,
    Cookie,
    by_site,
    cookie_header,
    last_expiry,
    read_cookies,
    site_of,
    sites_of,
    write_netscape,
)
from tests.support.node import ROOT

NOW = 1_700_000_000.0
SITES = json.loads((ROOT / "tests" / "fixtures" / "sites.json").read_text(encoding="utf-8"))
LATER = 4_000_000_000
Told = set[tuple[str, str, str, str | None, bool, int]]


def jar_of(text: str) -> YoutubeDLCookieJar:
    """:raises http.cookiejar.LoadError: where yt-dlp refuses the whole file."""
    jar = YoutubeDLCookieJar(io.StringIO(text))
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        jar.filename = io.StringIO(text)
        jar.load()
    return jar


def of_jar(cookies: Iterable[http.cookiejar.Cookie]) -> Told:
    return {(c.domain, c.path, c.name, c.value, bool(c.secure), c.expires or 0) for c in cookies}


def of_ours(cookies: Iterable[Cookie]) -> Told:
    """As `http.cookiejar` has them: a value alone is a name without a value."""
    return {(c.domain, c.path, c.name or c.value, c.value if c.name else None, c.secure, c.expires) for c in cookies}


def line(*fields: str) -> str:
    return "\t".join(fields) + "\n"


PLAIN = line("a.example", "FALSE", "/", "FALSE", "0", "n", "v")
GOOD = {
    "a host's": line("a.example", "FALSE", "/", "FALSE", str(LATER), "n", "v"),
    "a domain's": line(".a.example", "TRUE", "/", "TRUE", str(LATER), "n", "v"),
    "http only": "#HttpOnly_" + line(".a.example", "TRUE", "/", "TRUE", str(LATER), "n", "v"),
    "a session's": line("a.example", "FALSE", "/x", "FALSE", "0", "n", "v"),
    "a session's without a number": line("a.example", "FALSE", "/", "FALSE", "", "n", "v"),
    "with a fraction": line("a.example", "FALSE", "/", "FALSE", f"{LATER}.75", "n", "v"),
    "without a value": line("a.example", "FALSE", "/", "FALSE", "0", "n", ""),
    "without a name": line("a.example", "FALSE", "/", "FALSE", "0", "", "v"),
    "with blanks and signs": line("a.example", "FALSE", "/", "FALSE", "0", "n", ' a=b; "c" %20 '),
    "an address's": line("192.0.2.7", "FALSE", "/", "FALSE", "0", "n", "v"),
    "flags in small letters": line("a.example", "false", "/", "true", "0", "n", "v"),
    "said twice": PLAIN + line("a.example", "FALSE", "/", "FALSE", "0", "n", "w"),
    "after comments": "# one\n\n   \n$old\ta\tb\tc\td\te\tf\n" + PLAIN,
    "with other line ends": PLAIN.replace("\n", "\r\n"),
}


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD.keys())
def test_a_cookie_is_read_as_yt_dlp_reads_it(text: str) -> None:
    cookies = read_cookies((HEADER + text).encode(), NOW)
    assert cookies
    assert of_ours(cookies) == of_jar(jar_of(HEADER + text.replace("\r\n", "\n")))
    # And what is handed to yt-dlp is the same again.
    assert of_jar(jar_of(write_netscape(cookies))) == of_ours(cookies)


FIELD = some.text(some.sampled_from('a.b-/=# \t$TRUEFALSE0123;"\\x'), max_size=12)
LINE = some.one_of(
    FIELD,
    some.tuples(
        some.sampled_from(["a.example", ".a.example", "b.a.example", "#HttpOnly_.a.example", ".example.co.uk"]),
        some.sampled_from(["TRUE", "FALSE", "x"]),
        some.sampled_from(["/", "/a", "", "a"]),
        some.sampled_from(["TRUE", "FALSE", ""]),
        some.sampled_from(["", "0", str(LATER), "1.5e9", "-1", "4000000000.5", "x"]),
        FIELD,
        FIELD,
    ).map("\t".join),
)


@given(some.lists(LINE, max_size=4))
def test_whatever_is_taken_is_what_yt_dlp_would_take_of_it(lines: list[str]) -> None:
    text = HEADER + "\n".join(lines)
    try:
        cookies = read_cookies(text.encode(), NOW)
    except BadCookiesError:
        return
    assert of_ours(cookies) == of_jar(jar_of(text))


BAD = {
    "too few fields": (line("a.example", "FALSE", "/", "FALSE", "0", "n"), "6 fields"),
    "blanks in place of tabs": ("a.example FALSE / FALSE 0 n v\n", "1 fields"),
    "an expiry that is no number": (line("a.example", "FALSE", "/", "FALSE", "soon", "n", "v"), "expiry"),
    "an expiry beyond all numbers": (line("a.example", "FALSE", "/", "FALSE", "9" * 400, "n", "v"), "expiry"),
    "a dot without its flag": (line(".a.example", "FALSE", "/", "FALSE", "0", "n", "v"), "second field"),
    "a flag without its dot": (line("a.example", "TRUE", "/", "FALSE", "0", "n", "v"), "second field"),
    "no domain": (line("", "FALSE", "/", "FALSE", "0", "n", "v"), "host's name"),
    "a link as domain": (line("https://a.example", "FALSE", "/", "FALSE", "0", "n", "v"), "host's name"),
    "a top level": (line(".com", "TRUE", "/", "FALSE", "0", "n", "v"), "public suffix"),
    "a suffix of a country": (line(".co.uk", "TRUE", "/", "FALSE", "0", "n", "v"), "public suffix"),
    "a suffix of a provider": (line(".github.io", "TRUE", "/", "FALSE", "0", "n", "v"), "public suffix"),
    "subdomains of an address": (line(".192.0.2.7", "TRUE", "/", "FALSE", "0", "n", "v"), "subdomains"),
    "a path from nowhere": (line("a.example", "FALSE", "x", "FALSE", "0", "n", "v"), "path"),
    "nothing to send": (line("a.example", "FALSE", "/", "FALSE", "0", "", ""), "neither"),
    "a control character": (line("a.example", "FALSE", "/", "FALSE", "0", "n", "v\x01"), "characters"),
    "characters of no header": (line("a.example", "FALSE", "/", "FALSE", "0", "n", "v\u20ac"), "characters"),
    "a giant": (line("a.example", "FALSE", "/", "FALSE", "0", "n", "v" * 9000), "longer"),
}


@pytest.mark.parametrize(("text", "reason"), BAD.values(), ids=BAD.keys())
def test_a_wrong_line_is_named_with_its_reason(text: str, reason: str) -> None:
    good = line("a.example", "FALSE", "/", "FALSE", "0", "n", "v")
    with pytest.raises(BadCookiesError) as refusal:
        read_cookies((HEADER + good + text + good).encode(), NOW)
    [problem] = refusal.value.problems
    assert problem.line == 3
    assert reason in problem.message
    assert refusal.value.message.startswith("Line 3: ")


def test_of_many_wrong_lines_the_first_are_named_and_the_others_counted() -> None:
    with pytest.raises(BadCookiesError) as refusal:
        read_cookies(b"x\n" * 50, NOW)
    assert len(refusal.value.problems) == 20
    assert "49 more" in refusal.value.message


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"x" * (MAX_BYTES + 1), "too_large"),
        (b"\xff\xfe", "bad_cookies"),
        (b"", "bad_cookies"),
        (HEADER.encode(), "bad_cookies"),
        (b"[]", "bad_cookies"),
        (b"[1", "bad_cookies"),
        (b'{"cookies": []}', "bad_cookies"),
        (line("a.example", "FALSE", "/", "FALSE", "1600000000", "n", "v").encode(), "bad_cookies"),
    ],
)
def test_what_holds_no_living_cookie_is_refused(content: bytes, code: str) -> None:
    with pytest.raises(BadCookiesError) as refusal:
        read_cookies(content, NOW)
    assert refusal.value.code == code


def test_expired_cookies_are_left_out_of_the_others() -> None:
    lines = [line("a.example", "FALSE", "/", "FALSE", expires, expires, "v") for expires in ("1600000000", str(LATER))]
    assert [cookie.name for cookie in read_cookies("".join(lines).encode(), NOW)] == [str(LATER)]


@pytest.mark.parametrize(
    "entry",
    [
        1,
        {},
        {"domain": "a.example", "name": "n", "value": 1},
        {"domain": "a.example", "name": "n", "value": "v", "secure": "yes"},
        {"domain": "a.example", "name": "n", "value": "v", "expirationDate": "soon"},
        {"domain": "a.example", "name": "n", "value": "v", "expirationDate": True},
        {"domain": "co.uk", "name": "n", "value": "v"},
    ],
)
def test_a_wrong_entry_of_a_json_list_is_named(entry: object) -> None:
    good = {"domain": "a.example", "name": "n", "value": "v"}
    with pytest.raises(BadCookiesError) as refusal:
        read_cookies(json.dumps([good, entry]).encode(), NOW)
    assert [problem.line for problem in refusal.value.problems] == [2]


def exported(**fields: object) -> dict[str, object]:
    return {"domain": ".a.example", "name": "n", "value": "v", "path": "/", "httpOnly": True} | fields


EXPORTS = {
    "Cookie-Editor": [
        exported(expirationDate=LATER + 0.25, hostOnly=False, sameSite="no_restriction", secure=True, session=False)
        | {"storeId": None}
    ],
    "EditThisCookie": [
        exported(expirationDate=LATER, hostOnly=False, sameSite="unspecified", secure=True, session=False)
        | {"storeId": "0", "id": 1}
    ],
    "J2TEAM Cookies": {"url": "https://a.example", "cookies": [exported(expirationDate=LATER, secure=True)]},
    "a session file": {"cookies": [exported(expires=LATER, sameSite="Lax", secure=True)], "origins": []},
    "WebDriver": [exported(expiry=LATER, sameSite="Lax", secure=True)],
    "in milliseconds": [exported(expirationDate=LATER * 1000, secure=True)],
}


@pytest.mark.parametrize("content", EXPORTS.values(), ids=EXPORTS.keys())
def test_every_common_export_is_read_as_the_same_cookie(content: object) -> None:
    cookies = read_cookies(json.dumps(content).encode(), NOW)
    assert of_ours(cookies) == {(".a.example", "/", "n", "v", True, LATER)}


@pytest.mark.parametrize("end", [{"session": True, "expirationDate": 1}, {"expires": -1}, {"expires": None}, {}])
def test_a_sessions_cookie_of_an_export_has_no_end(end: dict[str, object]) -> None:
    assert [cookie.expires for cookie in read_cookies(json.dumps([exported(**end)]).encode(), NOW)] == [0]


@pytest.mark.parametrize("content", [{}, {"cookies": {}}, {"cookies": "n=v"}, "n", 1])
def test_json_without_a_list_of_cookies_is_refused(content: object) -> None:
    with pytest.raises(BadCookiesError):
        read_cookies(json.dumps(content).encode(), NOW)


@pytest.mark.parametrize(
    ("host", "site"),
    [
        ("www.a.example", "a.example"),
        ("a.b.c.co.uk", "c.co.uk"),
        ("me.github.io", "me.github.io"),
        ("com", None),
        ("co.uk", None),
        ("localhost", "localhost"),
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("media.nas.home", "nas.home"),
    ],
)
def test_a_host_belongs_to_the_site_that_somebody_registered(host: str, site: str | None) -> None:
    assert site_of(host) == site


def test_a_link_may_need_the_sign_in_of_a_site_of_another_name() -> None:
    assert sites_of("youtu.be") == ("youtu.be", "youtube.com")
    assert sites_of("mobile.x.com") == ("x.com", "twitter.com")
    assert sites_of("com") == ()


def test_cookies_are_sorted_by_site_and_live_as_long_as_the_last() -> None:
    cookies = [Cookie(domain=domain, name="n", value="v", expires=5) for domain in (".a.example", "b.a.example", "c.d")]
    assert {site: len(found) for site, found in by_site(cookies).items()} == {"a.example": 2, "c.d": 1}
    assert last_expiry(cookies) == 5
    assert last_expiry([*cookies, Cookie(domain="c.d", name="n", value="v")]) == 0


SENT = [
    line(".a.example", "TRUE", "/", "FALSE", str(LATER), "wide", "1"),
    line("a.example", "FALSE", "/", "FALSE", str(LATER), "narrow", "2"),
    line("a.example", "FALSE", "/video", "FALSE", "0", "deep", "3"),
    line(".a.example", "TRUE", "/", "TRUE", "0", "sealed", "4"),
    line("b.example", "FALSE", "/", "FALSE", "0", "other", "5"),
    line("a.example", "FALSE", "/", "FALSE", "0", "", "bare"),
]


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/",
        "http://a.example/",
        "https://www.a.example/video",
        "https://a.example/video/1.mp4?x=/video",
        "https://a.example/videos",
        "https://nota.example/",
        "https://b.example/?a.example",
        "https://a.example.evil.example/",
    ],
)
def test_a_request_carries_what_yt_dlps_jar_would_send(url: str) -> None:
    cookies = read_cookies("".join(SENT).encode(), NOW)
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    header = cookie_header(cookies, scheme=scheme, host=host, path=f"/{path}", now=NOW)
    expected = jar_of(HEADER + "".join(SENT)).get_cookie_header(url) or ""
    assert set(header.split("; ")) == set(expected.split("; "))


def test_an_expired_cookie_is_sent_nowhere() -> None:
    cookie = Cookie(domain="a.example", name="n", value="v", expires=int(NOW))
    assert cookie_header([cookie], scheme="https", host="a.example", path="/", now=NOW) == ""


def test_a_cookies_value_is_in_no_repr() -> None:
    assert "secret" not in repr([Cookie(domain="a.example", name="n", value="secret")])


@pytest.mark.parametrize("host", SITES)
def test_a_host_is_of_the_site_that_the_extension_says(host: str) -> None:
    assert site_of(host) == SITES[host]


GOOD_LINE = b".video.example\tTRUE\t/\tFALSE\t0\tsid\ta-value-of-nobody"
# fmt: off
WORDS = some.sampled_from([
    b"\t", b"\n", b"\r", b"\x0b", b"\x85", b"#", b"#HttpOnly_", b"TRUE", b"FALSE", b"-1", b"1e9", b"9" * 30, b"\xff",
    b"", b'{"domain":', b"[", b"]", b"}", b"null", b"-1e308", b".co.uk", b"xn--", b"..", b"/", b" ", b"\xef\xbb\xbf",
])
# fmt: on


def bent(pieces: list[tuple[int, bytes]]) -> bytes:
    data = GOOD_LINE + b"\n" + GOOD_LINE.replace(b"sid", b"pref")
    for at, piece in pieces:
        place = at % (len(data) + 1)
        data = data[:place] + piece + data[place + at % 3 :]
    return data


@given(some.lists(some.tuples(some.integers(0, 400), WORDS | some.binary(max_size=6)), max_size=8))
def test_bent_files_are_read_or_refused_without_a_word_of_their_values(pieces: list[tuple[int, bytes]]) -> None:
    cookies, told = None, ""
    try:
        cookies = read_cookies(bent(pieces), 0.0)
    except BadCookiesError as refusal:
        told = refusal.message + "".join(each.message for each in refusal.problems)
    assert "a-value-of-nobody" not in told
    if cookies is None:
        return
    # What is taken is written and read again as it is.
    assert read_cookies(write_netscape(cookies).encode(), 0.0) == cookies


ENTRY = some.fixed_dictionaries(
    {},
    optional={
        "domain": some.sampled_from(["a.example", ".a.example", "co.uk", "", "127.0.0.1"]) | some.none() | some.text(),
        "name": some.text(max_size=5) | some.integers(),
        "value": some.text(max_size=5) | some.none(),
        "path": some.text(max_size=5) | some.none() | some.booleans(),
        "secure": some.booleans() | some.none() | some.text(max_size=3),
        "expires": some.integers() | some.floats(allow_nan=False) | some.booleans() | some.text(max_size=3),
        "expirationDate": some.none() | some.floats(allow_nan=False, allow_infinity=False),
        "hostOnly": some.booleans(),
        "session": some.booleans() | some.none(),
    },
)


# The first time on a machine Hypothesis reads all of Unicode.
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(some.lists(ENTRY | some.none() | some.integers(), max_size=4))
def test_lists_of_anything_are_read_or_refused(entries: list[object]) -> None:
    try:
        cookies = read_cookies(json.dumps(entries).encode(), 0.0)
    except BadCookiesError:
        return
    assert read_cookies(write_netscape(cookies).encode(), 0.0) == cookies
