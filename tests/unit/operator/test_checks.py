"""What the doctor makes of what it finds."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from services.common.vitals import WorkerHealth, summed
from services.operator import checks
from services.operator.checks import Check

WELL: dict[str, Any] = {
    "redis_version": "7.2.4",
    "valkey_version": "9.0.1",
    "aof_enabled": 1,
    "aof_last_write_status": "ok",
    "used_memory": 2_000_000,
    "maxmemory": 0,
    "maxmemory_policy": "noeviction",
}
WORKER = WorkerHealth(ytdlp="2026.10.26", ytdlp_ejs="0.8.0", age_days=20, node="24.1.0")


def levels(found: list[Check]) -> list[str]:
    return [check.level for check in found]


def judged(appendfsync: str = "always", *, keeps_rooms: bool = True, **other: Any) -> list[Check]:
    return checks.server("Redis", WELL | other, appendfsync, keeps_rooms=keeps_rooms)


def test_a_server_that_loses_nothing_and_evicts_nothing_is_well() -> None:
    found = judged()
    assert levels(found) == ["ok"] * 3
    assert found[0].text == "Valkey 9.0.1"


@pytest.mark.parametrize(
    ("other", "level", "said"),
    [
        ({"aof_enabled": 0}, "warn", "rooms are lost"),
        ({"aof_last_write_status": "err"}, "fail", "last write failed"),
        ({"maxmemory": 10**9, "maxmemory_policy": "allkeys-lru"}, "fail", "set noeviction"),
        ({"maxmemory": 10**9, "maxmemory_policy": "volatile-ttl"}, "fail", "set noeviction"),
        ({"maxmemory": 2_100_000}, "warn", "uses 2.0 MB of 2.1 MB"),
        ({"valkey_version": None, "redis_version": "6.2.14"}, "fail", "7 or newer"),
    ],
)
def test_what_loses_or_evicts_rooms_is_told(other: dict[str, Any], level: str, said: str) -> None:
    (found,) = [check for check in judged(**other) if check.level != "ok"]
    assert (found.level, said in found.text) == (level, True), found


def test_how_often_it_writes_decides_what_may_be_lost() -> None:
    assert [judged(policy)[1].level for policy in ("always", "everysec", "no", "")] == ["ok", "ok", "warn", "ok"]


def test_jobs_and_caches_need_not_last() -> None:
    assert levels(judged(keeps_rooms=False, aof_enabled=0)) == ["ok", "ok"]


@pytest.mark.parametrize(("offset_s", "level"), [(0.2, "ok"), (-3.0, "warn"), (90.0, "fail")])
def test_a_clock_that_is_off_is_told_by_how_much(offset_s: float, level: str) -> None:
    latency, clock = checks.reach("Redis", 0.001, offset_s)
    assert (latency.level, clock.level) == ("ok", level)
    assert level == "ok" or f"{abs(offset_s):.1f} s" in clock.text


def test_a_server_far_away_is_told() -> None:
    assert checks.reach("Redis", 0.08, 0.0)[0].level == "warn"


def test_without_workers_no_link_can_be_opened() -> None:
    assert levels(checks.resolver(summed([], 0), date(2026, 11, 1))) == ["fail"]


def test_workers_tell_their_versions_and_how_old_those_are() -> None:
    found = checks.resolver(summed([WORKER], 3), date(2026, 11, 5))
    assert set(levels(found)) == {"ok"}
    assert "yt-dlp 2026.10.26, yt-dlp-ejs 0.8.0; 10 days old" in [check.text for check in found]


def test_what_workers_miss_is_a_warning() -> None:
    poor = WorkerHealth(ytdlp="2025.01.01", ytdlp_ejs="", age_days=400, node="", provider="down")
    found = checks.resolver(summed([poor], 0), date(2026, 11, 5))
    told = " ".join(check.text for check in found if check.level == "warn")
    assert all(word in told for word in ("400 days old", "yt-dlp-ejs is missing", "Node.js", "PO-token"))


@pytest.mark.parametrize(("free", "level"), [(10**8, "fail"), (10**9, "warn"), (10**11, "ok")])
def test_a_disk_that_is_nearly_full_is_told(free: int, level: str) -> None:
    assert checks.disk("/data", free, 10**12).level == level


def test_the_report_fails_with_any_line_that_does() -> None:
    lines = [Check("ok", "Redis", "Valkey 9"), Check("warn", "disk", "little")]
    assert checks.answer(lines).status == 0
    told = checks.answer([*lines, Check("fail", "resolver", "no\nworker")])
    assert told.status == 1
    assert told.text.splitlines()[2:] == ["fail  resolver  no?worker", "1 ok, 1 warn, 1 fail"]
    assert told.data["ok"] is False
