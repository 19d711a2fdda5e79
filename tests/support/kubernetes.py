"""The Kubernetes manifests as `kubectl kustomize` renders them."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from typing import Any

import yaml

from tests.support.node import ROOT

Manifest = dict[str, Any]
WORKLOADS = ("Deployment", "StatefulSet")


def has_kubectl() -> bool:
    """Whether this machine can render."""
    return shutil.which("kubectl") is not None


@cache
def render(path: str) -> tuple[Manifest, ...]:
    """What a kustomization under `k8s` consists of.

    :raises AssertionError: with kubectl's words, if it does not build.
    """
    done = subprocess.run(
        ["kubectl", "kustomize", str(ROOT / "k8s" / path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return tuple(document for document in yaml.safe_load_all(done.stdout) if document)


def of_kind(manifests: tuple[Manifest, ...], *kinds: str) -> list[Manifest]:
    """Those of some kinds."""
    return [manifest for manifest in manifests if manifest["kind"] in kinds]


def name(manifest: Manifest) -> str:
    """`Kind/name`."""
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def containers(workload: Manifest) -> list[Manifest]:
    """A workload's containers, those that only begin it too."""
    pod = workload["spec"]["template"]["spec"]
    return [*pod["containers"], *pod.get("initContainers", [])]
