"""How a connection to Redis is secured."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

# The names are redis-py's, so that an address that works there works here.
OPTIONS: Final = frozenset(("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_check_hostname"))
_NO: Final = frozenset(("0", "no", "false", "off"))


@dataclass(frozen=True, slots=True)
class Tls:
    """Files are PEM. `ca_file` says whom to believe ('' is whom the system does); `cert_file` and `key_file` are what
    we prove ourselves with, '' if nobody asks. Without `checks_host` a certificate may name another host than the one
    that we connect to.
    """

    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    checks_host: bool = True

    def pool_options(self) -> dict[str, Any]:
        """The same for redis-py."""
        return {
            "ssl_ca_certs": self.ca_file or None,
            "ssl_certfile": self.cert_file or None,
            "ssl_keyfile": self.key_file or None,
            "ssl_check_hostname": self.checks_host,
        }


def read_tls(options: Mapping[str, str]) -> Tls:
    """What the options of a `rediss…` address say.

    :raises ValueError: if there is a certificate without its key, or a key without its certificate.
    """
    cert_file, key_file = options.get("ssl_certfile", ""), options.get("ssl_keyfile", "")
    if bool(cert_file) != bool(key_file):
        raise ValueError("ssl_certfile and ssl_keyfile go together")
    checks_host = options.get("ssl_check_hostname", "yes").lower() not in _NO
    return Tls(options.get("ssl_ca_certs", ""), cert_file, key_file, checks_host)


@cache
def context_of(tls: Tls) -> ssl.SSLContext:
    """For connections of our own.

    :raises OSError: if a file can't be read.
    """
    context = ssl.create_default_context(cafile=tls.ca_file or None)
    context.check_hostname = tls.checks_host
    if tls.cert_file:
        context.load_cert_chain(tls.cert_file, tls.key_file)
    return context
