"""Redis behind TLS and a password: commands and subscription alike."""

from __future__ import annotations

import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest
from redis.asyncio import Redis

from tests.support.member import Member
from tests.support.node import Node
from tests.support.redis import RedisServer, binary, free_port

pytestmark = pytest.mark.skipif(binary("redis") is None, reason="redis-server is not installed")

USER, PASSWORD = "rooms", "p@ss/word"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Certificate and key of 127.0.0.1, which trusts itself."""
    folder = tmp_path_factory.mktemp("tls")
    made = (folder / "cert.pem", folder / "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-out", made[0], "-keyout", made[1]],
        check=True, capture_output=True,
    )  # fmt: skip
    return made


def tls(port: int, certificate: tuple[Path, Path]) -> tuple[str, ...]:
    cert, key = map(str, certificate)
    return (
        "--tls-port", str(port), "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert,
        "--tls-auth-clients", "no",
    )  # fmt: skip


async def test_a_room_lives_in_a_redis_that_wants_tls_and_a_password(
    certificate: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    port = free_port()
    users = f"user {USER} on >{PASSWORD} ~* &* +@all\n"
    with RedisServer(flavour="redis", config=users, options=tls(port, certificate)) as server:
        url = f"rediss://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{port}/0"
        with Node("services.sync", tmp_path / "log", settings={"WT_REDIS_URL": url}) as node:
            async with Member(node.url, "film", "Ana") as ana, Member(node.url, "film", "Ben") as ben:
                await ana.expect("room_state")
                await ben.expect("room_state")
                await ana.ask("chat", text="hello")
                await ben.expect("chat")
                async with Redis.from_url(server.url, decode_responses=True) as client:
                    users_of = {
                        each["user"]
                        for each in await client.client_list()
                        if each["addr"] and each["cmd"] != "client|list"
                    }
        assert users_of == {USER}
