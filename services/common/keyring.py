"""The installation's secret, and one subkey for each purpose it serves."""

from __future__ import annotations

import argparse
import base64
import secrets
import sys
import time
from pathlib import Path
from typing import Literal, get_args

import structlog
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.common.config import CommonSettings, SettingsError

Purpose = Literal["session", "stream", "cookies", "peer", "extension", "address"]

# Of a rotation, in this order.
Step = Literal["add", "lead", "drop"]

LOCAL_SECRET = "secret"
SECRET_WAIT_S = 10.0

log = structlog.get_logger(__name__)


class KeyRing:
    """Subkeys of a list of secrets: the first makes, all are accepted, so that secrets can be rotated."""

    def __init__(self, secrets_: tuple[str, ...]) -> None:
        """:raises ValueError: if there is no secret, or one is shorter than 16 characters."""
        if not secrets_ or any(len(secret) < 16 for secret in secrets_):
            raise ValueError("a secret needs at least 16 characters")
        self._secrets = secrets_

    def __repr__(self) -> str:
        return f"KeyRing({len(self._secrets)} secrets)"

    def subkeys(self, purpose: Purpose) -> list[bytes]:
        """The 32-byte keys of `purpose`, the making one first (HKDF-SHA256, RFC 5869)."""
        return [
            HKDF(SHA256(), 32, salt=None, info=f"watch-together:{purpose}".encode()).derive(secret.encode())
            for secret in self._secrets
        ]

    def fernet(self, purpose: Purpose) -> MultiFernet:
        """Authenticated encryption under `purpose`."""
        return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in self.subkeys(purpose)])


class Seal:
    """Authenticated encryption of records at rest, under the ring's subkeys for one purpose."""

    def __init__(self, ring: KeyRing, purpose: Purpose) -> None:
        self._all = ring.fernet(purpose)
        self._newest = Fernet(base64.urlsafe_b64encode(ring.subkeys(purpose)[0]))

    def close(self, content: bytes) -> bytes:
        """Encrypt under the newest key."""
        return self._newest.encrypt(content)

    def open(self, sealed: bytes) -> bytes | None:
        """Decrypt; None if no key of the ring fits, or the record was changed."""
        try:
            return self._all.decrypt(sealed)
        except InvalidToken:
            return None

    def is_old(self, sealed: bytes) -> bool:
        """Whether a record that `open` reads should be written again, because its key is to go."""
        try:
            self._newest.decrypt(sealed)
        except InvalidToken:
            return True
        return False


def load_keyring(settings: CommonSettings) -> KeyRing:
    """The ring of `WT_SECRET`, else of `WT_SECRET_FILE`.

    :raises SettingsError: if neither is set, the file can't be read, or a secret is too short.
    """
    found = settings.secret
    if not found and settings.secret_file:
        path = Path(settings.secret_file)
        _wait_for(path)
        try:
            found = _secrets_in(path)
        except OSError as error:
            raise SettingsError([f"WT_SECRET_FILE={settings.secret_file!r}: {error.strerror}"]) from None
    if not found:
        raise SettingsError(["WT_SECRET or WT_SECRET_FILE is required: `openssl rand -hex 32` makes one"])
    try:
        return KeyRing(found)
    except ValueError as error:
        raise SettingsError([f"WT_SECRET: {error}"]) from None


def local_secret(data_dir: Path) -> str:
    """The secret kept in the data folder of a local installation, made at the first start (mode 0600)."""
    path = data_dir / LOCAL_SECRET
    data_dir.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        _write(path, (_new_secret(),))
    return path.read_text(encoding="utf-8").strip()


def rotate(path: Path, step: Step) -> int:
    """Change a file of secrets by one step of a rotation; every process is started anew between two of them.

    Whoever still has the file of the step before understands all that is made under the next one: so a rotation goes
    through an installation process by process, and nobody notices. Answers how many secrets there are now.

    :raises ValueError: if it is no time for this step.
    """
    known = _secrets_in(path)
    if step == "add":
        changed = (*known, _new_secret())
    elif len(known) < 2:
        raise ValueError("there is one secret only: `add` another one first")
    else:
        changed = (known[-1], *known[:-1]) if step == "lead" else known[:1]
    _write(path, changed)
    return len(changed)


def _wait_for(path: Path) -> None:
    """Whoever makes the secret may have been started beside us."""
    deadline = time.monotonic() + SECRET_WAIT_S
    if not path.exists():
        log.warning("no_secret_yet", file=str(path), seconds=SECRET_WAIT_S)
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.1)


def _new_secret() -> str:
    return secrets.token_hex(32)


def _secrets_in(path: Path) -> tuple[str, ...]:
    content = path.read_text(encoding="utf-8")
    return tuple(part.strip() for part in content.replace("\n", ",").split(",") if part.strip())


def _write(path: Path, found: tuple[str, ...]) -> None:
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(",".join(found), encoding="utf-8")
    fresh.replace(path)


def main(argv: list[str]) -> int:
    """The command: makes an installation's secret where there is none, or rotates it. Gives the exit status."""
    arguments = argparse.ArgumentParser(prog="python -m services.common.keyring", description=main.__doc__)
    arguments.add_argument("folder", type=Path, help="where the file `secret` is")
    arguments.add_argument(
        "step",
        nargs="?",
        choices=get_args(Step),
        help="add: one more, that everybody accepts; lead: it signs from now on; drop: it is the only one",
    )
    options = arguments.parse_args(argv)
    local_secret(options.folder)
    if options.step is not None:
        try:
            count = rotate(options.folder / LOCAL_SECRET, options.step)
        except ValueError as error:
            arguments.error(str(error))
        sys.stdout.write(f"{count} {'secret' if count == 1 else 'secrets'} now: start every process anew\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
