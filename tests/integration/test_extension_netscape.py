"""The extension's cookies.txt is read by Python's jar, by yt-dlp's and by the server as the cookies it was made of."""

from __future__ import annotations

import http.cookiejar
import json
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from yt_dlp.cookies import YoutubeDLCookieJar

from services.common.cookies import Cookie, read_cookies
from tests.support.node import ROOT

SITE = "video.example"
NOW = 1_800_000_000
EXTENSION = ROOT / "extension"
# What a jar holds: domain, path, name, value, whether by TLS only, expiry (None: with the session).
Told = set[tuple[str, str, str, str | None, bool, int | None]]

# What browsers let a site put there: no control characters, no `;`.
_TEXT = some.text(
    some.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters=";"), min_size=1, max_size=20
).filter(lambda text: text == text.strip())
_COOKIES = some.lists(
    some.fixed_dictionaries(
        {
            "domain": some.sampled_from([SITE, f"www.{SITE}", f"a.b.{SITE}"]),
            "hostOnly": some.booleans(),
            "path": some.sampled_from(["/", "/watch", "/a b/"]),
            "name": _TEXT.filter(lambda text: "=" not in text),
            "value": _TEXT | some.just("") | some.sampled_from(["#comment", "$x", "TRUE", '"quoted"', "a=b=c", "0"]),
            "secure": some.booleans(),
            "httpOnly": some.booleans(),
            "expirationDate": some.none() | some.floats(NOW + 1, NOW + 1e8),
        }
    ),
    max_size=8,
    unique_by=lambda cookie: (_domain(cookie), cookie["path"], cookie["name"]),
)


def _domain(cookie: dict[str, Any]) -> str:
    return str(cookie["domain"]) if cookie["hostOnly"] else f".{cookie['domain']}"


def _sent(text: str) -> str:
    """As a header has it: browsers write UTF-8, Python writes Latin-1, and the bytes are to be the same."""
    return text.encode().decode("latin-1")


class Writer:
    """The extension's own code, in a node that stays."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [shutil.which("node") or "node", "scripts/netscape.mjs"],
            cwd=EXTENSION,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def write(self, cookies: Iterable[dict[str, Any]]) -> str:
        """The cookies.txt of a browser's cookies."""
        given_ = [{key: value for key, value in cookie.items() if value is not None} for cookie in cookies]
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"cookies": given_, "site": SITE, "now": NOW}) + "\n")
        self._process.stdin.flush()
        return str(json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=20)


@pytest.fixture(scope="module")
def writer() -> Iterable[Writer]:
    if not (EXTENSION / "node_modules").is_dir():
        pytest.fail("the extension's tools are missing: make extension")
    made = Writer()
    yield made
    made.close()


def expected(cookies: Iterable[dict[str, Any]]) -> Told:
    return {
        (
            _domain(cookie),
            str(cookie["path"]),
            _sent(cookie["name"]),
            _sent(cookie["value"]),
            bool(cookie["secure"]),
            None if cookie["expirationDate"] is None else int(cookie["expirationDate"]),
        )
        for cookie in cookies
    }


def of_jar(cookies: Iterable[http.cookiejar.Cookie]) -> Told:
    return {(c.domain, c.path, c.name, c.value, bool(c.secure), c.expires) for c in cookies}


def of_server(cookies: Iterable[Cookie]) -> Told:
    return {(c.domain, c.path, c.name, c.value, c.secure, c.expires or None) for c in cookies}


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
@given(cookies=_COOKIES)
def test_all_three_read_what_the_browser_has(
    writer: Writer, tmp_path_factory: pytest.TempPathFactory, cookies: Any
) -> None:
    text = writer.write(cookies)
    file = _file(tmp_path_factory, text)
    theirs = YoutubeDLCookieJar(str(file))
    theirs.load()
    assert of_jar(theirs) == expected(cookies)
    plain = http.cookiejar.MozillaCookieJar(str(file))
    plain.load(ignore_discard=True)
    assert of_jar(plain) == expected(cookies)
    if cookies:
        assert of_server(read_cookies(text.encode(), NOW)) == expected(cookies)


def test_sessions_are_sessions_and_scripts_are_kept_out_for_pythons_jar_too(writer: Writer, tmp_path: Path) -> None:
    base = {"domain": SITE, "hostOnly": True, "path": "/", "secure": True, "expirationDate": None}
    cookies = [
        {**base, "name": "__Host-session", "value": "a", "httpOnly": True},
        {**base, "name": "__Secure-id", "value": "b", "httpOnly": False, "hostOnly": False},
    ]
    file = tmp_path / "cookies.txt"
    file.write_text(writer.write(cookies), encoding="utf-8")
    jar = http.cookiejar.MozillaCookieJar(str(file))
    jar.load(ignore_discard=True)
    found = {cookie.name: cookie for cookie in jar}
    assert found["__Host-session"].has_nonstandard_attr("HTTPOnly")
    assert not found["__Secure-id"].has_nonstandard_attr("HTTPOnly")
    assert all(cookie.discard and cookie.expires is None for cookie in jar)
    theirs = YoutubeDLCookieJar(str(file))
    theirs.load()
    header = theirs.get_cookie_header(f"https://{SITE}/watch")
    assert set(header.split("; ")) == {"__Host-session=a", "__Secure-id=b"}
    # yt-dlp's jar takes subdomains for the host, too: what is kept for the domain must be there, no less.
    assert "__Secure-id=b" in theirs.get_cookie_header(f"https://www.{SITE}/watch")
    assert theirs.get_cookie_header(f"http://{SITE}/watch") is None


def _file(factory: pytest.TempPathFactory, text: str) -> Path:
    file = factory.getbasetemp() / "extension-cookies.txt"
    file.write_bytes(text.encode())
    return file
