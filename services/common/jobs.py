"""Resolve jobs: the queue between those who want a link and the workers. The worker beside it also names arq."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from arq.connections import ArqRedis
from arq.constants import in_progress_key_prefix, job_key_prefix
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError

from services.common import codec
from services.common.chain import Link
from services.common.errors import Unavailable
from services.common.keys import Keys
from services.common.pool import Transaction

RESOLVE: Final = "resolve"
# A job that no worker took by then is dropped; whoever still waits asks again.
EXPIRES_S: Final = 600


class JobRedis(ArqRedis):
    """arq's client. It watches a job's key before it queues the job."""

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        return Transaction(self.connection_pool, self.response_callbacks, transaction, shard_hint)


def arq_redis(redis: Redis, keys: Keys) -> ArqRedis:
    """arq's client over the connections of `redis`: our queue, and JSON, since a pickle in Redis could run code."""
    return JobRedis(
        redis.connection_pool,
        job_serializer=_encode,
        job_deserializer=codec.decode,
        default_queue_name=keys.jobs(),
        expires_extra_ms=EXPIRES_S * 1000,
    )


class Jobs:
    """Puts resolve jobs into the queue, one per digest and way to open it, however often it is asked."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._keys = keys
        self._arq = arq_redis(redis, keys)

    def job_id(self, digest: str, scope: str) -> str:
        """arq's id of a flight. arq keeps jobs outside of our prefix, so the id carries it."""
        return f"{self._keys.jobs()}:{digest}:{scope}"

    async def enqueue(self, digest: str, url: str, link: Link) -> bool:
        """Queue a job; False if the same is queued or running already. It names whose cookies, and carries none.

        :raises Unavailable: if Redis does not answer; then it may be queued.
        """
        try:
            job = await self._arq.enqueue_job(
                RESOLVE, digest, url, codec.to_builtins(link), _job_id=self.job_id(digest, link.scope)
            )
        except (RedisError, OSError) as error:
            raise _unavailable() from error
        return job is not None

    async def is_queued(self, digest: str, scope: str) -> bool:
        """Whether a job is queued or running.

        :raises Unavailable: if Redis does not answer.
        """
        try:
            return bool(await self._arq.exists(job_key_prefix + self.job_id(digest, scope)))
        except (RedisError, OSError) as error:
            raise _unavailable() from error

    async def depth(self) -> int:
        """How many jobs are queued or running.

        :raises Unavailable: if Redis does not answer.
        """
        try:
            return int(await self._arq.zcard(self._keys.jobs()))
        except (RedisError, OSError) as error:
            raise _unavailable() from error

    async def oldest_age_s(self, now: float) -> float:
        """How long the oldest of those jobs has been there at `now` (Unix seconds); 0 if there is none.

        :raises Unavailable: if Redis does not answer.
        """
        try:
            oldest = await self._arq.zrange(self._keys.jobs(), 0, 0, withscores=True)
        except (RedisError, OSError) as error:
            raise _unavailable() from error
        return max(0.0, now - float(oldest[0][1]) / 1000) if oldest else 0.0

    async def renew(self, job_ids: Iterable[str], lease_s: float) -> None:
        """Keep running jobs from being started a second time for another `lease_s`.

        :raises redis.exceptions.RedisError: if Redis does not answer.
        """
        async with self._arq.pipeline(transaction=False) as pipe:
            for job_id in job_ids:
                pipe.pexpire(in_progress_key_prefix + job_id, int(lease_s * 1000))
            await pipe.execute()

    async def release(self, job_ids: Iterable[str]) -> None:
        """Let jobs that were interrupted start again at once.

        :raises redis.exceptions.RedisError: if Redis does not answer.
        """
        names = [in_progress_key_prefix + job_id for job_id in job_ids]
        if names:
            await self._arq.delete(*names)


def _unavailable() -> Unavailable:
    return Unavailable("unavailable", "The job queue does not answer.", retry_after_ms=1000)


def _encode(value: dict[str, Any]) -> bytes:
    try:
        return codec.encode(value)
    except TypeError:
        # arq serializes a failed job's exception even where no result is kept.
        return codec.encode({**value, "r": repr(value.get("r"))})
