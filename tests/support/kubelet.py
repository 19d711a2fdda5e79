"""Pods of the rendered manifests on podman, which knows Deployments but not all that a kubelet does for a pod."""

from __future__ import annotations

import base64
import copy
import re
import secrets
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from tests.support.kubernetes import WORKLOADS, Manifest, of_kind
from tests.support.node import free_port

TIMEOUT_S: Final = 120
_STOP_S: Final = 30


def missing() -> str:
    """What this machine lacks to play pods, or "" if it has all."""
    for program in ("podman", "catatonit", "kubectl"):
        if shutil.which(program) is None and not (program == "catatonit" and _has_libexec(program)):
            return f"no {program} on this machine"
    return ""


def _has_libexec(program: str) -> bool:
    return any(shutil.which(program, path=folder) for folder in ("/usr/libexec/podman", "/usr/lib/podman"))


@dataclass(slots=True)
class Kubelet:
    """Plays workloads as pods on a network of their own, where each is known by its workload's name."""

    manifests: tuple[Manifest, ...]
    network: str = field(default_factory=lambda: f"wt-pods-{secrets.token_hex(3)}")
    ports: dict[tuple[str, str], int] = field(default_factory=dict)
    _played: str = ""

    def play(self) -> None:
        """Start every workload.

        :raises AssertionError: with podman's words, if it refuses one.
        """
        run("podman", "network", "create", self.network)
        kept = of_kind(self.manifests, "ConfigMap", "Secret")
        pods = [self._pod(workload) for workload in of_kind(self.manifests, *WORKLOADS)]
        self._played = yaml.safe_dump_all([*kept, *pods])
        run("podman", "play", "kube", "--network", self.network, "-", told=self._played)

    def stop(self) -> None:
        """Stop and remove all of it."""
        names = [workload["metadata"]["name"] for workload in of_kind(self.manifests, *WORKLOADS)]
        for command in (
            ["pod", "stop", "--ignore", "--time", str(_STOP_S), *names],
            ["pod", "rm", "--force", "--ignore", *names],
            ["volume", "rm", "--force", *self._volumes()],
            ["secret", "rm", *(each["metadata"]["name"] for each in of_kind(self.manifests, "Secret"))],
            ["network", "rm", "--force", self.network],
        ):
            subprocess.run(["podman", *command], capture_output=True, check=False, timeout=TIMEOUT_S)

    def execute(self, workload: str, *command: str) -> str:
        """What a command printed in a workload's container."""
        return run("podman", "exec", f"{workload}-{workload}", *command)

    def logs(self, workload: str) -> str:
        """What a workload's container has said."""
        done = subprocess.run(
            ["podman", "logs", f"{workload}-{workload}"], capture_output=True, text=True, check=False, timeout=TIMEOUT_S
        )
        return done.stdout + done.stderr

    def _volumes(self) -> list[str]:
        volumes = [each["metadata"]["name"] for each in of_kind(self.manifests, "Secret")]
        for workload in of_kind(self.manifests, "StatefulSet"):
            volumes += [_claim(workload, claim) for claim in workload["spec"].get("volumeClaimTemplates", [])]
        return volumes

    def _pod(self, workload: Manifest) -> Manifest:
        name, template = workload["metadata"]["name"], copy.deepcopy(workload["spec"]["template"])
        spec: dict[str, Any] = template["spec"]
        for claim in workload["spec"].get("volumeClaimTemplates", []):
            source = {"claimName": _claim(workload, claim)}
            spec.setdefault("volumes", []).append({"name": claim["metadata"]["name"], "persistentVolumeClaim": source})
        for volume in spec.get("volumes", []):
            if "secret" in volume:
                # Podman 4.3 stumbles over one that does not say so.
                volume["secret"].setdefault("optional", False)
        for container in spec["containers"]:
            self._fill(name, container)
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "labels": template["metadata"]["labels"]},
            "spec": spec,
        }

    def _fill(self, workload: str, container: dict[str, Any]) -> None:
        """Put in what a kubelet would: values of secrets, `$(NAME)` in arguments. Ports are loopback's."""
        values = {secret["metadata"]["name"]: secret["data"] for secret in of_kind(self.manifests, "Secret")}
        environment: list[dict[str, Any]] = []
        for entry in container.get("env", []):
            reference = entry.get("valueFrom", {}).get("secretKeyRef")
            if reference is None:
                environment.append(entry)
            elif (value := values[reference["name"]].get(reference["key"])) is not None:
                environment.append({"name": entry["name"], "value": base64.b64decode(value).decode()})
        container["env"] = environment
        known = {entry["name"]: entry["value"] for entry in environment if "value" in entry}
        container["args"] = [
            re.sub(r"\$\((\w+)\)", lambda match: known.get(match[1], match[0]), argument)
            for argument in container.get("args", [])
        ]
        for port in container.get("ports", []):
            self.ports[workload, port["name"]] = port["hostPort"] = free_port()
            port["hostIP"] = "127.0.0.1"


def _claim(workload: Manifest, claim: Manifest) -> str:
    return f"{claim['metadata']['name']}-{workload['metadata']['name']}-0"


def run(*command: str, told: str | None = None, timeout_s: float = TIMEOUT_S) -> str:
    """Run a command and answer what it printed.

    :raises AssertionError: with what it said, if it fails.
    """
    done = subprocess.run(command, input=told, capture_output=True, text=True, check=False, timeout=timeout_s)
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
    return done.stdout
