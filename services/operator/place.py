"""Where an installation keeps things: from `WT_…` variables, or from the data folder of a running `make up`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import quote

from services.common.config import CommonSettings, SettingsError
from services.common.keyring import LOCAL_SECRET, KeyRing, load_keyring

# The settings of `make up`'s own server, written at each of its starts.
EMBEDDED: Final = Path("redis") / "valkey.conf"


def found(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` with `WT_REDIS_URL`: unless it is set, that of the embedded server in the data folder, if there is one.

    :raises SettingsError: if the folder belongs to somebody else.
    """
    known = dict(environ)
    if known.get("WT_REDIS_URL"):
        return known
    path = Path(known.get("WT_DATA_DIR") or CommonSettings.data_dir) / EMBEDDED
    try:
        known["WT_REDIS_URL"] = embedded_url(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known.pop("WT_REDIS_URL", None)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise SettingsError([f"{path}: {reason}; set WT_REDIS_URL, or ask as who runs `make up`"]) from None
    return known


def embedded_url(text: str) -> str:
    """The address of a server, by its settings.

    :raises ValueError: if they name no port.
    """
    port = re.search(r"^port (\d+)$", text, re.MULTILINE)
    password = re.search(r"^requirepass (\S+)$", text, re.MULTILINE)
    if port is None:
        raise ValueError("it names no port")
    return f"redis://:{quote(password[1] if password else '', safe='')}@127.0.0.1:{port[1]}/0"


def keyring(settings: CommonSettings) -> KeyRing:
    """The installation's secrets: those of the settings, else the ones in the data folder.

    :raises SettingsError: if there are none.
    """
    local = settings.data_dir / LOCAL_SECRET
    if not settings.secret and not settings.secret_file and local.is_file():
        settings = replace(settings, secret_file=str(local))
    # `load_keyring` waits for a file that others are about to make: here nobody is.
    if not settings.secret and settings.secret_file and not Path(settings.secret_file).exists():
        raise SettingsError([f"WT_SECRET_FILE={settings.secret_file!r}: there is no such file"])
    return load_keyring(settings)
