from __future__ import annotations

from urllib.parse import quote

import pytest

from services.common.errors import Refused
from services.common.stream import Kind, StreamRef, object_id
from services.proxy.tickets import Tickets, read_ticket
from tests.unit.proxy.links import EXPIRES, SIGNER

NOW = EXPIRES - 100.0


def query(ref: StreamRef) -> bytes:
    return SIGNER.path(ref).partition("?")[2].encode()


def test_a_signed_query_is_read() -> None:
    ref = StreamRef("http://h/a.ts?x=1&y=%2F", Kind.SEGMENT, "object", "ctx", EXPIRES)
    ticket = read_ticket(query(ref), SIGNER, NOW)
    assert (ticket.url, ticket.kind, ticket.object_id, ticket.context) == (ref.url, ref.kind, "object", "ctx")
    assert ticket.is_signed
    assert ticket.cached_as == "object"


def test_an_open_query_expects_nothing_and_lives_for_two_days() -> None:
    ticket = read_ticket(b"url=" + quote("http://h/a.ts", safe="").encode(), SIGNER, 1000.0)
    assert (ticket.url, ticket.kind, ticket.context, ticket.is_signed) == ("http://h/a.ts", None, "", False)
    assert ticket.expires == 49 * 3600


@pytest.mark.parametrize("extra", [b"&s=0", b"&k=s", b"&o=a", b"&c=a", b"&e=1", b"&t=a"])
def test_half_a_signature_is_no_open_query(extra: bytes) -> None:
    with pytest.raises(Refused, match=r"incomplete|not made here"):
        read_ticket(b"url=http%3A%2F%2Fh%2F" + extra, SIGNER, NOW)


@pytest.mark.parametrize("raw", [b"", b"url=", b"x=1", b"url=%ff", b"url=\xff", b"url=" + b"a" * 40_000, b"a=&" * 40])
def test_a_query_without_a_url_is_refused(raw: bytes) -> None:
    with pytest.raises(Refused) as caught:
        read_ticket(raw, SIGNER, NOW)
    assert caught.value.code == "bad_url"


@pytest.mark.parametrize("is_signed", [True, False])
def test_a_clients_address_does_not_say_what_only_nodes_say_to_each_other(is_signed: bool) -> None:
    ref = StreamRef("http://h/a.ts", Kind.SEGMENT, "object", "ctx", EXPIRES)
    asked = query(ref) if is_signed else b"url=http%3A%2F%2Fh%2Fa.ts"
    assert read_ticket(asked + b"&held=1&held=1", SIGNER, NOW).query == asked.decode()


def test_directives_are_sorted_and_tell_objects_apart() -> None:
    ref = StreamRef("http://h/a.m3u8", Kind.MANIFEST, "object", "", EXPIRES)
    one = read_ticket(query(ref) + b"&_HLS_part=2&_HLS_msn=7&CMCD=x", SIGNER, NOW)
    two = read_ticket(query(ref) + b"&_HLS_msn=7&_HLS_part=2", SIGNER, NOW)
    assert one.directives == "_HLS_msn=7&_HLS_part=2"
    assert one.cached_as == two.cached_as != read_ticket(query(ref), SIGNER, NOW).cached_as


def test_each_segment_of_a_template_is_an_object_of_its_own() -> None:
    path = SIGNER.template_path(StreamRef("http://h/$Number$.m4s", Kind.SEGMENT, "template", "", EXPIRES))
    raw = path.partition("?")[2]
    one, two = (read_ticket(raw.replace("$Number$", number).encode(), SIGNER, NOW) for number in ("1", "2"))
    assert one.url == "http://h/1.m4s"
    assert one.object_id == object_id("template", "http://h/1.m4s") != two.object_id


@pytest.mark.parametrize("value", ["1/../../secret", "", "$Number$", "1%3Fx", "-1"])
def test_a_template_takes_digits_alone(value: str) -> None:
    path = SIGNER.template_path(StreamRef("http://h/$Number$.m4s", Kind.SEGMENT, "template", "", EXPIRES))
    raw = path.partition("?")[2].replace("$Number$", quote(value, safe="%"))
    with pytest.raises(Refused) as caught:
        read_ticket(raw.encode(), SIGNER, NOW)
    assert caught.value.code == "bad_signature"


def test_variables_come_from_the_fragment() -> None:
    ref = StreamRef("http://h/a.m3u8#a=1+%26&b=", Kind.MANIFEST, "object", "", EXPIRES)
    assert read_ticket(query(ref), SIGNER, NOW).imports == {"a": "1 &", "b": ""}


def test_a_ticket_that_was_read_before_expires_all_the_same() -> None:
    tickets = Tickets(SIGNER)
    raw = query(StreamRef("http://h/a.ts", Kind.SEGMENT, "object", "", EXPIRES))
    assert tickets.read(raw, NOW) is tickets.read(raw, EXPIRES)
    with pytest.raises(Refused) as caught:
        tickets.read(raw, EXPIRES + 1)
    assert caught.value.code == "expired_signature"
