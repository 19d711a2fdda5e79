"""An origin that speaks TLS and costs little: Debian's nginx with files of zeros."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.parts.caches import found, nginx_user, running
from tests.bench.parts.contestants import MissingError
from tests.support.node import free_port

# One object that may be kept, and one that says nothing by which two parts of it could be told to belong together:
# that one, being too large for memory, is passed on as it comes.
KEPT: Final = "kept.mp4"
PASSED: Final = "passed.mp4"
KEPT_BYTES: Final = 4_000_000
PASSED_BYTES: Final = 32_000_000
_NGINX: Final = """
{user}worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error;
events {{ worker_connections 4096; }}
http {{
  access_log off; sendfile on; keepalive_requests 1000000; types {{ video/mp4 mp4; }}
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{
    listen 127.0.0.1:{port} ssl; root {folder}/files; ssl_certificate {folder}/cert; ssl_certificate_key {folder}/key;
    location /passed {{ etag off; max_ranges 0; add_header Last-Modified ""; }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class TlsOrigin:
    """Where it is, and the certificate by which it is believed."""

    port: int
    certificate: Path

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"127.0.0.1:{self.port}"

    def link(self, name: str, mark: str) -> str:
        """A link that nobody has asked for yet."""
        return f"https://{self.address}/{name}?v={mark}"


@contextlib.contextmanager
def origin(folder: Path) -> Iterator[TlsOrigin]:
    """Serve both objects.

    :raises MissingError: if nginx or openssl is not installed.
    """
    if shutil.which("openssl") is None:
        raise MissingError("openssl is not installed: sudo apt install openssl")
    program = found("nginx", "nginx-light")
    (folder / "files").mkdir()
    for name, size in ((KEPT, KEPT_BYTES), (PASSED, PASSED_BYTES)):
        (folder / "files" / name).write_bytes(bytes(size))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-out", folder / "cert", "-keyout", folder / "key"],
        check=True, capture_output=True,
    )  # fmt: skip
    port = free_port()
    (folder / "conf").write_text(_NGINX.format(user=nginx_user(), folder=folder, port=port))
    with running("the origin with TLS", [program, "-c", str(folder / "conf"), "-p", str(folder)], folder, port):
        yield TlsOrigin(port, folder / "cert")
