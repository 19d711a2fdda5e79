"""Settings of the sync service."""

from __future__ import annotations

from dataclasses import dataclass

from services.common.config import CommonSettings, integer, seconds, setting


@dataclass(frozen=True, kw_only=True)
class SyncSettings(CommonSettings):
    """One replica that hosts sockets."""

    heartbeat_s: float = setting(5.0, seconds)
    # How long a member is kept without a sign of life: the lease is the grace.
    lease_s: float = setting(25.0, seconds)
    hidden_lease_s: float = setting(90.0, seconds)
    refresh_s: float = setting(8.0, seconds)
    sweep_s: float = setting(2.0, seconds)
    # A socket that was dropped, and one whose page said goodbye. Pages wait up to ten seconds between two attempts.
    dropped_grace_s: float = setting(15.0, seconds)
    closed_grace_s: float = setting(3.0, seconds)
    # How often it is noted what people watch, for their histories. 0: never, nobody has one.
    history_s: float = setting(10.0, seconds)
    ping_s: float = setting(20.0, seconds)
    silence_s: float = setting(45.0, seconds)
    hidden_silence_s: float = setting(90.0, seconds)
    # A socket that can't be written to for so long is cut.
    unwritable_s: float = setting(10.0, seconds)
    room_members_max: int = setting(200, integer(1, 10_000))
    identity_sockets_max: int = setting(10, integer(1, 1000))
    # Of one address, or one IPv6 network (/64): a school behind one router is one, too. 0: no limit.
    address_sockets_max: int = setting(500, integer(0, 1_000_000))
