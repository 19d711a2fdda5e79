"""Which code and sentence people get for what yt-dlp raises."""

from __future__ import annotations

import pytest

from services.common.errors import Refused, Unavailable, http_status
from services.resolver.errors import RULES, UNKNOWN, Failure, classify, ttl_s

EXTRACTOR = ["DownloadError", "ExtractorError", "YoutubeDLError"]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (
            "ERROR: [youtube] x: Sign in to confirm you’re not a bot. Use --cookies for the authentication",
            "sign_in_required",
        ),
        ("ERROR: [youtube] x: Sign in to confirm your age. This video may be inappropriate", "sign_in_required"),
        ("ERROR: [youtube] x: Join this channel to get access to members-only content", "sign_in_required"),
        ("ERROR: [vimeo] 1: This video is only available for registered users", "sign_in_required"),
        ("ERROR: [x] 1: This video is protected by a password, use the --video-password option", "sign_in_required"),
        ("ERROR: [youtube] x: Private video. Sign in if you've been granted access to this video", "private"),
        ("ERROR: [vk] x: This video is private", "private"),
        ("ERROR: [youtube] x: The uploader has not made this video available in your country", "geo_blocked"),
        ("ERROR: [x] 1: This video is not available from your location due to geo restriction", "geo_blocked"),
        ("ERROR: [x] 1: This video is DRM protected", "drm"),
        ("ERROR: [youtube] x: This live event will begin in 2 hours.", "live_not_started"),
        ("ERROR: [youtube] x: Premieres in 5 minutes", "live_not_started"),
        ("ERROR: [twitch:stream] x: The channel is not currently live", "live_not_started"),
        ("ERROR: [generic] Unsupported URL: https://example.com/", "unsupported"),
        ("ERROR: [x] 1: No video formats found!; please report this issue on  https://github.com/", "unsupported"),
        ("ERROR: [x] 1: Requested format is not available. Use --list-formats for a list", "unsupported"),
        ("ERROR: [x] 1: Unable to download webpage: The read operation timed out (caused by x)", "timeout"),
    ],
)
def test_messages_have_codes(message: str, code: str) -> None:
    assert classify(Failure(EXTRACTOR, message, expected=True)).code == code


@pytest.mark.parametrize(
    ("kinds", "status", "code"),
    [
        (["DownloadError", "GeoRestrictedError"], None, "geo_blocked"),
        (["DownloadError", "UserNotLive"], None, "live_not_started"),
        (["DownloadError", "UnsupportedError"], None, "unsupported"),
        (["EmptyPlaylist"], None, "unsupported"),
        (["DownloadError", "HTTPError"], 401, "sign_in_required"),
        (["DownloadError", "HTTPError"], 451, "geo_blocked"),
        (["DownloadError", "HTTPError"], 404, "unavailable"),
        (["DownloadError", "HTTPError"], 429, "unavailable"),
        (["DownloadError", "HTTPError"], 504, "timeout"),
        (["DownloadError", "TransportError"], None, "unavailable"),
        (["DeadlineExceeded"], None, "timeout"),
        (["MemoryError"], None, "unavailable"),
        (["Crashed"], None, "unavailable"),
        (["KeyError"], None, "unavailable"),
    ],
)
def test_exceptions_and_statuses_have_codes(kinds: list[str], status: int | None, code: str) -> None:
    assert classify(Failure(kinds, "", status)).code == code


def test_words_in_the_links_address_mean_nothing() -> None:
    failure = Failure(
        EXTRACTOR, "ERROR: [generic] Unsupported URL: https://example.com/login/private/drm", expected=True
    )
    assert classify(failure).code == "unsupported"


def test_advice_for_a_command_line_means_nothing() -> None:
    message = "ERROR: [x] 1: Something odd; please report this issue on https://github.com/, log in and add cookies"
    assert classify(Failure(EXTRACTOR, message)).message == UNKNOWN


def test_the_sites_own_words_are_passed_on_without_yt_dlps_prefix() -> None:
    error = classify(
        Failure(EXTRACTOR, "ERROR: [youtube] abc: Video unavailable. This video has been removed", expected=True)
    )
    assert error.message == "The site says: Video unavailable. This video has been removed."


def test_words_of_a_bug_are_not_passed_on() -> None:
    assert classify(Failure(["TypeError"], "'NoneType' object is not subscriptable")).message == UNKNOWN


def test_what_may_pass_by_itself_is_unavailable_and_forgotten_sooner() -> None:
    passing, lasting = classify(Failure(["DeadlineExceeded"], "")), classify(Failure([], "This video is private"))
    assert isinstance(passing, Unavailable)
    assert isinstance(lasting, Refused)
    assert 10 <= ttl_s(passing) < ttl_s(lasting) <= 30 < ttl_s(lasting, with_cookies=True)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.code}: {rule.sentence[:30]}")
def test_every_sentence_says_what_happened_and_the_way_out(rule: object) -> None:
    sentence = str(getattr(rule, "sentence", ""))
    assert sentence.count(".") >= 2
    assert len(sentence) <= 140


def test_codes_have_statuses_a_client_can_act_on() -> None:
    assert http_status(classify(Failure([], "This video is private"))) == 400
    assert http_status(classify(Failure([], "Sign in to watch"))) == 401
    assert http_status(classify(Failure(["DeadlineExceeded"], ""))) == 504
