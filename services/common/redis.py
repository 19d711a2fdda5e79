"""Connections to Redis, made one way everywhere."""

from __future__ import annotations

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import BusyLoadingError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

CONNECT_TIMEOUT_S = 1.0
COMMAND_TIMEOUT_S = 2.0


def connect(url: str, *, max_connections: int = 64) -> Redis:
    """A client for commands. Scripts are safe to repeat (they carry ids), so lost connections are retried.

    Retries end within about two seconds; then redis-py's own errors reach the adapter, which maps them.
    """
    client: Redis = Redis.from_url(
        url,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        socket_timeout=COMMAND_TIMEOUT_S,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.02), retries=4),
        retry_on_error=[RedisConnectionError, RedisTimeoutError, BusyLoadingError],
        max_connections=max_connections,
        health_check_interval=15,
    )
    return client
