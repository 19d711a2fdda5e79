"""What `doctor` makes of what it finds: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, Literal

from services.common.vitals import ResolverHealth
from services.operator.answer import EXIT_FAILED, Answer, plain, size

Level = Literal["ok", "warn", "fail"]

OLDEST_MAJOR: Final = 7
SLOW_S: Final = 0.02
# Signed addresses and cookies end by the clocks of those who serve them.
OFF_S, FAR_OFF_S = 1.0, 60.0
FULL: Final = 0.9
LITTLE_BYTES, TOO_LITTLE_BYTES = 5 * 1000**3, 500 * 1000**2


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report."""

    level: Level
    what: str
    text: str


def answer(checks: Iterable[Check]) -> Answer:
    """The report. Its status is 1 if anything fails."""
    told = list(checks)
    has_failed = any(check.level == "fail" for check in told)
    width = max((len(check.what) for check in told), default=0)
    lines = [f"{check.level:<4}  {check.what.ljust(width)}  {plain(check.text)}" for check in told]
    counts = {level: sum(check.level == level for check in told) for level in ("ok", "warn", "fail")}
    lines.append(", ".join(f"{count} {level}" for level, count in counts.items()))
    data = {
        "ok": not has_failed,
        "checks": [{"level": check.level, "what": check.what, "text": check.text} for check in told],
    }
    return Answer(data, "\n".join(lines), EXIT_FAILED if has_failed else 0)


def server(what: str, info: Mapping[str, Any], appendfsync: str, *, keeps_rooms: bool) -> list[Check]:
    """A Redis by its INFO; `appendfsync` is '' where it does not tell. Of jobs and caches nothing needs to last."""
    return [
        _version(what, info),
        *([_persistence(what, info, appendfsync)] if keeps_rooms else []),
        _memory(what, info),
    ]


def reach(what: str, latency_s: float, offset_s: float) -> list[Check]:
    """How far away a Redis is, and what its clock says: seconds, positive if it is ahead of ours."""
    ms = latency_s * 1000
    latency = (
        Check("warn", what, f"answers in {ms:.0f} ms: every command of a room takes as long")
        if latency_s > SLOW_S
        else Check("ok", what, f"answers in {ms:.1f} ms")
    )
    off = abs(offset_s)
    text = f"its clock is {off:.1f} s {'ahead of' if offset_s > 0 else 'behind'} ours"
    if off > FAR_OFF_S:
        clock = Check("fail", what, f"{text}: signed addresses and cookies end at the wrong time; use NTP on both")
    elif off > OFF_S:
        clock = Check("warn", what, f"{text}: use NTP on both")
    else:
        clock = Check("ok", what, f"its clock is within {max(off * 1000, 1):.0f} ms of ours")
    return [latency, clock]


def resolver(health: ResolverHealth, today: date) -> list[Check]:
    """The workers, as they tell of themselves."""
    if not health.workers:
        return [Check("fail", "resolver", problem) for problem in health.problems]
    checks = [
        Check("ok", "resolver", f"workers: {health.workers}; links running {health.running}, queued {health.queued}"),
        *(Check("ok", "yt-dlp", _aged(version, today)) for version in health.versions),
    ]
    if health.node:
        checks.append(Check("ok", "Node.js", health.node))
    if health.provider == "ok":
        checks.append(Check("ok", "PO tokens", "the provider answers"))
    elif health.provider == "none":
        checks.append(Check("ok", "PO tokens", "no provider is set (WT_POT_PROVIDER_URL)"))
    return [*checks, *(Check("warn", "resolver", problem) for problem in health.problems)]


def disk(folder: str, free: int, total: int) -> Check:
    """What is free where WT_DATA_DIR is."""
    text = f"{size(free)} of {size(total)} are free in {folder}"
    if free < TOO_LITTLE_BYTES:
        return Check("fail", "disk", f"{text}: rooms can't be written soon")
    return Check("warn" if free < LITTLE_BYTES else "ok", "disk", text)


def _version(what: str, info: Mapping[str, Any]) -> Check:
    valkey = info.get("valkey_version")
    told = str(valkey or info.get("redis_version", ""))
    name = f"{'Valkey' if valkey else 'Redis'} {told}"
    major = told.partition(".")[0]
    if major.isdigit() and int(major) < OLDEST_MAJOR:
        return Check("fail", what, f"{name}: {OLDEST_MAJOR} or newer is needed")
    return Check("ok", what, name)


def _persistence(what: str, info: Mapping[str, Any], appendfsync: str) -> Check:
    if not int(info.get("aof_enabled", 0)):
        return Check("warn", what, "appendonly no: rooms are lost when it ends")
    if info.get("aof_last_write_status", "ok") != "ok":
        return Check("fail", what, "appendonly yes, but its last write failed: look at its disk")
    match appendfsync:
        case "always":
            return Check("ok", what, "appendonly yes, appendfsync always: nothing that was answered is lost")
        case "no":
            return Check("warn", what, "appendonly yes, appendfsync no: half a minute is lost when its machine ends")
        case "everysec":
            return Check("ok", what, "appendonly yes, appendfsync everysec: a second may be lost")
        case _:
            return Check("ok", what, "appendonly yes; appendfsync is not told to this user")


def _memory(what: str, info: Mapping[str, Any]) -> Check:
    most, used = int(info.get("maxmemory", 0)), int(info.get("used_memory", 0))
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if not most:
        return Check("ok", what, f"uses {size(used)}, without a limit of its own: it evicts nothing")
    text = f"uses {size(used)} of {size(most)}, {policy}"
    if policy != "noeviction":
        return Check("fail", what, f"{text}: it will forget rooms and jobs when it is full; set noeviction")
    return Check("warn" if used > FULL * most else "ok", what, text)


def _aged(version: str, today: date) -> str:
    """yt-dlp's versions are dates."""
    parts = version.removeprefix("yt-dlp ").partition(",")[0].split(".")[:3]
    try:
        days = (today - date(*map(int, parts))).days
    except (TypeError, ValueError):
        return version
    return f"{version}; {days} days old"


def today(now: float) -> date:
    """The day of a time (Unix seconds), UTC."""
    return datetime.fromtimestamp(now, UTC).date()
