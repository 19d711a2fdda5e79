"""The repository keeps its own rules."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path

import grimp
import pytest
from prometheus_client import REGISTRY

from services.common.config import PREFIX
from services.gateway.config import GatewaySettings
from services.proxy.config import ProxySettings
from services.resolver.config import ResolverSettings
from services.sync.config import SyncSettings
from tests.support.node import ROOT

DOCUMENTS = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"]
SERVICES = ["gateway", "sync", "resolver", "proxy"]
LOCKS = sorted(path.name for path in (ROOT / "requirements").glob("*.txt"))
# Variables of the launcher, of tests and of the page's build, which no settings record holds.
OTHER_VARIABLES = {"WT_NAME"}


def settings_names() -> set[str]:
    shapes = (GatewaySettings, ProxySettings, ResolverSettings, SyncSettings)
    return {PREFIX + field.name.upper() for shape in shapes for field in dataclasses.fields(shape)}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_that_a_document_names_exists(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    named = re.findall(r"`((?:services|web|tests|docs|extension|k8s)/[\w./-]+)`", text)
    named += re.findall(r"\]\((?!https?:)([\w./-]+)\)", text)
    missing = [path for path in named if not (ROOT / path).exists()]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_setting_that_a_document_names_exists(document: str) -> None:
    named = set(re.findall(r"WT_[A-Z_]*[A-Z]", (ROOT / document).read_text(encoding="utf-8")))
    assert named <= settings_names() | OTHER_VARIABLES


def test_what_the_readme_lets_people_set_reaches_the_containers() -> None:
    rows = re.findall(r"(?m)^\| (`WT_.*?) \|", (ROOT / "README.md").read_text(encoding="utf-8"))
    named = {variable for row in rows for variable in re.findall(r"WT_[A-Z_]*[A-Z]", row)}
    assert len(named) > 20
    given = set(re.findall(r"(WT_[A-Z_]*[A-Z]):", (ROOT / "compose.yaml").read_text(encoding="utf-8")))
    # Where containers listen, and what they keep, is not for people to choose.
    assert named - given == {"WT_PORT", "WT_DATA_DIR", "WT_SECRET", "WT_PROXY_ADDRESS"}


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("services", include_external_packages=True)


@pytest.mark.parametrize(
    ("service", "package"), [(service, package) for service in SERVICES for package in (service, "operator")]
)
def test_the_lock_of_a_service_has_all_that_runs_in_its_image(
    service: str, package: str, imports: grimp.ImportGraph
) -> None:
    text = (ROOT / "requirements" / f"{service}.txt").read_text(encoding="utf-8")
    locked = {match[1] for match in re.finditer(r"^([\w.-]+?)(?:\[.*\])?==", text, re.MULTILINE)}
    above = imports.find_upstream_modules(f"services.{package}", as_package=True)
    outside = {module.partition(".")[0] for module in above} - {"services", *sys.stdlib_module_names}
    assert outside
    of_package = importlib.metadata.packages_distributions()
    names = {package: {name.lower().replace("_", "-") for name in of_package[package]} for package in outside}
    assert {package for package in outside if not names[package] & locked} == set()


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_hashes_and_no_addresses(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text(encoding="utf-8")
    pins = [line for line in text.splitlines() if "==" in line]
    assert pins
    assert text.count("--hash=sha256:") >= len(pins)
    assert not re.search(r"https?://|file:|--(extra-)?index-url|--find-links", text)


@pytest.mark.parametrize("folder", ["web", "extension"])
def test_a_lock_of_npm_has_no_addresses(folder: str) -> None:
    packages = json.loads((ROOT / folder / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert not [name for name, package in packages.items() if str(package.get("resolved", "")).startswith("http")]
    assert all("integrity" in package for name, package in packages.items() if name and not package.get("link"))


def test_page_and_extension_are_made_by_the_same_tools() -> None:
    described = [json.loads((ROOT / folder / "package.json").read_text()) for folder in ("web", "extension")]
    page, extension = (each.get("dependencies", {}) | each["devDependencies"] for each in described)
    shared = page.keys() & extension.keys()
    assert {"typescript", "vite", "vitest", "@biomejs/biome"} <= shared
    assert {name: page[name] for name in shared} == {name: extension[name] for name in shared}


def test_all_locks_agree_on_every_version() -> None:
    versions: dict[str, set[str]] = {}
    for lock in LOCKS:
        for name, version in re.findall(
            r"^([\w.-]+)==([^\s;]+)", (ROOT / "requirements" / lock).read_text(encoding="utf-8"), re.MULTILINE
        ):
            versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_make_help_lists_what_people_type() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30).stdout
    plain = re.sub(r"\x1b\[\d+m", "", shown)
    listed = set(re.findall(r"^  ([a-z-]+) ", plain, re.MULTILINE))
    assert {"up", "test", "check", "format", "bench", "images", "lock", "clean"} <= listed


def test_no_metric_is_labelled_by_room_link_or_person() -> None:
    labels = {label for metric in REGISTRY.collect() for sample in metric.samples for label in sample.labels}
    assert not labels & {"room", "url", "user", "member", "host", "address", "connection", "item"}


def test_every_room_script_says_what_it_does_and_takes() -> None:
    for script in (ROOT / "services" / "common" / "room" / "scripts").glob("*.lua"):
        assert script.read_text(encoding="utf-8").startswith("-- "), script.name


def test_tracked_files_name_no_path_of_somebodys_machine() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    ).stdout.split("\0")
    homes = re.compile(rb"(?<![\w.:/-])/(?:root|Users|home/[a-z]+)/[\w.]")
    found = [
        name
        for name in tracked
        if name and (path := Path(ROOT / name)).is_file() and homes.search(path.read_bytes()) and name != "LICENSE"
    ]
    assert found == []
