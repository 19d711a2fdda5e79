"""What yt-dlp's failures mean: one table from exception and message to a code, a sentence and the way out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from services.common.errors import Refused, Unavailable, WatchTogetherError

Code = Literal[
    "drm",
    "geo_blocked",
    "live_not_started",
    "private",
    "private_address",
    "sign_in_required",
    "timeout",
    "unavailable",
    "unsupported",
]


class Failure(Struct, frozen=True):
    """How an extraction failed. `kinds` are class names, the outermost exception first; `status` is HTTP's."""

    kinds: list[str]
    message: str
    status: int | None = None
    expected: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A failure of one of `kinds`, or with a message that `pattern` finds, or with `status`, has `code`.

    `advice` is looked for in what yt-dlp adds to a site's words, for people at a command line.
    """

    code: Code
    sentence: str
    pattern: str = ""
    kinds: frozenset[str] = frozenset()
    status: frozenset[int] = frozenset()
    # With other cookies, or without any, the site might have answered otherwise.
    may_mend: bool = False
    advice: str = ""

    def matches(self, failure: Failure, advice: str = "") -> bool:
        """Whether this rule is about `failure`, whose message came with `advice`."""
        if not self.kinds.isdisjoint(failure.kinds) or failure.status in self.status:
            return True
        return _says(failure.message, self.pattern) or _says(advice, self.advice)


def _kinds(*names: str) -> frozenset[str]:
    return frozenset(names)


def _says(text: str, pattern: str) -> bool:
    return bool(pattern) and re.search(pattern, text, re.IGNORECASE) is not None


# In order: the first that matches. "Private video. Sign in if …" is private, a 403 with a country is geo_blocked.
RULES: Final = (
    Rule(
        "unavailable",
        "Opening this link needed more memory than allowed. Try the link of a single video.",
        kinds=_kinds("MemoryError"),
    ),
    Rule(
        "unavailable",
        "Opening this link failed on the server. Try again later, or try another link.",
        kinds=_kinds("Crashed"),
    ),
    Rule(
        "drm",
        "This video is copy-protected (DRM), so it can't be played here. Watch it on its own site.",
        r"\bDRM\b",
    ),
    Rule(
        "geo_blocked",
        "The site doesn't offer this video in the server's country. Try another upload of it.",
        r"geo.?(restrict|block)|not (made )?(this video )?available (in|from) your (country|location|region)"
        r"|in your (country|region|location|area)|from your (location|country|region)|(in|on) this (region|country)"
        r"|available in [\w ]{2,30} only\b|only licensed to users in|decision of the \w+ government",
        _kinds("GeoRestrictedError"),
        frozenset({451}),
    ),
    Rule(
        "unavailable",
        "This live stream has ended. A recording may follow: try again later.",
        r"(live|stream|broadcast|event|space)\w* (has |was |is )?(already )?ended|this live event is over",
    ),
    Rule(
        "live_not_started",
        "This live stream isn't running. Add it again when it has begun.",
        r"live event will begin|premieres? (in|on|at|will|tomorrow)"
        r"|will (begin|start|be available) (in|at|on|soon|after)"
        r"|not (currently )?live|not (yet )?(been )?started|(is|currently|now) offline|hasn.t (yet )?started|^offline"
        r"|scheduled (to (start|begin)|for)|live (stream|event) is upcoming|cannot find on.air",
        _kinds("UserNotLive"),
    ),
    Rule(
        "private",
        "This video is private. Ask its owner to make it public or unlisted.",
        r"private (video|playlist|account|profile)|is (set to )?private|video.{0,20}\bprivate\b",
        may_mend=True,
    ),
    Rule(
        "sign_in_required",
        "This video has a password of its own, which can't be given here. Share cookies of a browser that knows it.",
        r"(video|album|content|livestream).{0,30}pass(word|code).protected|protected by a pass(word|code)"
        r"|password protected video",
        may_mend=True,
    ),
    Rule(
        "sign_in_required",
        "The site wants a sign-in for this video. Share cookies of an account that may see it, or try another link.",
        r"sign.?in\b|signed.in|\blog(ged)?.?in\b|registered users|cookies|confirm your age|age.?(restrict|verif)"
        r"|members?.only|for( \w+)? members|channel.s members|supporter|subscri(be|ber|ption)|pay.?wall|purchase"
        r"|sensitive content|requires? (a )?(payment|rental|ticket)|\bVIP\b|authenticat|password|premium"
        r"|account (does not|doesn.t) have|not authorized|do(es)? not have (access|permission)|older than \d"
        r"|protected tweet|unverified account",
        # Every extractor that misses an account gives this, whatever words it has for that.
        advice=r"--cookies|--username|--ap-mso|--netrc",
        status=frozenset({401}),
        may_mend=True,
    ),
    Rule(
        "unavailable",
        "The site refused us for now: too many requests. Try again in some minutes.",
        r"rate.?limit|too many requests|please wait and try later",
        status=frozenset({429}),
        may_mend=True,
    ),
    Rule(
        "unavailable",
        "The site refused to show this video to the server. Sharing the cookies of your account may help.",
        r"captcha|suspected as a bot|not a (ro)?bot|anti.?bot|client challenge|impersonat|TLS fingerprint"
        r"|\bIP( address)? (is|has been|was) .{0,20}\b(block|bann)|blocked by server|rejected by server"
        r"|IP address is unable to access",
        may_mend=True,
    ),
    Rule(
        "unavailable",
        "This site's page couldn't be understood: it may have changed. Try again later, or try another link.",
        r"unable to extract|failed to (parse|extract)",
        _kinds("RegexNotFoundError"),
    ),
    Rule(
        "unsupported",
        "There is no video behind this link that can be played. Paste the link of the video's own page.",
        r"unsupported url|\bno (active )?(video|media|audio|song|stream|source)s?( content| formats?| metadata|/audio)?"
        r"( in (this|the) \w+| (could be |was |were )?found|$)|is not a valid url|is not a (\w+ )?video|not a video\b"
        r"|there.s no video|there is no video|(doesn.t|does not|not) (contain|have) (a|an|any) (video|audio)"
        r"|does not contain|requested format is not available|empty playlist|no longer supported|piracy|not supported"
        r"|unsupported url scheme|not a file",
        _kinds("UnsupportedError", "UnsupportedRequest", "NoSupportingHandlers", "EmptyPlaylist"),
    ),
    Rule(
        "timeout",
        "The site took too long to answer. Try again in a moment.",
        r"timed? ?out",
        _kinds("DeadlineExceeded"),
        frozenset({504, 524}),
    ),
    Rule(
        "unavailable",
        "The site says that this page doesn't exist. Check the link.",
        status=frozenset({404, 410}),
    ),
    Rule(
        "unavailable",
        "The site refused to show this video to the server. Sharing the cookies of your account may help.",
        status=frozenset({403}),
        may_mend=True,
    ),
    Rule(
        "unavailable",
        "The site can't be reached. Check the link, or try again later.",
        kinds=_kinds("TransportError", "IncompleteRead", "SSLError", "CertificateVerifyError", "ProxyError"),
    ),
)
# What the ways of a chain differ in may be mended by the next one; a dead link is dead for all.
GONE: Final = "The cookies for this site were deleted or replaced meanwhile."
_MENDABLE: Final = frozenset({GONE, *(rule.sentence for rule in RULES if rule.may_mend)})
UNKNOWN: Final = "This link couldn't be opened. Try again later, or try another link."

# What tells of a site, or of its extractor, rather than of one link.
_BLAMED_KINDS: Final = frozenset({"Crashed", "DeadlineExceeded", "RegexNotFoundError", "TransportError"})
_BLAMED: Final = frozenset(
    {UNKNOWN, *(rule.sentence for rule in RULES if 429 in rule.status or not rule.kinds.isdisjoint(_BLAMED_KINDS))}
)

# Failures that another attempt may not meet.
_TRANSIENT: Final = frozenset({"timeout", "unavailable"})
TRANSIENT_TTL_S: Final = 10
LASTING_TTL_S: Final = 30
# Longer than the rest of a chain takes, so that no way is tried twice meanwhile. New cookies are a new way.
WITH_COOKIES_TTL_S: Final = 120

_NOISE: Final = re.compile(
    r"https?://\S+|; please report this issue.*|\(caused by .*|\. *Use --\S.*|; see +https?:.*|\x1b\[[0-9;]*m",
    re.DOTALL,
)
# Neither the name of an extractor nor the id of a video says what went wrong.
_PREFIX: Final = re.compile(r"^(ERROR: *)?(\[[^\]]{1,60}\] *(\S{1,80}: +)?)?")


def classify(failure: Failure) -> WatchTogetherError:
    """The error that people get for a failed extraction."""
    words = _PREFIX.sub("", _NOISE.sub("", failure.message))
    told = replace(failure, message=words)
    rule = next((rule for rule in RULES if rule.matches(told, failure.message)), None)
    if rule is not None:
        return resolve_error(rule.code, rule.sentence)
    reason = words.strip(" .")
    if failure.expected and reason:
        return resolve_error("unavailable", f"The site says: {reason[:200]}.")
    return resolve_error("unavailable", UNKNOWN)


def resolve_error(code: Code, sentence: str) -> WatchTogetherError:
    """An error of the family that `code` belongs to."""
    return Unavailable(code, sentence) if code in _TRANSIENT else Refused(code, sentence)


def may_mend(error: WatchTogetherError) -> bool:
    """Whether a link that failed so may open with other cookies, or without any."""
    return error.message in _MENDABLE


def blames_site(error: WatchTogetherError) -> bool:
    """Whether other links of the same site may fail in the same way."""
    return error.message in _BLAMED


def left_alone(site: str, wait_s: float) -> WatchTogetherError:
    """The answer for a link of a site that has failed every time."""
    return resolve_error("unavailable", f"{site} is not answering. Try again in {max(1, round(wait_s))} seconds.")


def private_address() -> WatchTogetherError:
    """The answer for a link that leads into a private network."""
    return resolve_error("private_address", "This link leads to a private address, which the server does not open.")


def refused_on_the_way(code: str) -> WatchTogetherError:
    """The answer for an extraction that failed after the guard turned down a target of it with `code`."""
    if code == "private_address":
        return private_address()
    return resolve_error("unsupported", "This link leads to an address that is no website. Check the link.")


def deadline_exceeded() -> WatchTogetherError:
    """The answer for an extraction that was ended."""
    return classify(Failure(["DeadlineExceeded"], ""))


def cookies_gone() -> WatchTogetherError:
    """The answer of a way whose cookies were deleted or replaced before it was done."""
    return resolve_error("sign_in_required", GONE)


def ttl_s(error: WatchTogetherError, *, with_cookies: bool = False) -> int:
    """For how many seconds an error is cached."""
    if with_cookies and may_mend(error):
        return WITH_COOKIES_TTL_S
    return TRANSIENT_TTL_S if error.code in _TRANSIENT else LASTING_TTL_S
