"""The guard against a grammar of links that lead inside, and against random ones read by other parsers."""

from __future__ import annotations

import contextlib
import random
import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from services.common.errors import Refused
from services.common.guard import Guard, is_public, parse_url
from tests.support.disguises import INSIDE_V4, INSIDE_V6, links, random_link

LEAST = 500


def opened(link: str) -> str | None:
    """The host that would be connected to; None where the guard refuses the link."""
    try:
        target = parse_url(link)
        Guard().check_literal(target.host, target.port)
    except Refused:
        return None
    return target.host


def test_every_link_of_the_grammar_is_refused() -> None:
    grammar = list(links())
    assert len(grammar) >= LEAST
    assert [link for link in grammar if opened(link) is not None] == []


def test_the_grammar_does_lead_inside() -> None:
    """Else refusing it would show nothing."""
    read = set()
    for link in links():
        with contextlib.suppress(OSError, ValueError):
            read.add(ip_address(socket.inet_aton(urlsplit(link).hostname or "nowhere")))
    assert read >= set(INSIDE_V4)
    assert not any(is_public(str(address)) for address in (*INSIDE_V4, *INSIDE_V6))


@given(st.integers(0, 2**32))
def test_what_passes_is_read_alike_by_whoever_connects(seed: int) -> None:
    link = random_link(random.Random(seed))
    try:
        target = parse_url(link)
    except Refused:
        return
    assert parse_url(target.url) == target
    assert urlsplit(target.url).hostname == target.host
    assert URL(target.url, encoded=True).raw_host == target.host
    try:
        literal = ip_address(target.host)
    except ValueError:
        # No libc takes it for an address in disguise.
        with pytest.raises(OSError, match="illegal"):
            socket.inet_aton(target.host)
    else:
        assert str(literal) == target.host
        assert (opened(link) is not None) == is_public(target.host)
