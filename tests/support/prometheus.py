"""A real Prometheus on a free port that scrapes what it is told to."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from tests.support.node import ROOT, free_port

START_TIMEOUT_S = 30.0
ALERTS = ROOT / "k8s" / "monitoring" / "alerts" / "watch-together.yaml"


def is_installed(program: str = "prometheus") -> bool:
    """Whether this machine has it."""
    return shutil.which(program) is not None


class Prometheus:
    """Scrapes `targets` (addresses by job) each second, under the shipped rules. Use it as a context manager."""

    def __init__(self, folder: Path, targets: Mapping[str, Sequence[str]]) -> None:
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        jobs = [{"job_name": job, "static_configs": [{"targets": list(found)}]} for job, found in targets.items()]
        config = {"global": {"scrape_interval": "1s"}, "rule_files": [str(ALERTS)], "scrape_configs": jobs}
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")

    def __enter__(self) -> Self:
        with (self._folder / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={self._folder / 'prometheus.yaml'}",
                    f"--storage.tsdb.path={self._folder / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self._port}",
                ],
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                self.ask("query", query="vector(1)")
                return self
            except (OSError, urllib.error.URLError):
                if time.monotonic() > deadline:
                    self.stop()
                    text = (self._folder / "prometheus.log").read_text()[-3000:]
                    raise TimeoutError(f"Prometheus did not start:\n{text}") from None
                time.sleep(0.1)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def ask(self, what: str, **parameters: str) -> Any:
        """The `data` of an answer of its API.

        :raises urllib.error.HTTPError: if it refuses the query.
        """
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/api/v1/{what}?{query}", timeout=10) as answer:
            return json.load(answer)["data"]

    def values(self, expression: str, since: float) -> list[float]:
        """What an expression was at any second since a Unix time, numbers only."""
        found = self.ask("query_range", query=expression, start=str(since), end=str(time.time()), step="1")["result"]
        numbers = [float(value) for series in found for _, value in series["values"]]
        return [number for number in numbers if number == number]
