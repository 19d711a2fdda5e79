"""Cookies of sites: read as yt-dlp's jar reads them, checked, and sorted by the site that they belong to. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import Any, Final

from msgspec import Struct
from publicsuffixlist import PublicSuffixList

from services.common import codec
from services.common.errors import Refused

MAX_BYTES: Final = 1 << 20
MAX_COOKIES: Final = 5000
MAX_COOKIE_CHARS: Final = 8192
MOST_PROBLEMS: Final = 20
HEADER: Final = "# Netscape HTTP Cookie File\n"

_HTTP_ONLY: Final = "#HttpOnly_"
_FIELDS: Final = 7
# Of the browsers' own interface; of Playwright and Puppeteer; of WebDriver.
_EXPIRIES: Final = ("expirationDate", "expires", "expiry")
# The year 5138: beyond it somebody has counted in milliseconds.
_FARTHEST_S: Final = 1e11
_EXPIRY: Final = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?")
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]|[^\x00-\xff]")
_SUFFIXES: Final = PublicSuffixList(accept_unknown=False)

# Links of a site that is signed in to under another name.
_ALIASES: Final = {
    "youtu.be": ("youtube.com",),
    "youtube-nocookie.com": ("youtube.com",),
    "fb.watch": ("facebook.com",),
    "x.com": ("twitter.com",),
    "twitter.com": ("x.com",),
    "redd.it": ("reddit.com",),
    "b23.tv": ("bilibili.com",),
    "dai.ly": ("dailymotion.com",),
    "nico.ms": ("nicovideo.jp",),
}


class Cookie(Struct, frozen=True, kw_only=True):
    """One cookie. `domain` begins with a dot where subdomains are meant too; `expires` is Unix seconds, 0: never told.

    A cookie without a name is sent as its value alone.
    """

    domain: str
    path: str = "/"
    name: str
    value: str
    secure: bool = False
    expires: int = 0

    def __repr__(self) -> str:
        return f"Cookie({self.domain!r}, {self.path!r})"

    @property
    def host(self) -> str:
        """The domain without its dot."""
        return self.domain.removeprefix(".")


class Problem(Struct, frozen=True):
    """What is wrong in one line (or one entry of a JSON list), counted from 1. It never holds a value."""

    line: int
    message: str


class BadCookiesError(Refused):
    """Nothing was taken. `problems` name the first lines that are wrong."""

    def __init__(self, message: str, problems: Sequence[Problem] = (), *, code: str = "bad_cookies") -> None:
        super().__init__(code, message)
        self.problems = list(problems)


class _WrongError(ValueError):
    """One cookie can't be taken; the text says why."""


def read_cookies(data: bytes, now: float) -> list[Cookie]:
    """The cookies of a cookies.txt (Netscape format) or of a JSON list, as browsers' extensions write both.

    Those that have expired at `now` (Unix seconds) are left out; of two that are the same the later counts.

    :raises BadCookiesError: `too_large`; `bad_cookies` if a line is wrong, or no cookie is left.
    """
    if len(data) > MAX_BYTES:
        raise BadCookiesError("Cookies may take 1 MiB. Export those of one site only.", code="too_large")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadCookiesError("This is no text. Export your cookies as cookies.txt.") from None
    rows = _json_rows(text) if text.lstrip()[:1] in ("[", "{") else _netscape_rows(text)
    found: dict[tuple[str, str, str], Cookie] = {}
    problems: list[Problem] = []
    for number, row in rows:
        try:
            cookie = _checked(*row) if isinstance(row, tuple) else _from_json(row)
        except _WrongError as wrong:
            problems.append(Problem(number, str(wrong)))
        else:
            found[(cookie.domain, cookie.path, cookie.name or cookie.value)] = cookie
    if problems:
        raise BadCookiesError(_told(problems), problems[:MOST_PROBLEMS])
    fresh = [cookie for cookie in found.values() if not cookie.expires or cookie.expires > now]
    if not fresh:
        none = "There is no cookie in this."
        raise BadCookiesError("All of these cookies have expired. Sign in again, then export them." if found else none)
    if len(fresh) > MAX_COOKIES:
        raise BadCookiesError(f"At most {MAX_COOKIES} cookies. Export those of one site only.", code="too_large")
    return fresh


def write_netscape(cookies: Iterable[Cookie]) -> str:
    """The cookies.txt that yt-dlp reads as these cookies."""
    lines = (
        "\t".join(
            (
                cookie.domain,
                "TRUE" if cookie.domain.startswith(".") else "FALSE",
                cookie.path,
                "TRUE" if cookie.secure else "FALSE",
                str(cookie.expires),
                cookie.name,
                cookie.value,
            )
        )
        for cookie in cookies
    )
    return HEADER + "".join(f"{line}\n" for line in lines)


def site_of(host: str) -> str | None:
    """The registrable domain of a host; an address, and a name without dots, are sites themselves.

    None for a public suffix (`com`, `co.uk`, `github.io`): what is under it belongs to many.
    """
    if _is_address(host):
        return host
    found = _SUFFIXES.privatesuffix(host)
    if found is not None:
        return str(found)
    if _SUFFIXES.publicsuffix(host) == host:
        return None
    # A name of one's own network, whose last label nobody has registered.
    return ".".join(host.split(".")[-2:])


def sites_of(host: str) -> tuple[str, ...]:
    """The sites whose sign-in a link to `host` may need, its own first."""
    own = site_of(host)
    return () if own is None else (own, *_ALIASES.get(own, ()))


def by_site(cookies: Iterable[Cookie]) -> dict[str, list[Cookie]]:
    """Cookies under their sites."""
    sites: dict[str, list[Cookie]] = {}
    for cookie in cookies:
        site = site_of(cookie.host)
        if site is not None:
            sites.setdefault(site, []).append(cookie)
    return sites


def last_expiry(cookies: Iterable[Cookie]) -> int:
    """When the last of them has expired (Unix seconds); 0 if one is kept for as long as the session goes."""
    ends = [cookie.expires for cookie in cookies]
    return 0 if not ends or 0 in ends else max(ends)


def cookie_header(cookies: Iterable[Cookie], *, scheme: str, host: str, path: str, now: float) -> str:
    """The `Cookie` header of a request, by the rules of yt-dlp's jar; '' if none of them is meant for it."""
    meant = [cookie for cookie in cookies if _is_for(cookie, scheme, host, path, now)]
    # The most exact path first (RFC 6265 §5.4).
    meant.sort(key=lambda cookie: -len(cookie.path))
    return "; ".join(f"{cookie.name}={cookie.value}" if cookie.name else cookie.value for cookie in meant)


def _is_for(cookie: Cookie, scheme: str, host: str, path: str, now: float) -> bool:
    if cookie.secure and scheme != "https":
        return False
    if cookie.expires and cookie.expires <= now:
        return False
    if not f".{host}".endswith(f".{cookie.host}"):
        return False
    # RFC 6265 §5.1.4
    return path.startswith(cookie.path) and (
        path == cookie.path or cookie.path.endswith("/") or path[len(cookie.path)] in "/?"
    )


def _netscape_rows(text: str) -> list[tuple[int, Any]]:
    """(line number, fields or the raw line) of every line that yt-dlp would take for a cookie."""
    rows: list[tuple[int, Any]] = []
    # As Python opens a text file: a line ends in \n, \r\n or \r, and in nothing else.
    for number, raw in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        line = raw.removeprefix(_HTTP_ONLY)
        if line.startswith("#") or not line.strip():
            continue
        fields = line.split("\t")
        if len(fields) == _FIELDS and line.strip().startswith(("#", "$")):
            continue
        rows.append((number, tuple(fields)))
    return rows


def _checked(*fields: str) -> Cookie:
    """:raises _WrongError: where yt-dlp would refuse, or skip, or where no site could have set this."""
    if len(fields) != _FIELDS:
        raise _WrongError(f"it has {len(fields)} fields in place of {_FIELDS}, parted by tabs")
    domain, is_wide, path, secure, expires, name, value = fields
    if (is_wide == "TRUE") != domain.startswith("."):
        raise _WrongError("the second field must be TRUE if the domain begins with a dot, else FALSE")
    if expires and _EXPIRY.fullmatch(expires) is None:
        raise _WrongError("the expiry must be empty or a number of Unix seconds")
    return _sound(domain, path, name, value, secure == "TRUE", int(float(expires or 0)))


def _json_rows(text: str) -> list[tuple[int, Any]]:
    try:
        entries = codec.decode(text)
    except codec.MalformedError:
        raise BadCookiesError("This is no JSON. Paste the whole export.") from None
    if isinstance(entries, dict):
        # Some exports wrap the list, and name a page or a browser's other storage beside it.
        entries = entries.get("cookies")
    if not isinstance(entries, list):
        raise BadCookiesError("A JSON export of cookies is a list of objects.")
    return list(enumerate(entries, 1))


def _from_json(entry: Any) -> Cookie:
    """A cookie as browsers' extension interfaces write it (`chrome.cookies.Cookie` and its likes).

    :raises _WrongError: if a field is missing or of the wrong kind.
    """
    if not isinstance(entry, dict):
        raise _WrongError("it is no object")
    domain, name, value = entry.get("domain"), entry.get("name"), entry.get("value")
    path, secure = entry.get("path") or "/", entry.get("secure") or False
    if not (isinstance(domain, str) and isinstance(name, str) and isinstance(value, str)):
        raise _WrongError("domain, name and value must be texts")
    if not isinstance(path, str) or not isinstance(secure, bool):
        raise _WrongError("path must be a text, secure true or false")
    if entry.get("hostOnly") is False and not domain.startswith("."):
        domain = f".{domain}"
    return _sound(domain, path, name, value, secure, _json_expiry(entry))


def _json_expiry(entry: dict[str, Any]) -> int:
    if entry.get("session") is True:
        return 0
    given = next((entry[key] for key in _EXPIRIES if entry.get(key) is not None), 0)
    if isinstance(given, bool) or not isinstance(given, int | float) or not given < 1e15:
        raise _WrongError("the expiry must be a number of Unix seconds")
    # Playwright writes -1 for a session's cookie.
    return max(0, int(given / 1000 if given > _FARTHEST_S else given))


def _sound(domain: str, path: str, name: str, value: str, secure: bool, expires: int) -> Cookie:
    domain = domain.lower()
    host = domain.removeprefix(".")
    if _HOST.fullmatch(host) is None:
        raise _WrongError("the domain is not a host's name")
    if site_of(host) is None:
        raise _WrongError(f"{host} is a public suffix: no site may set a cookie for all that is under it")
    if domain.startswith(".") and ("." not in host or _is_address(host)):
        raise _WrongError("a cookie of an address or a name without dots has no subdomains")
    if not path.startswith("/"):
        raise _WrongError("the path must begin with /")
    if not name and not value:
        raise _WrongError("it has neither name nor value")
    if _CONTROL.search(name) or _CONTROL.search(value) or _CONTROL.search(path):
        raise _WrongError("it holds characters that no cookie may have")
    if len(name) + len(value) + len(path) > MAX_COOKIE_CHARS:
        raise _WrongError(f"it is longer than {MAX_COOKIE_CHARS} characters")
    return Cookie(domain=domain, path=path, name=name, value=value, secure=secure, expires=expires)


def _told(problems: Sequence[Problem]) -> str:
    first, more = problems[0], len(problems) - 1
    rest = f" {more} more {'line is' if more == 1 else 'lines are'} wrong." if more else ""
    return f"Line {first.line}: {first.message}.{rest}"


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
