import pytest

from services.common.config import CommonSettings, SettingsError, load
from services.common.tls import Tls
from services.common.topology import Address, parse_topology


def test_a_plain_url_names_one_server() -> None:
    topology = parse_topology("redis://ana:s%40cret@cache:6380/2")
    assert (topology.kind, topology.addresses, topology.db) == ("server", (Address("cache", 6380),), 2)
    assert (topology.username, topology.password) == ("ana", "s@cret")


def test_a_socket_is_an_address_by_its_path() -> None:
    assert parse_topology("unix:///run/redis.sock?db=1").addresses == (Address("", 0, "/run/redis.sock"),)


def test_a_sentinel_url_names_sentinels_service_and_database() -> None:
    topology = parse_topology("redis+sentinel://:secret@s1:26379,s2,[::1]:7/rooms/3")
    assert topology.kind == "sentinel"
    assert topology.addresses == (Address("s1", 26379), Address("s2", 26379), Address("::1", 7))
    assert (topology.service, topology.db, topology.password) == ("rooms", 3, "secret")


def test_sentinels_have_credentials_of_their_own() -> None:
    topology = parse_topology("rediss+sentinel://u:p@s1/rooms?sentinel_password=other")
    assert (topology.tls, topology.password, topology.sentinel_password) == (Tls(), "p", "other")


def test_certificates_are_named_as_redis_py_names_them() -> None:
    files = "ssl_ca_certs=/ca.pem&ssl_certfile=/cert.pem&ssl_keyfile=/key.pem"
    topology = parse_topology(f"rediss+cluster://a:7000?{files}&ssl_check_hostname=no")
    assert topology.tls == Tls("/ca.pem", "/cert.pem", "/key.pem", checks_host=False)


def test_certificates_that_are_not_there_are_told_at_the_start() -> None:
    with pytest.raises(SettingsError, match=r"WT_REDIS_URL.*certificates.*No such file"):
        load(CommonSettings, {"WT_REDIS_URL": "rediss://cache?ssl_ca_certs=/nowhere/ca.pem"})


def test_a_cluster_url_names_some_nodes() -> None:
    topology = parse_topology("redis+cluster://a:7000,b:7001")
    assert (topology.kind, topology.addresses) == ("cluster", (Address("a", 7000), Address("b", 7001)))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://cache",
        "redis+sentinel://s1:26379",
        "redis+sentinel://s1:26379/rooms/zero",
        "redis+cluster://a:7000/1",
        "redis://a:6379,b:6379/0",
        "redis://a:port/0",
        "redis://a?ssl_ca_certs=/ca.pem",
        "redis://a?client_name=me",
        "rediss://a?ssl_certfile=/cert.pem",
    ],
)
def test_a_url_that_names_nothing_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_topology(url)


def test_passwords_are_not_shown() -> None:
    shown = repr(parse_topology("redis+sentinel://u:secret@s1/rooms?sentinel_password=secret2"))
    assert "secret" not in shown


def test_jobs_on_a_cluster_are_refused_at_start() -> None:
    with pytest.raises(SettingsError, match="WT_JOBS_REDIS_URL"):
        load(CommonSettings, {"WT_REDIS_URL": "redis+cluster://a:7000"})
    with pytest.raises(SettingsError, match="WT_JOBS_REDIS_URL"):
        load(CommonSettings, {"WT_JOBS_REDIS_URL": "redis+cluster://a:7000"})


def test_rooms_on_a_cluster_are_welcome_when_jobs_are_elsewhere() -> None:
    settings = load(CommonSettings, {"WT_REDIS_URL": "redis+cluster://a:7000", "WT_JOBS_REDIS_URL": "redis://b"})
    assert settings.jobs_url == "redis://b"
