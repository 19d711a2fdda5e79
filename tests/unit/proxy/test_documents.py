"""JSON beside playlists: asset lists and steering manifests."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from services.common.errors import Refused
from services.common.stream import Kind
from services.proxy.manifest.documents import rewrite
from services.proxy.manifest.hls import attributes
from services.proxy.manifest.hls import rewrite as rewrite_playlist
from services.proxy.tickets import Ticket, read_ticket
from tests.unit.proxy.links import EXPIRES, SIGNER, links, ref

MASTER = """#EXTM3U
#EXT-X-CONTENT-STEERING:SERVER-URI="https://steer.example/s",PATHWAY-ID="one"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="En",STABLE-RENDITION-ID="r",URI="en.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="a",PATHWAY-ID="one",STABLE-VARIANT-ID="v"
low.m3u8?token=1&x=2
"""


def document(**fields: Any) -> dict[str, Any]:
    made = rewrite(json.dumps(fields).encode(), links("https://steer.example/s/now?session=1"))
    assert made is not None
    found: dict[str, Any] = json.loads(made)
    return found


def cloned(replacement: dict[str, Any]) -> tuple[Ticket, Ticket]:
    """The variant and the audio of `MASTER`, as a player makes their copies."""
    answer = document(**{"PATHWAY-CLONES": [{"ID": "two", "BASE-ID": "one", "URI-REPLACEMENT": replacement}]})
    [clone] = answer["PATHWAY-CLONES"]
    assert (clone["ID"], clone["BASE-ID"], list(clone["URI-REPLACEMENT"])) == ("two", "one", ["PARAMS"])
    lines = rewrite_playlist(MASTER, links(), {}).text.splitlines()
    variant, audio = lines[-1], attributes(lines[2].partition(":")[2])["URI"]
    return ticket(variant, clone["URI-REPLACEMENT"]["PARAMS"]), ticket(audio, clone["URI-REPLACEMENT"]["PARAMS"])


def ticket(path: str, params: dict[str, str]) -> Ticket:
    # As the URL API of browsers sets them.
    query = urlencode([*parse_qsl(urlsplit(path).query, keep_blank_values=True), *params.items()])
    return read_ticket(query.encode(), SIGNER, EXPIRES - 1)


def test_the_assets_of_a_list_lead_to_us() -> None:
    found = document(ASSETS=[{"URI": "https://ads.example/a.m3u8", "DURATION": 10.5}, {"URI": "b.m3u8"}, {"X": 1}, 3])
    first, second, third, fourth = found["ASSETS"]
    assert (ref(first["URI"]).url, ref(first["URI"]).kind) == ("https://ads.example/a.m3u8", Kind.MANIFEST)
    assert first["DURATION"] == 10.5
    assert ref(second["URI"]).url == "https://steer.example/s/b.m3u8"
    assert (third, fourth) == ({"X": 1}, 3)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"3", b'{"ASSETS": 3}', b'{"other": []}'])
def test_other_json_is_not_ours_to_rewrite(body: bytes) -> None:
    assert rewrite(body, links()) is None


def test_a_steering_manifest_is_asked_for_here_again() -> None:
    found = document(**{"VERSION": 1, "TTL": 300, "RELOAD-URI": "next?s=2", "PATHWAY-PRIORITY": ["one", "two"]})
    assert (found["VERSION"], found["TTL"], found["PATHWAY-PRIORITY"]) == (1, 300, ["one", "two"])
    assert (ref(found["RELOAD-URI"]).url, ref(found["RELOAD-URI"]).kind) == (
        "https://steer.example/s/next?s=2", Kind.JSON,
    )  # fmt: skip


def test_a_copy_of_a_pathway_lies_at_another_host_with_other_parameters() -> None:
    variant, audio = cloned({"HOST": "cdn2.example", "PARAMS": {"token": "a&b", "new": "1"}})
    assert variant.url == "https://cdn2.example/a/b/low.m3u8?x=2&new=1&token=a%26b"
    assert audio.url == "https://cdn2.example/a/b/en.m3u8?new=1&token=a%26b"
    assert (variant.kind, audio.kind) == (Kind.MANIFEST, Kind.RENDITION)


def test_a_copy_may_say_where_each_of_its_playlists_lies() -> None:
    variant, audio = cloned(
        {
            "HOST": "cdn2.example",
            "PER-VARIANT-URIS": {"v": "https://cdn3.example/v.m3u8"},
            "PER-RENDITION-URIS": {"other": "https://cdn3.example/o.m3u8"},
        }
    )
    assert variant.url == "https://cdn3.example/v.m3u8"
    assert audio.url == "https://cdn2.example/a/b/en.m3u8"


def test_a_copy_is_another_object_and_the_same_one_for_everybody() -> None:
    [one, _], [same, _], [other, _] = (cloned({"HOST": host}) for host in ("c2.example", "c2.example", "c3.example"))
    assert one.object_id == same.object_id
    plain = ticket(rewrite_playlist(MASTER, links(), {}).text.splitlines()[-1], {})
    assert len({one.object_id, other.object_id, plain.object_id}) == 3


@pytest.mark.parametrize("host", ["a@evil.example", "0x7f.1", "a b", "127.0.0.%31", "[::1"])
def test_a_copy_at_a_host_that_nobody_should_ask_is_refused(host: str) -> None:
    with pytest.raises(Refused):
        cloned({"HOST": host})


@pytest.mark.parametrize("broken", ["x", "x.1.y", f"x.{EXPIRES}.y", ".."])
def test_a_copy_that_we_did_not_make_is_refused(broken: str) -> None:
    path = rewrite_playlist(MASTER, links(), {}).text.splitlines()[-1]
    with pytest.raises(Refused) as caught:
        ticket(path, {"clone": broken})
    assert caught.value.code == "bad_signature"


def test_a_copy_made_for_one_context_is_refused_in_another() -> None:
    sealed = SIGNER.seal('["evil.example", {}, {}, {}]', "another", EXPIRES)
    path = rewrite_playlist(MASTER, links(), {}).text.splitlines()[-1]
    with pytest.raises(Refused) as caught:
        ticket(path, {"clone": sealed})
    assert caught.value.code == "bad_signature"


def test_steering_that_would_not_come_from_us_is_left_out() -> None:
    text = MASTER.replace("https://steer.example/s", "data:application/json;base64,e30=")
    assert "STEERING" not in rewrite_playlist(text, links(), {}).text


@pytest.mark.parametrize(
    "clones", [3, [3], [{}], [{"URI-REPLACEMENT": 3}], [{"URI-REPLACEMENT": {"PARAMS": {"a": "b" * 9000}}}]]
)
def test_copies_that_are_none_are_left_out(clones: object) -> None:
    assert document(**{"PATHWAY-PRIORITY": ["one"], "PATHWAY-CLONES": clones}) == {"PATHWAY-PRIORITY": ["one"]}
