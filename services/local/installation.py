"""What a local installation consists of: pure, from the settings to commands and environments."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.common.config import CommonSettings
from services.common.serving import EXIT_PORT_TAKEN, EXIT_SETTINGS
from services.local.child import Spec
from services.local.ports import Ports
from services.local.probe import is_ready
from services.local.supervisor import Stage

_WILDCARDS = ("0.0.0.0", "::", "")
_HOPELESS = frozenset({EXIT_SETTINGS, EXIT_PORT_TAKEN})


@dataclass(frozen=True, slots=True)
class Installation:
    """Settings, ports and the folder of everything that is kept."""

    settings: CommonSettings
    ports: Ports
    folder: Path
    environ: Mapping[str, str]

    @property
    def near(self) -> str:
        """The host name under which this machine reaches its own listeners."""
        return "127.0.0.1" if self.settings.host in _WILDCARDS else self.settings.host

    @property
    def is_open(self) -> bool:
        """Whether other machines of the network can connect."""
        return self.settings.host in _WILDCARDS

    def addresses(self) -> list[str]:
        """Where people connect on this machine, the shared address last."""
        ports = [*self.ports.public, *([self.ports.shared] if self.ports.shared else [])]
        return [f"http://{self.near}:{port}" for port in ports]

    def stages(self, redis_url: str) -> list[Stage]:
        """Services, then the shared address (the Valkey, where there is one, comes before them)."""
        shared = self._environ(redis_url)
        *admin, resolver_admin = self.ports.admin
        replicas = [
            self._python("services.combined", f"replica-{n}", {**shared, "WT_PORT": str(port)}, admin_port)
            for n, (port, admin_port) in enumerate(zip(self.ports.public, admin, strict=True), 1)
        ]
        resolver = self._python("services.resolver", "resolver-1", shared, resolver_admin)
        stages = [Stage((resolver, *replicas), end_s=6.0)]
        if self.ports.shared is not None:
            stages.append(Stage((self._spreader(shared, self.ports.shared),), end_s=1.0))
        return stages

    def _environ(self, redis_url: str) -> dict[str, str]:
        environ = {
            # What a household's last Ctrl-C should not wait for, and its terminal should not show.
            "WT_DRAIN_S": "1",
            "WT_LOG_LEVEL": "warning",
            **self.environ,
            "WT_DATA_DIR": str(self.folder),
            "WT_REDIS_URL": redis_url,
            "WT_ADMIN_HOST": "127.0.0.1",
        }
        if not self.settings.secret and not self.settings.secret_file:
            environ["WT_SECRET_FILE"] = str(self.folder / "secret")
        if len(self.ports.public) > 1:
            # By whichever name of this machine a page was opened: it moves to another port of that.
            environ.setdefault("WT_PEERS", ",".join(f":{port}" for port in self.ports.public))
        return environ

    def _python(self, module: str, node: str, environ: dict[str, str], admin_port: int) -> Spec:
        return Spec(
            node,
            (sys.executable, "-m", module),
            {**environ, "WT_NODE": node, "WT_ADMIN_PORT": str(admin_port)},
            lambda: is_ready("127.0.0.1", admin_port),
            _HOPELESS,
        )

    def _spreader(self, environ: dict[str, str], port: int) -> Spec:
        backends = [part for public in self.ports.public for part in ("--backend", f"{self.near}:{public}")]
        listen = ("--listen", f"{self.settings.host}:{port}", "--log-level", environ["WT_LOG_LEVEL"])
        command = (sys.executable, "-m", "services.local.spreader", *listen, *backends)
        return Spec("spreader", command, environ, lambda: is_ready(self.near, port), _HOPELESS)
