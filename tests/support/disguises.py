"""A grammar of links that lead inside: every way that people have found to write a private address into a URL.

`links()` gives them all, the same each time; `random_link` draws one from a wider language for fuzzing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address
from typing import Final

INSIDE_V4: Final = tuple(
    IPv4Address(text)
    for text in (
        *("127.0.0.1", "10.0.0.1", "172.16.5.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("198.18.0.1", "192.0.0.192", "168.63.129.16", "224.0.0.1", "255.255.255.255"),
    )
)
INSIDE_V6: Final = tuple(
    IPv6Address(text)
    for text in ("::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1")
)

_WIDE: Final = str.maketrans("0123456789.", "０１２３４５６７８９。")
_CIRCLED: Final = str.maketrans("0123456789", "⓪①②③④⑤⑥⑦⑧⑨")
_BOLD: Final = str.maketrans("0123456789", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗")


def _octets(address: IPv4Address) -> tuple[int, ...]:
    return tuple(address.packed)


def _short(address: IPv4Address, parts: int) -> str:
    """The last octets as one number, as `inet_aton` reads it."""
    head = _octets(address)[: parts - 1]
    return ".".join(map(str, (*head, int(address) & ((1 << (8 * (5 - parts))) - 1))))


# How libc, browsers and libraries read an IPv4 address.
_V4_SPELLINGS: Final[tuple[Callable[[IPv4Address], str], ...]] = (
    str,
    lambda a: f"{a}.",
    lambda a: str(int(a)),
    lambda a: hex(int(a)),
    lambda a: hex(int(a)).upper().replace("0X", "0x"),
    lambda a: f"0{int(a):o}",
    lambda a: f"0000{int(a):o}",
    lambda a: _short(a, 2),
    lambda a: _short(a, 3),
    lambda a: ".".join(f"0{octet:o}" for octet in _octets(a)),
    lambda a: ".".join(f"{octet:#x}" for octet in _octets(a)),
    lambda a: ".".join(f"0x{octet:08x}" for octet in _octets(a)),
    lambda a: ".".join(f"{octet:03d}" for octet in _octets(a)),
    lambda a: ".".join([f"{_octets(a)[0]:#x}", *map(str, _octets(a)[1:])]),
    lambda a: ".".join([*map(str, _octets(a)[:3]), f"0{_octets(a)[3]:o}"]),
    lambda a: ".".join(str(octet + 256) for octet in _octets(a)),
    lambda a: str(int(a) + (1 << 32)),
    lambda a: str(a).translate(_WIDE),
    lambda a: str(a).translate(_CIRCLED),
    lambda a: str(a).translate(_BOLD),
    lambda a: str(a).replace(".", "\u3002"),
    lambda a: str(a).replace(".", "\uff61"),
    lambda a: str(a).replace(".", "%2e"),
    lambda a: "".join(f"%{ord(each):02x}" for each in str(a)),
    lambda a: str(a).replace(".", ".\u00ad"),
    lambda a: str(a).replace(".", "\u200b."),
    lambda a: f"[::ffff:{a}]",
    lambda a: f"[::{a}]",
    lambda a: f"[{IPv6Address(int(a) | 0xFFFF << 32)}]",
    lambda a: f"[{IPv6Address((0x64FF9B << 96) | int(a))}]",
    lambda a: f"[{IPv6Address((0x2002 << 112) | (int(a) << 80) | 1)}]",
    lambda a: f"[{IPv6Address((0x20010000 << 96) | (0x08080808 << 64) | (int(a) ^ 0xFFFFFFFF))}]",
    lambda a: f"[{IPv6Address((0x20010000 << 96) | (int(a) << 64) | (0x08080808 ^ 0xFFFFFFFF))}]",
    lambda a: f"[2606:4700::5efe:{a}]",
    lambda a: f"[0:0:0:0:0:ffff:{a}]",
    lambda a: f"[::ffff:{a}%25eth0]",
    lambda a: f"[{a}]",
)
_V6_SPELLINGS: Final[tuple[Callable[[IPv6Address], str], ...]] = (
    lambda a: f"[{a}]",
    lambda a: f"[{a.exploded}]",
    lambda a: f"[{str(a).upper()}]",
    lambda a: f"[{a}%25lo]",
    lambda a: f"[{a}%lo]",
    lambda a: f"[{a}].",
    str,
    lambda a: f"%5B{a}%5D",
)
# What may stand around a host so that one parser sees it and another doesn't.
_FRAMES: Final = (
    "http://{}/",
    "HTTPS://{}/",
    "http://{}:8080/latest/meta-data/",
    "http://user@{}/",
    "http://example.com@{}/",
    "http://{}#@example.com/",
    "http://{}\\@example.com/",
)
# Names that mean this machine or a private network's own. Those that need a name server are for tests with one.
NAMES: Final = ("localhost", "LOCALHOST", "localhost.", "ⓛocalhost", "loc%61lhost", "localhost:8080")


def links() -> Iterator[str]:
    """Every link of the grammar, each once."""
    hosts = [spell(address) for address in INSIDE_V4 for spell in _V4_SPELLINGS]
    hosts += [spell(address) for address in INSIDE_V6 for spell in _V6_SPELLINGS]
    framed = [frame.format(host) for host in dict.fromkeys(hosts) for frame in _FRAMES]
    yield from dict.fromkeys(framed)


def random_link(source: random.Random) -> str:
    """A link that may lead anywhere: pieces of the grammar in any order, and noise."""
    host = source.choice(
        (
            source.choice(_V4_SPELLINGS)(IPv4Address(source.getrandbits(32))),
            source.choice(_V6_SPELLINGS)(IPv6Address(source.getrandbits(128))),
            source.choice(NAMES),
            "example.com",
        )
    )
    noise = ("", "@", ":", "\\", "%00", "\t", ".", "#", "?", "[", "]", "%", "\u2024", "xn--", "0x", "-", "_")
    at = source.randrange(len(host) + 1)
    mixed = host[:at] + source.choice(noise) + host[at:]
    scheme = source.choice(
        ("http://", "https://", "HtTp://", "http:", "http:/", "http:///", "//", "http://a@", "ws://")
    )
    port = source.choice(("", "", ":80", ":0", ":65536", ":８０", ":80:80"))
    return scheme + mixed + port + source.choice(("/", "", "/@10.0.0.1", "?@10.0.0.1", "\\x"))
