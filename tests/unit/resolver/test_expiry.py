"""What URLs say of their own end."""

from __future__ import annotations

import pytest

from services.resolver.expiry import cache_until, earliest_expiry, url_expiry

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("url", "left_s"),
    [
        ("https://r1.googlevideo.com/videoplayback?expire=1700021600&ip=1.2.3.4", 21600),
        ("https://manifest.googlevideo.com/api/manifest/hls_variant/expire/1700021600/ei/x/file/index.m3u8", 21600),
        ("https://cdn.example/v.mp4?Expires=1700000600&Signature=abc&Key-Pair-Id=k", 600),
        ("https://cdn.example/v.mp4?exp=1700000600123", 600.123),
        ("https://akamai.example/v.m3u8?hdnts=st=1699999000~exp=1700000300~acl=/*~hmac=00", 300),
        ("https://vod.example/exp=1700003600~acl=%2Fx%2F~hmac=1/a/video.mp4", 3600),
        ("https://usher.example/x.m3u8?token=%7B%22expires%22%3A1700001200%2C%22a%22%3A1%7D&sig=0", 1200),
        ("https://b.example/k?X-Amz-Date=20231114T221320Z&X-Amz-Expires=900&X-Amz-Signature=s", 900),
        ("https://c.example/v.mp4?expires=1700009000&e=1700000100", 100),
    ],
)
def test_a_url_tells_when_it_expires(url: str, left_s: float) -> None:
    assert url_expiry(url, NOW) == pytest.approx(NOW + left_s)


@pytest.mark.parametrize(
    "url",
    [
        "https://cdn.example/v.mp4",
        "https://cdn.example/v.mp4?expires=soon",
        "https://cdn.example/v.mp4?expired=1700000600",
        "https://cdn.example/1700000600/v.mp4",
        "https://cdn.example/v.mp4?expire=1600000000",
        "https://cdn.example/v.mp4?expire=9999999999",
        "https://cdn.example/v.mp4?expire=170000060012",
        "https://b.example/k?X-Amz-Expires=900",
    ],
)
def test_what_is_no_future_moment_says_nothing(url: str) -> None:
    assert url_expiry(url, NOW) is None


def test_the_first_of_several_streams_to_end_counts() -> None:
    urls = ["https://a/?expire=1700005000", "https://b/", "https://c/?expire=1700003000"]
    assert earliest_expiry(urls, NOW) == 1_700_003_000


@pytest.mark.parametrize(
    ("left_s", "kept_s"),
    [(None, 7200), (6 * 3600, 7200), (3600, 3300), (400, 300), (60, 45), (8, 30)],
)
def test_a_result_is_given_up_before_its_streams_end(left_s: float | None, kept_s: float) -> None:
    ends = None if left_s is None else NOW + left_s
    assert cache_until(ends, NOW, 7200) == NOW + kept_s
