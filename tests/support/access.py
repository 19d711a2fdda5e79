"""A team of Cloudflare Access: keys, the server that publishes them, and assertions of any kind."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

AUDIENCE = "the-application"
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Key:
    """A signing key of the team."""

    id: str
    algorithm: str
    private: PrivateKey

    @classmethod
    def rsa(cls, id: str) -> Self:
        return cls(id, "RS256", rsa.generate_private_key(public_exponent=65537, key_size=2048))

    @classmethod
    def ec(cls, id: str) -> Self:
        return cls(id, "ES256", ec.generate_private_key(ec.SECP256R1()))

    def public(self) -> dict[str, Any]:
        """As the team's key set lists it."""
        public = self.private.public_key()
        text = RSAAlgorithm.to_jwk(public) if isinstance(public, rsa.RSAPublicKey) else ECAlgorithm.to_jwk(public)
        return {**json.loads(text), "kid": self.id, "alg": self.algorithm, "use": "sig"}

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        """An assertion with `claims`."""
        return jwt.encode(claims, self.private, self.algorithm, headers={"kid": self.id, **header})


@dataclass(slots=True)
class Team:
    """Serves `/cdn-cgi/access/certs` on a free port of loopback, in the running loop."""

    keys: list[Key] = field(default_factory=list)
    # How often the keys were asked for, and whether the answer is an error.
    asked: int = 0
    is_broken: bool = False
    url: str = ""
    _runner: web.AppRunner | None = None

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Good claims of Ana, with changes; None takes a claim away."""
        now = int(time.time())
        good = {
            "aud": [AUDIENCE],
            "email": "Ana@Example.com",
            "exp": now + 300,
            "iat": now,
            "iss": self.url,
            "sub": "ana",
        }
        return {name: value for name, value in {**good, **changes}.items() if value is not None}

    async def _certs(self, _request: web.Request) -> web.Response:
        self.asked += 1
        if self.is_broken:
            return web.Response(status=500)
        return web.json_response({"keys": [key.public() for key in self.keys]})

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_get("/cdn-cgi/access/certs", self._certs)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()
