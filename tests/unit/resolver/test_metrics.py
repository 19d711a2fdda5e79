"""Labels of the resolver's instruments."""

from __future__ import annotations

import pytest

from services.resolver.metrics import site_of


@pytest.mark.parametrize(
    ("host", "site"),
    [
        ("www.youtube.com", "youtube"),
        ("YouTu.be", "youtube"),
        ("clips.twitch.tv", "twitch"),
        ("nottwitch.tv", "other"),
        ("youtube.com.evil.example", "other"),
        ("", "other"),
    ],
)
def test_whatever_is_pasted_becomes_one_of_a_few_labels(host: str, site: str) -> None:
    assert site_of(host) == site
