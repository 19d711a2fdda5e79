"""The manifests build, fit their schemas, and keep the rules that operators hold us to."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import kubernetes_validate
import pytest
import yaml

from services import __version__
from services.common.config import PREFIX
from services.gateway.config import GatewaySettings
from services.proxy.config import ProxySettings
from services.resolver.config import ResolverSettings
from services.sync.config import SyncSettings
from tests.support.kubernetes import WORKLOADS, Manifest, containers, has_kubectl, name, of_kind, render
from tests.support.node import ROOT

OVERLAYS = ["overlays/local", "overlays/production"]
KUBERNETES = "1.31"
OURS = {"gateway", "sync", "resolver", "proxy"}
# Kinds whose schemas come with the operators that define them.
FOREIGN = {"PodMonitor", "PrometheusRule", "HTTPRoute", "CiliumEgressGatewayPolicy"}
PRIVATE = ["10.1.2.3", "172.20.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "127.0.0.1", "fd00::1", "fe80::1"]
SHAPES = (GatewaySettings, SyncSettings, ResolverSettings, ProxySettings)

pytestmark = pytest.mark.skipif(not has_kubectl(), reason="no kubectl on this machine renders the manifests")


@pytest.fixture(params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> tuple[Manifest, ...]:
    return render(request.param)


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> tuple[Manifest, ...]:
    """The base with every component at once, which no installation has."""
    folder = ROOT / "k8s"
    components = sorted(
        f"../../{path.parent.relative_to(folder)}" for path in folder.glob("components/*/kustomization.yaml")
    )
    # kustomize reads nothing outside of the folder it starts from, except kustomizations: links would be refused.
    inside = folder / "overlays" / ".all"
    inside.mkdir(exist_ok=True)
    try:
        text = {"resources": ["../../base"], "components": [*components, "../../monitoring"]}
        (inside / "kustomization.yaml").write_text(yaml.safe_dump(text))
        return render("overlays/.all")
    finally:
        (inside / "kustomization.yaml").unlink()
        inside.rmdir()


def test_every_manifest_fits_its_schema(everything: tuple[Manifest, ...], overlay: tuple[Manifest, ...]) -> None:
    for manifest in (*everything, *overlay):
        if manifest["kind"] not in FOREIGN:
            kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


def test_no_container_has_rights_it_does_not_need(everything: tuple[Manifest, ...]) -> None:
    for workload in of_kind(everything, *WORKLOADS):
        pod = workload["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True, name(workload)
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC"}
        for container in containers(workload):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name(workload)


def test_every_container_has_limits_probes_and_a_version(everything: tuple[Manifest, ...]) -> None:
    for workload in of_kind(everything, *WORKLOADS):
        for container in containers(workload):
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), name(workload)
            assert "memory" in container["resources"]["limits"]
            assert {"livenessProbe", "readinessProbe"} <= container.keys()
            assert re.search(r":[\w.-]*\d", container["image"]), container["image"]


def test_images_of_ours_have_the_version_of_the_code(overlay: tuple[Manifest, ...]) -> None:
    for workload in of_kind(overlay, *WORKLOADS):
        if workload["metadata"]["name"] in OURS:
            assert [c["image"].rpartition(":")[2] for c in containers(workload)] == [__version__]


@pytest.mark.parametrize("file", ["compose.yaml", "k8s/components/pot-provider/deployment.yaml"])
def test_the_provider_of_po_tokens_has_the_version_of_its_plugin(file: str) -> None:
    (plugin,) = re.findall(r"(?m)^(bgutil-ytdlp-pot-provider==\S+)", (ROOT / "requirements/resolver.txt").read_text())
    image = plugin.replace("==", ":")
    assert re.findall(r"image: brainicism/(\S+)", (ROOT / file).read_text()) == [image]


def test_liveness_knows_the_process_alone_and_readiness_more(everything: tuple[Manifest, ...]) -> None:
    for workload in ours(everything):
        (container,) = containers(workload)
        assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "admin"}
        assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "admin"}


def test_a_pod_has_time_to_drain(everything: tuple[Manifest, ...]) -> None:
    for workload in ours(everything):
        (container,) = containers(workload)
        drain_s = next(int(entry["value"]) for entry in container["env"] if entry["name"] == "WT_DRAIN_S")
        before_s = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
        assert workload["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= drain_s + before_s + 5


def test_every_pod_is_under_a_policy_and_the_default_is_silence(everything: tuple[Manifest, ...]) -> None:
    policies = of_kind(everything, "NetworkPolicy")
    nobody = next(policy for policy in policies if policy["metadata"]["name"] == "nobody")
    assert nobody["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    selected = [
        policy["spec"]["podSelector"].get("matchLabels", {}).get("app.kubernetes.io/name") for policy in policies
    ]
    assert {workload["metadata"]["name"] for workload in of_kind(everything, *WORKLOADS)} <= set(selected)


def test_no_policy_lets_anybody_into_a_private_network(everything: tuple[Manifest, ...]) -> None:
    for policy in of_kind(everything, "NetworkPolicy"):
        for address in PRIVATE:
            assert not any(opens(block, address) for block in blocks(policy)), (name(policy), address)


def test_only_resolver_and_proxy_reach_the_internet_without_the_access_component(overlay: tuple[Manifest, ...]) -> None:
    reaching = {
        p["metadata"]["name"] for p in of_kind(overlay, "NetworkPolicy") if any(opens(b, "8.8.8.8") for b in blocks(p))
    }
    assert reaching == {"resolver", "proxy"}


def test_with_access_the_gateway_and_sync_reach_https_alone(everything: tuple[Manifest, ...]) -> None:
    for policy in of_kind(everything, "NetworkPolicy"):
        if policy["metadata"]["name"] in ("gateway", "sync"):
            rules = [rule for rule in policy["spec"]["egress"] if any("ipBlock" in peer for peer in rule["to"])]
            assert [rule["ports"] for rule in rules] == [[{"port": 443, "protocol": "TCP"}]]


def test_redis_answers_to_our_services_alone(everything: tuple[Manifest, ...]) -> None:
    policy = next(p for p in of_kind(everything, "NetworkPolicy") if p["metadata"]["name"] == "redis")
    ((rule,),) = [
        [peer["podSelector"]["matchExpressions"][0] for peer in entry["from"]] for entry in policy["spec"]["ingress"]
    ]
    assert set(rule["values"]) == OURS
    assert "egress" not in policy["spec"]


def test_a_proxy_keeps_no_more_than_its_volume_holds(overlay: tuple[Manifest, ...]) -> None:
    (settings,) = [c["data"] for c in of_kind(overlay, "ConfigMap") if "WT_SECRET_FILE" in c["data"]]
    kept = int(settings.get("WT_PROXY_DISK_BYTES", ProxySettings().proxy_disk_bytes))
    proxy = next(w for w in of_kind(overlay, "StatefulSet") if w["metadata"]["name"] == "proxy")
    size = proxy["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"]
    # A tenth for the file system and the index.
    assert kept <= 0.9 * int(size.removesuffix("Gi")) * 2**30


def test_redis_refuses_before_it_would_be_killed(everything: tuple[Manifest, ...]) -> None:
    redis = next(w for w in of_kind(everything, *WORKLOADS) if w["metadata"]["name"] == "redis")
    (container,) = containers(redis)
    most = container["args"][container["args"].index("--maxmemory") + 1]
    assert container["resources"]["limits"]["memory"] == "1Gi"
    # A rewrite of its file copies what is changed meanwhile.
    assert int(most.removesuffix("mb")) <= 0.8 * 1024


def test_who_traces_reaches_the_collector_and_nobody_else_does(everything: tuple[Manifest, ...]) -> None:
    (settings,) = [c for c in of_kind(everything, "ConfigMap") if "WT_TRACE_ENDPOINT" in c["data"]]
    port = urlsplit(settings["data"]["WT_TRACE_ENDPOINT"]).port
    rule = {
        "to": [{"namespaceSelector": {"matchLabels": {"watch-together/tracing": "true"}}}],
        "ports": [{"port": port, "protocol": "TCP"}],
    }
    policies = of_kind(everything, "NetworkPolicy")
    assert {p["metadata"]["name"] for p in policies if rule in p["spec"].get("egress", [])} == {"sync", "resolver"}


def test_what_refers_to_a_workload_finds_it(everything: tuple[Manifest, ...], overlay: tuple[Manifest, ...]) -> None:
    for manifests in (everything, overlay):
        workloads = {name(workload) for workload in of_kind(manifests, *WORKLOADS)}
        labels = {workload["metadata"]["name"] for workload in of_kind(manifests, *WORKLOADS)}
        for scaler in of_kind(manifests, "HorizontalPodAutoscaler"):
            target = scaler["spec"]["scaleTargetRef"]
            assert f"{target['kind']}/{target['name']}" in workloads
        for budget in of_kind(manifests, "PodDisruptionBudget"):
            assert budget["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"] in labels
        for service in of_kind(manifests, "Service"):
            assert service["spec"]["selector"]["app.kubernetes.io/name"] in labels


def test_every_service_keeps_a_replica_through_disruptions_and_spreads(everything: tuple[Manifest, ...]) -> None:
    budgets = {budget["metadata"]["name"] for budget in of_kind(everything, "PodDisruptionBudget")}
    assert budgets >= OURS
    for workload in ours(everything):
        spread = workload["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert {entry["topologyKey"] for entry in spread} == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}


def test_every_autoscaler_can_fall_back_to_cpu(everything: tuple[Manifest, ...]) -> None:
    scalers = of_kind(everything, "HorizontalPodAutoscaler")
    assert {scaler["metadata"]["name"] for scaler in scalers} == OURS
    for scaler in scalers:
        assert [m for m in scaler["spec"]["metrics"] if m["type"] == "Resource" and m["resource"]["name"] == "cpu"]


def test_production_holds_no_secret_and_runs_restricted() -> None:
    manifests = render("overlays/production")
    assert of_kind(manifests, "Secret") == []
    (namespace,) = of_kind(manifests, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for workload in of_kind(manifests, *WORKLOADS):
        for container in containers(workload):
            for entry in container.get("env", []):
                assert "value" not in entry or not re.search(r"SECRET$|PASSWORD|TOKEN|REDIS_URL", entry["name"])


def test_in_production_resolver_and_proxy_share_a_way_out() -> None:
    selectors = {
        workload["metadata"]["name"]: workload["spec"]["template"]["spec"].get("nodeSelector")
        for workload in ours(render("overlays/production"))
    }
    assert selectors["resolver"] == selectors["proxy"] == {"watch-together/egress": "shared"}
    assert selectors["sync"] is None


def test_the_edge_routes_as_compose_does_and_never_to_internal_paths(everything: tuple[Manifest, ...]) -> None:
    routed = {}
    for ingress in of_kind(everything, "Ingress"):
        for path in ingress["spec"]["rules"][0]["http"]["paths"]:
            routed[path["path"]] = path["backend"]["service"]["name"]
            if path["path"] != "/":
                assert ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-buffering"] == "off"
    assert routed == {"/": "gateway", "/ws/": "sync", "/api/proxy": "proxy"}
    (route,) = of_kind(everything, "HTTPRoute")
    assert routed == {
        rule["matches"][0]["path"]["value"]: rule["backendRefs"][0]["name"] for rule in route["spec"]["rules"]
    }


def test_addresses_that_name_no_object_do_not_all_go_to_one_proxy(everything: tuple[Manifest, ...]) -> None:
    annotations = [ingress["metadata"]["annotations"] for ingress in of_kind(everything, "Ingress")]
    (key,) = filter(None, (each.get("nginx.ingress.kubernetes.io/upstream-hash-by") for each in annotations))
    # What ingress-nginx accepts there without snippets.
    assert re.fullmatch(r"[\w${}-]+", key)

    def place(query: str) -> str:
        given = parse_qs(query)
        return re.sub(r"\$arg_(\w+?)(?=\$|$)", lambda name: given.get(name[1], [""])[0], key)

    assert place("url=a&o=x&e=1&s=1") == place("url=a&o=x&e=2&s=2") != place("url=a&o=y&e=1&s=1")
    assert place("url=a") == place("url=a&n=1") != place("url=b")


@pytest.mark.parametrize("file", ["compose.yaml", "services/Dockerfile", *OVERLAYS])
def test_every_setting_that_operators_files_name_exists(file: str) -> None:
    path = ROOT / file
    text = path.read_text(encoding="utf-8") if path.is_file() else yaml.safe_dump_all(render(file))
    known = {PREFIX + field.name.upper() for shape in SHAPES for field in dataclasses.fields(shape)}
    assert set(re.findall(r"\bWT_[A-Z_]*[A-Z]", text)) - {"WT_VERSION"} <= known


def ours(manifests: tuple[Manifest, ...]) -> list[Manifest]:
    """The four services' workloads."""
    found = [workload for workload in of_kind(manifests, *WORKLOADS) if workload["metadata"]["name"] in OURS]
    assert len(found) == len(OURS)
    return found


def blocks(policy: Manifest) -> Iterator[Manifest]:
    """The address ranges that a policy lets pods reach."""
    for rule in policy["spec"].get("egress", []):
        for peer in rule["to"]:
            if "ipBlock" in peer:
                yield peer["ipBlock"]


def opens(block: Manifest, address: str) -> bool:
    """Whether a range holds an address."""
    ip = ipaddress.ip_address(address)
    return ip in ipaddress.ip_network(block["cidr"]) and not any(
        ip in ipaddress.ip_network(hole) for hole in block.get("except", [])
    )
