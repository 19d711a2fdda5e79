"""What people are called: names cleaned of tricks, and friendly ones for those who gave none."""

from __future__ import annotations

import random
import unicodedata
from typing import Final

MAX_LENGTH: Final = 40

# Characters that turn text around or take no space: they would let one person pass for another.
_TRICKS: Final = frozenset(
    "\u200b\u200e\u200f\u2060\ufeff\u061c" + "".join(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
)
_DROPPED: Final = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})

_MOODS: Final = (
    "Amber", "Brave", "Calm", "Clever", "Cosy", "Curious", "Eager", "Gentle", "Golden", "Happy", "Hazel", "Jolly",
    "Kind", "Lively", "Lucky", "Mellow", "Merry", "Misty", "Nimble", "Quiet", "Silver", "Sunny", "Swift", "Witty",
)  # fmt: skip
_ANIMALS: Final = (
    "Badger", "Beaver", "Crane", "Dolphin", "Falcon", "Ferret", "Finch", "Fox", "Gecko", "Heron", "Ibex", "Koala",
    "Lemur", "Lynx", "Marten", "Otter", "Owl", "Panda", "Puffin", "Raven", "Robin", "Seal", "Tern", "Wombat",
)  # fmt: skip


def clean_name(text: str) -> str:
    """`text` without control and direction characters, spaces collapsed, at most 40 characters; '' if nothing shows."""
    normal = unicodedata.normalize("NFC", " ".join(text.split()))
    kept = "".join(c for c in normal if c not in _TRICKS and unicodedata.category(c) not in _DROPPED)
    name = " ".join(kept.split())[:MAX_LENGTH].strip()
    return name if any(unicodedata.category(c)[0] in "LNPS" for c in name) else ""


def friendly_name() -> str:
    """A name for somebody who gave none."""
    return f"{random.choice(_MOODS)} {random.choice(_ANIMALS)}"
