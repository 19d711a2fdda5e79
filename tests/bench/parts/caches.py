"""Who is measured beside our proxy: caches as their documentation starts them, in front of the same origin."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from services.common.keyring import KeyRing
from services.common.stream import Kind, StreamRef, StreamSigner, expiry, object_id
from tests.bench.parts.contestants import MissingError
from tests.bench.parts.processes import tree
from tests.support.node import SECRET, Node, free_port

MEDIAFLOW: Final = "mediaflow-proxy==2.4.9"
_START_TIMEOUT_S: Final = 60.0
_SIGNER: Final = StreamSigner(KeyRing((SECRET,)))
_NGINX: Final = """
{user}worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error;
events {{ worker_connections 4096; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  proxy_cache_path {folder}/cache keys_zone=z:10m max_size=20g use_temp_path=off;
  server {{
    listen 127.0.0.1:{port};
    proxy_http_version 1.1; proxy_set_header Connection "";
    location /passed {{ proxy_pass {origin}; }}
    location / {{
      slice 1m; proxy_cache z; proxy_cache_lock on; proxy_cache_key $uri$args$slice_range;
      proxy_set_header Range $slice_range; proxy_cache_valid 200 206 1h; proxy_ignore_headers Cache-Control;
      proxy_pass {origin};
    }}
  }}
}}
"""
# Debian's, told to keep what the origin calls `no-cache`, as the others are.
_VARNISH: Final = """
vcl 4.1;
backend origin {{ .host = "{host}"; .port = "{port}"; }}
sub vcl_backend_response {{ unset beresp.http.Cache-Control; set beresp.ttl = 1h; set beresp.do_stream = true; }}
"""


@dataclass(frozen=True, slots=True)
class Cache:
    """One contestant. `path` makes the path and query that it answers with what is at a link of the origin."""

    name: str
    port: int
    root: int
    path: Callable[[str], str]
    # The tier of ours that is measured, as X-Cache calls it; '' where there is one only.
    tier: str = ""
    is_ours: bool = False

    @property
    def pids(self) -> list[int]:
        """Its processes, as they are now."""
        return tree(self.root)


def ours(name: str, node: Node, tier: str) -> Cache:
    """A proxy of ours that runs."""
    assert node.process is not None

    def path(link: str) -> str:
        return _SIGNER.path(StreamRef(link, Kind.SEGMENT, object_id(link), "", expiry(time.time())))

    return Cache(name, node.port, node.process.pid, path, tier, is_ours=True)


@contextlib.contextmanager
def nginx(folder: Path, origin: str) -> Iterator[Cache]:
    """nginx with slices of 1 MB, a cache on disk and its lock.

    :raises MissingError: if it is not installed.
    """
    port = free_port()
    (folder / "conf").write_text(_NGINX.format(user=nginx_user(), folder=folder, port=port, origin=origin))
    command = [found("nginx", "nginx-light"), "-c", str(folder / "conf"), "-p", str(folder)]
    with running("nginx", command, folder, port) as pid:
        yield Cache("nginx", port, pid, _path_of)


@contextlib.contextmanager
def varnish(folder: Path, origin: str) -> Iterator[Cache]:
    """Varnish with a cache in memory. It speaks no TLS to origins.

    :raises MissingError: if it is not installed, or the origin speaks TLS.
    """
    scheme, _, address = origin.partition("://")
    if scheme != "http":
        raise MissingError("varnish speaks no TLS to origins")
    host, _, number = address.partition(":")
    port = free_port()
    (folder / "vcl").write_text(_VARNISH.format(host=host, port=number))
    listen = ["-F", "-j", "none", "-a", f"127.0.0.1:{port}", "-T", "none", "-n", str(folder / "work")]
    command = [found("varnishd", "varnish"), *listen, "-f", str(folder / "vcl"), "-s", "malloc,2g"]
    with running("varnish", command, folder, port) as pid:
        yield Cache("varnish", port, pid, _path_of)


@contextlib.contextmanager
def mediaflow(folder: Path, authority: Path | None = None) -> Iterator[Cache]:
    """mediaflow-proxy, one worker on uvloop; uv installs it, once, into a folder of its own.

    :param authority: the certificate that the origin's is signed with.
    :raises MissingError: if it can't be installed or does not start.
    """
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    serve = ["python", "-m", "uvicorn", "mediaflow_proxy.main:app", "--log-level", "warning", "--loop", "uvloop"]
    install = [uv, "run", "--no-project", "--isolated", "--quiet", "--with", MEDIAFLOW, "--with", "uvloop"]
    try:
        subprocess.run(
            [*install, "python", "-c", "import mediaflow_proxy"], check=True, capture_output=True, cwd=folder
        )
    except (subprocess.CalledProcessError, OSError) as error:
        said = (getattr(error, "stderr", b"") or str(error).encode()).decode(errors="replace").strip()[-300:]
        raise MissingError(f"{MEDIAFLOW} can't be installed: {said}") from None
    port = free_port()
    environment = {"API_PASSWORD": "x", **({"SSL_CERT_FILE": str(authority)} if authority else {})}
    # What it was installed with is at hand now, and need not be fetched past a certificate of our own.
    command = [*install, "--offline", *serve, "--port", str(port)]
    with running("mediaflow-proxy", command, folder, port, environment) as pid:
        yield Cache("mediaflow", port, pid, lambda link: f"/proxy/stream?api_password=x&d={quote(link, safe='')}")


def nginx_user() -> str:
    """The directive that lets nginx' workers into our folders: started by root, they would be somebody else's."""
    return "user root; " if os.geteuid() == 0 else ""


def peer_versions() -> dict[str, str]:
    """What of the others is here."""
    versions = {"mediaflow-proxy": MEDIAFLOW.partition("==")[2]}
    for name, program, flag in (("nginx", "nginx", "-v"), ("Varnish", "varnishd", "-V")):
        with contextlib.suppress(MissingError):
            said = subprocess.run([found(program, ""), flag], capture_output=True, text=True, check=False)
            number = re.search(r"\d+\.\d+(\.\d+)?", said.stdout + said.stderr)
            versions |= {name: number[0]} if number else {}
    return versions


def found(program: str, package: str) -> str:
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        raise MissingError(f"{program} is not installed: sudo apt install {package}")
    return found


@contextlib.contextmanager
def running(
    name: str, command: list[str], folder: Path, port: int, environment: dict[str, str] | None = None
) -> Iterator[int]:
    """A program that listens at `port`, by its process id.

    :raises MissingError: with the end of its log, if it does not come to that.
    """
    log = folder / "log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            command, cwd=folder, stdout=written, stderr=written, env={**os.environ, **(environment or {})}
        )
    try:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise MissingError(f"{name} did not start: {log.read_text(errors='replace')[-500:]}")
            time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5):
            return True
    except OSError:
        return False


def _path_of(link: str) -> str:
    return "/" + link.partition("://")[2].partition("/")[2]
