"""How the resolver's workers are, as each of them tells and as `GET /api/resolver/health` sums it up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.common import codec
from services.common.errors import Unavailable
from services.common.jobs import Jobs
from services.common.keys import Keys

TOLD_EVERY_S: Final = 5.0
# After so long without a word a worker counts as gone.
TOLD_TTL_S: Final = 20

# Anybody may ask: an extractor is named from so many links in an hour on, or when it is left alone.
TOLD_BY_NAME: Final = 5
OTHERS: Final = "Other"

State = Literal["closed", "open", "half_open"]
_WORST: Final[tuple[State, ...]] = ("closed", "half_open", "open")


class SiteHealth(Struct, kw_only=True, frozen=True):
    """One extractor in the last hour. `failed` are the site's failures, not links of which it said no."""

    extractor: str
    succeeded: int
    failed: int
    mean_s: float
    state: State = "closed"


class Canary(Struct, kw_only=True, frozen=True):
    """The last try of an operator's link. `code` is '' when it opened; `at` is Unix seconds."""

    site: str
    code: str
    at: float
    seconds: float


class WorkerHealth(Struct, kw_only=True, frozen=True):
    """What one worker tells. `age_days` is that of yt-dlp; '' stands for what is not there."""

    ytdlp: str
    ytdlp_ejs: str
    age_days: int | None
    node: str
    provider: Literal["none", "ok", "down"] = "none"
    running: int = 0
    sites: list[SiteHealth] = []
    canaries: list[Canary] = []
    v: int = 1


class ResolverHealth(Struct, kw_only=True, frozen=True):
    """All workers together. `problems` are sentences for an operator; with none of them all is well."""

    workers: int
    queued: int
    running: int
    problems: list[str]
    versions: list[str]
    node: str
    provider: str
    extractors: list[SiteHealth]
    canaries: list[Canary]


class VitalsStore:
    """Where workers tell how they are."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self._jobs = Jobs(redis, keys)

    async def tell(self, worker: str, health: WorkerHealth) -> None:
        """Say how a worker is.

        :raises Unavailable: if Redis does not answer.
        """
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.hset(self._keys.vitals(), worker, codec.encode_text(health))
                pipe.set(self._keys.vital_sign(worker), 1, ex=TOLD_TTL_S)
                await pipe.execute()
        except (RedisError, OSError) as error:
            raise _unavailable() from error

    async def read(self) -> ResolverHealth:
        """How the resolver is.

        :raises Unavailable: if Redis does not answer.
        """
        queued = await self._jobs.depth()
        try:
            told: dict[bytes, bytes] = await self._redis.hgetall(self._keys.vitals())  # type: ignore[misc]
            names = list(told)
            signs = await self._redis.mget([self._keys.vital_sign(name.decode()) for name in names]) if names else []
            gone = [name for name, sign in zip(names, signs, strict=True) if sign is None]
            if gone:
                await self._redis.hdel(self._keys.vitals(), *[name.decode() for name in gone])  # type: ignore[misc]
        except (RedisError, OSError) as error:
            raise _unavailable() from error
        alive = [health for name in names if name not in gone and (health := _health(told[name])) is not None]
        return summed(alive, queued)


def summed(workers: list[WorkerHealth], queued: int) -> ResolverHealth:
    """Several workers as one."""
    providers = {worker.provider for worker in workers}
    sites = _sites(site for worker in workers for site in worker.sites)
    canaries: dict[str, Canary] = {}
    for canary in sorted((each for worker in workers for each in worker.canaries), key=lambda each: each.at):
        canaries[canary.site] = canary
    provider = next((state for state in ("down", "ok") if state in providers), "none")
    return ResolverHealth(
        workers=len(workers),
        queued=queued,
        running=sum(worker.running for worker in workers),
        problems=_problems(workers, sites, list(canaries.values()), provider),
        versions=sorted({f"yt-dlp {worker.ytdlp}, yt-dlp-ejs {worker.ytdlp_ejs or 'missing'}" for worker in workers}),
        node=min((worker.node for worker in workers), default=""),
        provider=provider,
        extractors=_discreet(sites),
        canaries=list(canaries.values()),
    )


def _sites(told: Iterable[SiteHealth]) -> list[SiteHealth]:
    merged: dict[str, SiteHealth] = {}
    for site in told:
        other = merged.get(site.extractor)
        if other is None:
            merged[site.extractor] = site
            continue
        count = max(1, site.succeeded + site.failed + other.succeeded + other.failed)
        weighed = site.mean_s * (site.succeeded + site.failed) + other.mean_s * (other.succeeded + other.failed)
        merged[site.extractor] = SiteHealth(
            extractor=site.extractor,
            succeeded=site.succeeded + other.succeeded,
            failed=site.failed + other.failed,
            mean_s=round(weighed / count, 3),
            state=max(site.state, other.state, key=_WORST.index),
        )
    return sorted(merged.values(), key=lambda site: (-site.failed, -site.succeeded, site.extractor))


def _discreet(sites: list[SiteHealth]) -> list[SiteHealth]:
    """`sites`, those of few links as one: a name would tell what somebody watches here, and a ratio nothing."""
    few = [site for site in sites if site.state == "closed" and site.succeeded + site.failed < TOLD_BY_NAME]
    merged = _sites(replace(site, extractor=OTHERS) for site in few)
    return [*(site for site in sites if site not in few), *merged]


# A release older than this misses what sites have changed since.
OLD_DAYS: Final = 60


def _problems(workers: list[WorkerHealth], sites: list[SiteHealth], canaries: list[Canary], provider: str) -> list[str]:
    if not workers:
        return ["No worker takes links: start services.resolver."]
    problems = []
    if len({(worker.ytdlp, worker.ytdlp_ejs) for worker in workers}) > 1:
        problems.append("Workers have different versions of yt-dlp.")
    ages = [worker.age_days for worker in workers if worker.age_days is not None]
    if ages and max(ages) > OLD_DAYS:
        problems.append(f"yt-dlp is {max(ages)} days old: update it.")
    if not all(worker.ytdlp_ejs for worker in workers):
        problems.append("yt-dlp-ejs is missing: YouTube will not resolve.")
    if not all(worker.node for worker in workers):
        problems.append("Node.js 22 or newer is missing: sites with JavaScript challenges will not resolve.")
    if provider == "down":
        problems.append("The PO-token provider does not answer: links are opened without its tokens.")
    problems += [f"{site.extractor} fails and is left alone." for site in sites if site.state != "closed"]
    problems += [f"The canary on {canary.site} fails: {canary.code}." for canary in canaries if canary.code]
    return problems


def _health(raw: bytes) -> WorkerHealth | None:
    try:
        return codec.decode_as(WorkerHealth, raw)
    except codec.MalformedError:
        return None


def _unavailable() -> Unavailable:
    return Unavailable("unavailable", "The job queue does not answer.", retry_after_ms=1000)
