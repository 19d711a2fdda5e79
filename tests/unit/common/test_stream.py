from urllib.parse import parse_qsl, urlsplit

import pytest

from services.common.errors import Refused
from services.common.keyring import KeyRing
from services.common.stream import Kind, StreamRef, StreamSigner, expiry

NOW = 1_800_000_000.0
REF = StreamRef("https://cdn.example/a b.ts?x=1&y=ü", Kind.SEGMENT, "o1", "c1", expiry(NOW))


@pytest.fixture
def signer() -> StreamSigner:
    return StreamSigner(KeyRing(("0123456789abcdef",)))


def query(path: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(path).query, keep_blank_values=True))


def test_a_signed_url_tells_what_was_signed(signer: StreamSigner) -> None:
    assert signer.verify(query(signer.path(REF)), NOW) == REF


def test_signing_twice_gives_the_same_url(signer: StreamSigner) -> None:
    assert signer.path(REF) == signer.path(REF)


@pytest.mark.parametrize("name", ["url", "k", "o", "c", "e", "s"])
def test_a_url_with_any_part_changed_is_refused(signer: StreamSigner, name: str) -> None:
    forged = query(signer.path(REF))
    forged[name] = {"k": "m", "e": str(REF.expires + 3600)}.get(name, forged[name] + "0")
    with pytest.raises(Refused) as refusal:
        signer.verify(forged, NOW)
    assert refusal.value.code == "bad_signature"


@pytest.mark.parametrize("name", ["url", "k", "o", "e", "s"])
def test_a_url_with_any_part_missing_is_refused(signer: StreamSigner, name: str) -> None:
    forged = query(signer.path(REF))
    del forged[name]
    with pytest.raises(Refused):
        signer.verify(forged, NOW)


def test_a_url_after_its_time_is_refused_as_expired(signer: StreamSigner) -> None:
    with pytest.raises(Refused) as refusal:
        signer.verify(query(signer.path(REF)), REF.expires + 1)
    assert refusal.value.code == "expired_signature"


def test_a_url_made_under_the_old_secret_still_works_after_rotation(signer: StreamSigner) -> None:
    rotated = StreamSigner(KeyRing(("another secret of 24 chars", "0123456789abcdef")))
    assert rotated.verify(query(signer.path(REF)), NOW) == REF


def test_another_installations_url_is_refused(signer: StreamSigner) -> None:
    other = StreamSigner(KeyRing(("another secret of 24 chars",)))
    with pytest.raises(Refused):
        signer.verify(query(other.path(REF)), NOW)


TEMPLATE = StreamRef("https://cdn.example/v/$Number%05d$.m4s?t=$Time$&d=$$", Kind.SEGMENT, "o1", "c1", expiry(NOW))


def test_a_template_keeps_the_identifiers_that_the_player_replaces(signer: StreamSigner) -> None:
    path = signer.template_path(TEMPLATE)
    assert "$Number%05d$" in path
    assert "$Time$" in path


def test_an_expansion_of_a_signed_template_is_accepted(signer: StreamSigner) -> None:
    path = signer.template_path(TEMPLATE).replace("$Number%05d$", "00042").replace("$Time$", "9").replace("$$", "$")
    assert signer.verify(query(path), NOW).url == "https://cdn.example/v/00042.m4s?t=9&d=$"


@pytest.mark.parametrize("number", ["../etc", "1/2", "-1", "", "1" * 21])
def test_an_expansion_with_anything_but_digits_is_refused(signer: StreamSigner, number: str) -> None:
    expanded = query(signer.template_path(TEMPLATE))
    expanded["url"] = f"https://cdn.example/v/{number}.m4s?t=9&d=$"
    with pytest.raises(Refused):
        signer.verify(expanded, NOW)


def test_a_template_can_not_lend_its_signature_to_another_url(signer: StreamSigner) -> None:
    expanded = query(signer.template_path(TEMPLATE))
    expanded["url"] = "https://evil.example/v/00042.m4s?t=9&d=$"
    with pytest.raises(Refused):
        signer.verify(expanded, NOW)
