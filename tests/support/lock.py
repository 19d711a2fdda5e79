"""What keeps strangers out of a Redis: certificates on both sides, users and passwords."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

# Those who keep the servers, and the services, which may do what docs/redis.md lets them.
KEEPER: Final = "keeper"
KEEPER_PASSWORD: Final = "k33per"
USER: Final = "rooms"
PASSWORD: Final = "p@ss/word"
RIGHTS: Final = "~{prefix}:* ~arq:* &{prefix}:* +@all -@admin -@dangerous +info +role"
# The same services at the sentinels.
WATCHER: Final = "watcher"
WATCHER_PASSWORD: Final = "w4tch"
WATCHER_RIGHTS: Final = "&* -@all +ping +subscribe +sentinel|master"


@dataclass(frozen=True, slots=True)
class Lock:
    """Files of an authority of its own in `folder`; `prefix` is that of the keys that the services may touch."""

    folder: Path
    prefix: str

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def files(self) -> Mapping[str, str]:
        """By the names that redis-py and our addresses use."""
        return {
            "ssl_ca_certs": str(self.ca_file),
            "ssl_certfile": str(self.folder / "cert.pem"),
            "ssl_keyfile": str(self.folder / "key.pem"),
        }

    @property
    def query(self) -> str:
        """The end of an address."""
        return urlencode(self.files)

    @property
    def credentials(self) -> str:
        """The services' user and password, as an address has them."""
        return f"{USER}:{quote(PASSWORD, safe='')}@"

    def config(self, *, is_sentinel: bool) -> str:
        """Lines of a server's or a sentinel's configuration file."""
        files = self.files
        if is_sentinel:
            user = f"user {WATCHER} on >{WATCHER_PASSWORD} {WATCHER_RIGHTS}"
        else:
            user = f"user {USER} on >{PASSWORD} {RIGHTS.format(prefix=self.prefix)}"
        return "\n".join(
            (
                "port 0",
                f"tls-cert-file {files['ssl_certfile']}",
                f"tls-key-file {files['ssl_keyfile']}",
                f"tls-ca-cert-file {files['ssl_ca_certs']}",
                "tls-auth-clients yes",
                "tls-replication yes",
                "user default off",
                f"user {KEEPER} on >{KEEPER_PASSWORD} ~* &* +@all",
                user,
                "",
            )
        )

    def client_options(self) -> dict[str, Any]:
        """For redis-py, as a keeper."""
        return {"ssl": True, "username": KEEPER, "password": KEEPER_PASSWORD, **self.files}

    def tool_arguments(self) -> list[str]:
        """For redis-cli, as a keeper."""
        files = self.files
        return [
            "--tls", "--cacert", files["ssl_ca_certs"], "--cert", files["ssl_certfile"], "--key", files["ssl_keyfile"],
            "--user", KEEPER, "--pass", KEEPER_PASSWORD, "--no-auth-warning",
        ]  # fmt: skip


def make_lock(folder: Path, prefix: str) -> Lock:
    """Make an authority, and a certificate of 127.0.0.1 for servers and clients alike."""
    authority, certified = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _name("authority of the tests")
    root = _certificate(issuer, issuer, authority.public_key()).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    root = root.add_extension(usage, critical=True)
    root = root.add_extension(x509.SubjectKeyIdentifier.from_public_key(authority.public_key()), critical=False)
    leaf = _certificate(_name("127.0.0.1"), issuer, certified.public_key()).add_extension(
        x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
    )
    leaf = leaf.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False
    )
    folder.mkdir(parents=True, exist_ok=True)
    for name, made in (("ca.pem", root), ("cert.pem", leaf)):
        (folder / name).write_bytes(made.sign(authority, hashes.SHA256()).public_bytes(Encoding.PEM))
    key = certified.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(key)
    return Lock(folder, prefix)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + 2 * day)
    )
