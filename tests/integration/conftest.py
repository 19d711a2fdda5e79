"""What tests of rooms on real replicas share."""

from __future__ import annotations

import secrets

import pytest


@pytest.fixture
def room() -> str:
    """A room that nobody was in."""
    return f"room-{secrets.token_hex(4)}"
