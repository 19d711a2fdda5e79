"""The container engine of this machine, where one answers."""

from __future__ import annotations

import os
import socket
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
