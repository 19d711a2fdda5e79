"""Addresses and origins."""

from __future__ import annotations

import pytest
from starlette.types import Scope

from services.common.config import CommonSettings, SettingsError, load
from services.common.net import Caller, TrustedProxies, address_group, origin_allowed, peer_origins

EDGES = TrustedProxies(("10.0.0.0/8", "127.0.0.1", "fd00::/8"))


def scope(client: str, *, scheme: str = "http", **headers: str) -> Scope:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "client": (client, 1), "scheme": scheme, "headers": raw}


def test_a_strangers_forwarded_headers_are_not_believed() -> None:
    caller = EDGES.caller(
        scope("203.0.113.9", host="a.example", x_forwarded_for="1.2.3.4", x_forwarded_proto="https",
              x_forwarded_host="b.example", cf_connecting_ip="1.2.3.4")
    )  # fmt: skip
    assert (caller.address, caller.scheme, caller.host) == ("203.0.113.9", "http", "a.example")


def test_an_edge_names_the_caller() -> None:
    caller = EDGES.caller(
        scope("10.0.0.2", host="inside", x_forwarded_for="203.0.113.9", x_forwarded_proto="https",
              x_forwarded_host="a.example")
    )  # fmt: skip
    assert (caller.address, caller.scheme, caller.host) == ("203.0.113.9", "https", "a.example")
    assert caller.is_secure


def test_the_right_most_hop_that_is_no_edge_counts() -> None:
    assert EDGES.caller(scope("10.0.0.2", x_forwarded_for="6.6.6.6, 203.0.113.9, 10.0.0.7")).address == "203.0.113.9"


def test_a_hop_that_is_no_address_ends_the_walk() -> None:
    assert EDGES.caller(scope("10.0.0.2", x_forwarded_for="6.6.6.6, unknown, 10.0.0.7")).address == "10.0.0.7"


def test_a_chain_of_edges_alone_is_the_farthest_edge() -> None:
    assert EDGES.caller(scope("10.0.0.2", x_forwarded_for="10.0.0.5")).address == "10.0.0.5"


def test_cloudflares_header_counts_only_where_no_hops_were_appended() -> None:
    assert EDGES.caller(scope("10.0.0.2", cf_connecting_ip="203.0.113.9")).address == "203.0.113.9"
    both = scope("10.0.0.2", cf_connecting_ip="6.6.6.6", x_forwarded_for="203.0.113.9")
    assert EDGES.caller(both).address == "203.0.113.9"


def test_an_edge_is_known_by_its_mapped_address() -> None:
    assert EDGES.trusts("::ffff:10.1.2.3")
    assert EDGES.trusts("fd12::1")
    assert not EDGES.trusts("::ffff:203.0.113.9")


def test_a_socket_over_tls_is_secure() -> None:
    assert EDGES.caller(scope("203.0.113.9", scheme="wss")).is_secure


def test_a_network_that_is_none_is_told() -> None:
    with pytest.raises(SettingsError, match="WT_TRUSTED_PROXIES"):
        TrustedProxies(("10.0.0.0/40",))


def test_limits_count_a_whole_ipv6_network_as_one() -> None:
    assert address_group("2001:db8:1:2:3:4:5:6") == address_group("2001:db8:1:2::9")
    assert address_group("2001:db8:1:2::9") != address_group("2001:db8:1:3::9")
    assert address_group("203.0.113.9") == address_group("::ffff:203.0.113.9") == "203.0.113.9"


SETTINGS = CommonSettings(origins=("https://friends.example",))


def asked(host: str, scheme: str = "http") -> Caller:
    """Who called by this name of ours."""
    return Caller("203.0.113.9", scheme, host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "a.example"),
        ("http://a.example", "a.example"),
        ("http://a.example:8000", "a.example:8000"),
        ("https://a.example", "a.example:443"),
        ("http://A.example", "a.example"),
        ("http://[::1]:8000", "[::1]:8000"),
        ("https://friends.example", "a.example"),
    ],
)
def test_our_own_and_configured_origins_may(origin: str | None, host: str) -> None:
    assert origin_allowed(origin, asked(host), SETTINGS)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://evil.example", "a.example"),
        ("http://a.example:8001", "a.example:8000"),
        ("null", "a.example"),
        ("", "a.example"),
        ("http://a.example.evil.example", "a.example"),
        ("http://friends.example", "a.example"),
        ("http://a.example:99999", "a.example"),
        ("file://a.example", "a.example"),
        ("http://a.example", ""),
    ],
)
def test_any_other_origin_may_not(origin: str, host: str) -> None:
    assert not origin_allowed(origin, asked(host), SETTINGS)


PEERS = CommonSettings(peers=(":8000", ":8001", "https://other.example:8443"))


@pytest.mark.parametrize("host", ["a.example:8000", "192.168.1.5:8001", "localhost"])
def test_pages_of_every_replica_may_by_whichever_name_this_machine_is_opened(host: str) -> None:
    name = host.partition(":")[0]
    for origin in (f"http://{name}:8000", f"http://{name}:8001", "https://other.example:8443"):
        assert origin_allowed(origin, asked(host), PEERS)


@pytest.mark.parametrize(
    "origin",
    [
        "http://a.example:8002",
        "http://evil.example:8001",
        "https://a.example:8001",
        "http://a.example:8001.evil.example",
        "https://other.example",
        "http://other.example:8443",
        "http://a.example:80010",
        ":8001",
    ],
)
def test_nobody_is_taken_for_a_replica_who_is_none(origin: str) -> None:
    assert not origin_allowed(origin, asked("a.example:8000"), PEERS)


@pytest.mark.parametrize("host", ["", "a.example; script-src *", "[::1]:8000", "[", "a b", "a.example, b"])
def test_a_host_that_is_no_name_lends_its_ports_to_nobody(host: str) -> None:
    assert peer_origins(asked(host), PEERS) == ("https://other.example:8443",)


def test_the_port_that_everybody_knows_is_no_part_of_an_origin() -> None:
    settings = CommonSettings(peers=(":443", ":8443", "https://other.example:443", "http://plain.example:80"))
    assert peer_origins(asked("a.example", "https"), settings) == (
        "https://a.example",
        "https://a.example:8443",
        "https://other.example",
        "http://plain.example",
    )


def test_where_replicas_are_is_read_in_both_forms() -> None:
    environ = {"WT_PEERS": "https://A.example:8001/, :8000,http://[::1]:8002"}
    assert load(CommonSettings, environ).peers == ("https://a.example:8001", ":8000", "http://[::1]:8002")


@pytest.mark.parametrize(
    "address",
    [
        "a.example",
        ":0",
        ":70000",
        ":",
        "https://",
        "https://a.example/path",
        "ftp://a.example",
        "https://me@a.example",
        "8001",
    ],
)
def test_where_no_replica_can_be_is_told(address: str) -> None:
    with pytest.raises(SettingsError, match="WT_PEERS"):
        load(CommonSettings, {"WT_PEERS": f":8000,{address}"})
