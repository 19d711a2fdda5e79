"""The container engine of this machine, where one answers."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from functools import cache
from typing import Final
from urllib.parse import urlsplit

TIMEOUT_S: Final = 5


@cache
def is_there() -> bool:
    """Whether Docker, or something that speaks its interface, listens. A socket file may outlive its engine."""
    url = urlsplit(os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock")
    try:
        if url.scheme == "unix":
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(TIMEOUT_S)
                connection.connect(url.path)
        else:
            socket.create_connection((url.hostname or "", url.port or 2375), TIMEOUT_S).close()
    except OSError:
        return False
    return True


@cache
def compose() -> tuple[str, ...]:
    """The command that brings compose files up on this machine, or () if there is none."""
    if shutil.which("podman") and shutil.which("podman-compose"):
        # Where no firewall can be set up, a build reaches package indexes only from the machine's own network.
        return ("podman-compose", "--podman-build-args=--network=host --format=docker")
    if shutil.which("docker") and is_there():
        asked = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False, timeout=30)
        if asked.returncode == 0:
            return ("docker", "compose")
    return ()
