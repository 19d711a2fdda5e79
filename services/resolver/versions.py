"""Which yt-dlp this is, and how old."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, version


@dataclass(frozen=True, slots=True)
class Versions:
    """Installed versions; '' for what is missing."""

    ytdlp: str
    ejs: str
    provider_plugin: str

    def age_days(self, today: date) -> int | None:
        """How old this yt-dlp is: its version is its date. None if it isn't."""
        found = re.match(r"(\d{4})\.(\d{1,2})\.(\d{1,2})", self.ytdlp)
        if found is None:
            return None
        try:
            return (today - date(*map(int, found.groups()))).days
        except ValueError:
            return None


def installed() -> Versions:
    """What is installed here."""
    return Versions(_version("yt-dlp"), _version("yt-dlp-ejs"), _version("bgutil-ytdlp-pot-provider"))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
