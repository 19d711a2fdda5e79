"""The egress guard: which addresses this installation may be made to fetch.

One parser for URLs that people paste, one verdict on addresses. Whoever connects must connect to what `Guard.addresses`
answered (resolving a second time would let a name change between the check and the connection), and must fetch
`Target.url` rather than the text it came from (two parsers would read it differently).
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import quote

import idna

from services.common.errors import Refused, Unavailable

MAX_URL_CHARS: Final = 16_384
DNS_TIMEOUT_S: Final = 5.0

_FORM: Final = re.compile(r"(https?)://([^/?#]*)([^#]*)(?:#.*)?", re.IGNORECASE)
_AUTHORITY: Final = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::([0-9]{0,5}))?")
_BLANK: Final = re.compile(r"[\x00-\x20\x7f-\xa0\\\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff]")
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
# The last label of a name that libc, or a browser, would read as an IPv4 address (WHATWG URL §3.5).
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_SAFE: Final = "%/?:@!$&'()*+,;=-._~[]{}|^"
# How yt-dlp's extractors hand over what their links can't say: headers, too.
_SMUGGLED: Final = "__youtubedl_smuggle"
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
# Ports of protocols that an HTTP request can be mistaken for (WHATWG Fetch §2.9, shortened).
_BAD_PORTS: Final = frozenset(
    {0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109}
    | {110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530}
    | {531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 5060}
    | {5061, 6000, 6379, 6566, 6665, 6666, 6667, 6668, 6669, 6697, 10080, 11211}
)

# What `ipaddress` of Python 3.11 calls global and isn't, and public addresses of cloud metadata services.
_NOT_PUBLIC_V4: Final = tuple(
    IPv4Network(text) for text in ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32", "100.64.0.0/10")
)
_GLOBAL_V6: Final = IPv6Network("2000::/3")
_NOT_PUBLIC_V6: Final = tuple(IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "3fff::/20"))
_NAT64: Final = IPv6Network("64:ff9b::/96")
_COMPATIBLE: Final = IPv6Network("::/96")


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart. `host` is canonical: lower case, IDNA, no brackets, no trailing dot."""

    scheme: str
    host: str
    port: int
    path_and_query: str

    @property
    def origin(self) -> str:
        """Scheme, host and port, the default port left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    @property
    def url(self) -> str:
        """The canonical URL, made from the parts: the only text that may be fetched."""
        return self.origin + self.path_and_query


def parse_url(raw: str) -> Target:
    """Take apart an absolute http(s) URL; the fragment is dropped, characters outside ASCII are percent-encoded.

    :raises Refused: `bad_url` if it is empty, too long, not http(s), holds blanks, control characters, a backslash or
        a malformed host; `refused_target` for credentials, a port of another protocol, or a host that some parsers
        read as another address than others (`0x7f.1`, `2130706433`, `127.0.0.%31`).
    """
    if not raw or len(raw) > MAX_URL_CHARS:
        raise Refused("bad_url", "This link is empty or too long.")
    if _BLANK.search(raw):
        raise Refused("bad_url", "This link holds a blank, a control character or a backslash.")
    form = _FORM.fullmatch(raw)
    if form is None:
        raise Refused("bad_url", "Only http:// and https:// links can be opened.")
    scheme, authority, rest = form[1].lower(), form[2], form[3]
    if "@" in authority or "%" in authority:
        raise Refused("refused_target", "Links with credentials or an escaped host are not opened.")
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        raise Refused("bad_url", "The host or port of this link is malformed.")
    port = int(parts[2]) if parts[2] else _DEFAULT_PORTS[scheme]
    if port > 65535:
        raise Refused("bad_url", "The host or port of this link is malformed.")
    if port in _BAD_PORTS:
        raise Refused("refused_target", "This port belongs to another protocol.")
    return Target(scheme, _host(parts[1]), port, _path_and_query(rest))


def page_url(raw: str) -> str:
    """The canonical URL of a page, with its fragment: some sites name their videos there, as in `/#/song?id=1`.

    What browsers and yt-dlp's extractors put there for themselves is left out.

    :raises Refused: as `parse_url`.
    """
    target = parse_url(raw)
    fragment = raw.partition("#")[2].partition(":~:")[0]
    if not fragment or _SMUGGLED in fragment:
        return target.url
    return f"{target.url}#{quote(fragment, safe=_SAFE)}"


def is_public(address: str) -> bool:
    """Whether an IP address is public unicast, also inside what IPv6 wraps around IPv4.

    False for what is no IP address at all.
    """
    try:
        return all(_is_public(inner) for inner in _unwrapped(ip_address(address)))
    except ValueError:
        return False


class Guard:
    """Resolves names and refuses every one that has an address which is not public."""

    def __init__(self, allowed_private_hosts: Iterable[str] = (), *, family: int = socket.AF_UNSPEC) -> None:
        """:raises ValueError: if an entry is neither `host` nor `host:port`."""
        self._allowed = frozenset(_host_and_port(entry) for entry in allowed_private_hosts)
        self._family = family
        # Its own threads: slow names must not keep file reads from the loop's default executor.
        self._threads = ThreadPoolExecutor(8, thread_name_prefix="dns")

    def is_allowed(self, host: str, port: int) -> bool:
        """Whether the operator allowed this host (and port, where the entry names one) though private."""
        return (host, None) in self._allowed or (host, port) in self._allowed

    def check_literal(self, host: str, port: int) -> None:
        """Refuse a host that is itself an IP address and not public. Names pass: `addresses` judges those.

        :raises Refused: `private_address`.
        """
        try:
            ip_address(host)
        except ValueError:
            return
        self.check_address(host, port, host)

    def check_address(self, host: str, port: int, address: str) -> None:
        """Refuse a connection to `address` made for `host`.

        :raises Refused: `private_address`.
        """
        if not self.is_allowed(host, port) and not is_public(address):
            raise Refused("private_address", "This link leads to a private address.")

    async def addresses(self, host: str, port: int) -> list[str]:
        """Resolve `host` once; every answer must be public, or the host allowed. At least one address.

        :raises Refused: `private_address` if any answer is not public.
        :raises Unavailable: `upstream_failed` if the name does not resolve, `upstream_late` if that takes too long.
        """
        self.check_literal(host, port)
        resolving = asyncio.get_running_loop().run_in_executor(self._threads, _resolve, host, port, self._family)
        try:
            async with asyncio.timeout(DNS_TIMEOUT_S):
                found = await resolving
        except TimeoutError:
            raise Unavailable("upstream_late", f"The name {host} takes too long to resolve.") from None
        except (OSError, UnicodeError):
            raise Unavailable("upstream_failed", f"The name {host} does not resolve.") from None
        for address in found:
            self.check_address(host, port, address)
        return found

    def close(self) -> None:
        """Let the resolving threads end. The guard can't be used afterwards."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class Whitelist:
    """Domains with their subdomains, and single `host:port` entries."""

    def __init__(self, domains: Iterable[str]) -> None:
        """:raises ValueError: if an entry is no domain."""
        self._entries = frozenset(_host_and_port(domain.removeprefix("*").removeprefix(".")) for domain in domains)

    def allows(self, host: str, port: int) -> bool:
        """Whether `host` is listed or lies below a listed domain."""
        if (host, port) in self._entries:
            return True
        while host:
            if (host, None) in self._entries:
                return True
            host = host.partition(".")[2]
        return False


def _host(text: str) -> str:
    if text.startswith("["):
        try:
            return str(IPv6Address(text[1:-1]))
        except ValueError:
            raise Refused("bad_url", "The host of this link is malformed.") from None
    name = text if text.isascii() else _ascii(text)
    name = name.lower().removesuffix(".")
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise Refused("bad_url", "The host of this link is malformed.")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            return str(IPv4Address(name))
        except ValueError:
            raise Refused("refused_target", "This host can be read as more than one address.") from None
    return name


def _ascii(name: str) -> str:
    try:
        return idna.encode(name, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        raise Refused("bad_url", "The host of this link is malformed.") from None


def _path_and_query(rest: str) -> str:
    try:
        # What is escaped stays as it is: signatures of CDNs cover the very bytes.
        quoted = quote(rest, safe=_SAFE)
    except UnicodeEncodeError:
        raise Refused("bad_url", "This link is no valid text.") from None
    return quoted if quoted.startswith("/") else "/" + quoted


def _host_and_port(entry: str) -> tuple[str, int | None]:
    text = f"[{entry}]" if entry.count(":") > 1 and not entry.startswith("[") else entry
    parts = _AUTHORITY.fullmatch(text.strip())
    if parts is None or not parts[1]:
        raise ValueError(f"{entry!r} is neither a host nor host:port")
    try:
        return _host(parts[1]), int(parts[2]) if parts[2] else None
    except Refused:
        raise ValueError(f"{entry!r} is neither a host nor host:port") from None


def _resolve(host: str, port: int, family: int) -> list[str]:
    answers = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
    found = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    if not found:
        raise OSError("no address")
    return found


def _unwrapped(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """The addresses that a packet to `address` may reach: itself, or those it wraps."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address.sixtofour is not None:
        return [address.sixtofour]
    if address.teredo is not None:
        return list(address.teredo)
    # Zones (`fe80::1%eth0`) keep their address in the integer.
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return [IPv4Address(int(address) & 0xFFFF_FFFF)]
    return [address]


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_V4)
    if address not in _GLOBAL_V6 or any(address in network for network in _NOT_PUBLIC_V6):
        return False
    # ISATAP (RFC 5214 §6.1) and the translation prefix of the local network wrap an IPv4 address in the last 32 bits.
    return (int(address) >> 32) & 0xFDFF_FFFF != 0x5EFE
