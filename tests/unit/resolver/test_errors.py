"""Which code and sentence people get for what yt-dlp raises."""

from __future__ import annotations

import pytest
from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.utils import ExtractorError

from services.common.errors import Refused, Unavailable, http_status
from services.resolver.errors import RULES, UNKNOWN, Failure, blames_site, classify, may_mend, ttl_s

EXTRACTOR = ["DownloadError", "ExtractorError", "YoutubeDLError"]
# yt-dlp's own, at the end of whatever an extractor says about a missing account.
ACCOUNT = ". Use --cookies, --cookies-from-browser, --username and --password, --netrc-cmd, or --netrc (x) to provide "
BOT_WALL = "The site refused to show this video to the server. Sharing the cookies of your account may help."
TOO_MANY = "The site refused us for now: too many requests. Try again in some minutes."


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
        ("ERROR: [youtube] x: This video is available to this channel's members on level: Fan", "sign_in_required"),
        ("ERROR: [youtube] x: This video requires payment to watch", "sign_in_required"),
        ("ERROR: [youtube] x: This video is only available to Music Premium members", "sign_in_required"),
        (f"ERROR: [twitter] 1: You are not authorized to view this protected tweet{ACCOUNT}", "sign_in_required"),
        (f"ERROR: [afreecatv] 1: Only users older than 19 are able to watch this video{ACCOUNT}", "sign_in_required"),
        (f"ERROR: [Instagram] x: This content is unreachable{ACCOUNT}", "sign_in_required"),
        (f"ERROR: [Teachable] x: Lecture contents locked{ACCOUNT}", "sign_in_required"),
        ("ERROR: [hotstar] 1: Your account does not have access to this content", "sign_in_required"),
        ("ERROR: [kuwo:song] 1: This song is blocked in this region", "geo_blocked"),
        ("ERROR: [Youku] x: Youku said: Sorry, this video is available in China only", "geo_blocked"),
        ("ERROR: [twitter] 1: This live broadcast has not yet started", "live_not_started"),
        ("ERROR: [youtube] x: Premiere will begin shortly", "live_not_started"),
        ("ERROR: [tver] x: This program is scheduled to start at 2026-12-01 20:00 JST", "live_not_started"),
        ("ERROR: [goodgame] x: User is offline", "live_not_started"),
        ("ERROR: [Instagram] x: There is no video in this post", "unsupported"),
        ("ERROR: [rtve] x: The webpage doesn't contain any video", "unsupported"),
        ("ERROR: [TikTok] 1: Unable to extract challenge data; please report this issue on  https://x", "unavailable"),
        # A name, an id or a language says nothing of what went wrong.
        ("ERROR: [premium] private-login: Video unavailable", "unavailable"),
        ("ERROR: [arte] 1: Video is not available in this language edition of Arte", "unavailable"),
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


def test_what_yt_dlp_says_of_a_missing_account_is_a_sign_in_that_cookies_may_mend() -> None:
    with pytest.raises(ExtractorError) as raised:
        InfoExtractor().raise_login_required("Nothing to see here")
    error = classify(Failure(EXTRACTOR, str(raised.value), expected=True))
    assert (error.code, may_mend(error)) == ("sign_in_required", True)


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        (
            "ERROR: [youtube] x: This content isn't available, try again later. The current session has been "
            "rate-limited by YouTube for up to an hour. It is recommended to use `-t sleep` to add a delay",
            TOO_MANY,
        ),
        ("ERROR: [BiliBili] 1: Request is blocked by server (412), please wait and try later.", TOO_MANY),
        ("ERROR: [youtube] x: All player responses are invalid. Your IP is likely being blocked by Youtube", BOT_WALL),
        ("ERROR: [youtube] x: Video unavailable. YouTube is requiring a captcha challenge before playback", BOT_WALL),
        ("ERROR: [TikTok] 1: Your IP address is blocked from accessing this post", BOT_WALL),
        (
            'ERROR: [generic] Got HTTP Error 403 caused by Cloudflare anti-bot challenge; try again with  "x"',
            BOT_WALL,
        ),
    ],
)
def test_a_site_that_has_enough_of_the_server_is_asked_with_other_cookies(message: str, sentence: str) -> None:
    error = classify(Failure(EXTRACTOR, message, expected=True))
    assert (error.code, error.message, may_mend(error)) == ("unavailable", sentence, True)
    assert blames_site(error) == (sentence == TOO_MANY)


def test_a_broadcast_that_is_over_is_not_waited_for() -> None:
    error = classify(Failure(EXTRACTOR, "ERROR: [tiktok:live] x: This livestream has ended", expected=True))
    assert error.code == "unavailable"
    assert error.message.startswith("This live stream has ended.")


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
