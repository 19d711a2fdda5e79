"""Names for processes under test: with this folder on PYTHONPATH, `<hexadecimal addresses>.names.test` resolve to them.

`0a000001.names.test` is 10.0.0.1; several addresses are joined by `-` (all at once) or `--` (one after the other, as a
name that changes between two looks).
"""

from __future__ import annotations

import ipaddress
import itertools
import socket
from typing import Any

_SUFFIX = ".names.test"
_resolve = socket.getaddrinfo
_looks: dict[str, itertools.count[int]] = {}


def _addresses(name: str) -> list[str]:
    turns = name.removesuffix(_SUFFIX).split("--")
    look = next(_looks.setdefault(name, itertools.count()))
    packed = turns[min(look, len(turns) - 1)].split("-")
    return [str(ipaddress.ip_address(bytes.fromhex(each))) for each in packed]


def _getaddrinfo(host: Any, port: Any, *arguments: Any, **named: Any) -> Any:
    name = host.decode() if isinstance(host, bytes) else host
    if not isinstance(name, str) or not name.lower().endswith(_SUFFIX):
        return _resolve(host, port, *arguments, **named)
    found = [_resolve(address, port, 0, socket.SOCK_STREAM) for address in _addresses(name.lower())]
    return [answer for answers in found for answer in answers]


socket.getaddrinfo = _getaddrinfo
