"""The manifests for Kubernetes and for Compose: well-formed, hardened, and with settings that a start takes."""

import copy
import re
from collections.abc import Iterator
from pathlib import Path

import compose_spec
import kubernetes_validate
import pytest
import yaml

from support.certificates import Authority
from support.contract import ROOT
from support.server import MASTER_KEY, run

KUBERNETES = ROOT / "deploy/kubernetes"
COMPOSE = ROOT / "deploy/compose.yaml"
VERSION = "1.37"


def manifests() -> dict[str, dict]:
    """By kind and name, all but the list of them."""
    read = [yaml.safe_load(path.read_text()) for path in sorted(KUBERNETES.glob("*.yaml"))]
    return {f"{found['kind']}/{found['metadata']['name']}": found for found in read if found["kind"] != "Kustomization"}


def pods() -> Iterator[tuple[str, dict]]:
    for name, manifest in manifests().items():
        if template := manifest["spec"].get("template") if "spec" in manifest else None:
            yield name, template


def test_each_manifest_is_what_kubernetes_takes() -> None:
    for manifest in manifests().values():
        kubernetes_validate.validate(manifest, VERSION, strict=True)
    wrong = copy.deepcopy(manifests()["Deployment/ipse"])
    wrong["spec"]["template"]["spec"]["enableServiceLink"] = False
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSION, strict=True)


def test_all_but_the_job_are_applied_together() -> None:
    together = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
    assert set(together) | {"kustomization.yaml", "migrate.yaml"} == {path.name for path in KUBERNETES.iterdir()}


def test_pods_may_do_nothing_that_they_need_not() -> None:
    assert {name for name, _ in pods()} == {"Deployment/ipse", "Job/ipse-migrate"}
    for name, pod in pods():
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"] and spec["securityContext"]["runAsUser"] > 0, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not spec["automountServiceAccountToken"] and not spec["enableServiceLinks"], name
        for container in spec["containers"]:
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"] and not security["allowPrivilegeEscalation"], name
            assert security["capabilities"] == {"drop": ["ALL"]}, name
            assert container["resources"]["limits"]["memory"], name
            assert not re.search(r":latest$|^[^:]+$", container["image"]), name
            volumes = {volume["name"] for volume in spec["volumes"]}
            assert {mount["name"] for mount in container["volumeMounts"]} == volumes, name


def test_what_selects_the_replicas_finds_them() -> None:
    found = manifests()
    deployment = found["Deployment/ipse"]["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    for selector in (
        deployment["selector"]["matchLabels"],
        found["Service/ipse"]["spec"]["selector"],
        found["PodDisruptionBudget/ipse"]["spec"]["selector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()
    job = found["Job/ipse-migrate"]["spec"]["template"]["metadata"]["labels"]
    assert not found["Service/ipse"]["spec"]["selector"].items() <= job.items(), "the job is no replica"
    assert found["PodDisruptionBudget/ipse"]["spec"]["maxUnavailable"] < deployment["replicas"]
    [container] = deployment["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert {port["targetPort"] for port in found["Service/ipse"]["spec"]["ports"]} == set(ports)
    settings = found["ConfigMap/ipse"]["data"]
    for name in ("grpc", "http"):
        assert settings[f"IPSE_{name.upper()}_LISTEN"].endswith(f":{ports[name]}")
    for probe, path in [("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")]:
        assert container[probe]["httpGet"] == {"path": path, "port": "http"}
    assert deployment["template"]["spec"]["terminationGracePeriodSeconds"] > 30


def test_the_settings_for_kubernetes_are_complete(tmp_path: Path) -> None:
    settings = {name: value.replace("/run/secrets", str(tmp_path)) for name, value in manifests()["ConfigMap/ipse"]["data"].items()}
    mounted = {mount["mountPath"] for _, pod in pods() for c in pod["spec"]["containers"] for mount in c["volumeMounts"]}
    contents = {"database-url": "postgres://u:p@db.example.com/ipse", "master-key": MASTER_KEY, "smtp-url": "smtps://u:p@mail.example.com"}
    for name, value in settings.items():
        if name.endswith("_FILE"):
            file = Path(value)
            assert str(file.parent).replace(str(tmp_path), "/run/secrets") in mounted, name
            file.parent.mkdir(exist_ok=True)
            if file.name in contents:
                file.write_text(contents[file.name])
    for made, name in zip(Authority(tmp_path).issue("id.example.com"), ("tls.crt", "tls.key"), strict=True):
        made.rename(tmp_path / "ipse-tls" / name)
    checked = run("config", "check", cwd=tmp_path, settings=settings)
    assert checked.returncode == 0 and checked.stdout.endswith("the settings are valid\n"), checked.stderr
    documented = (ROOT / "docs/operations.md").read_text()
    for name, pod in pods():
        for volume in pod["spec"]["volumes"]:
            assert volume["secret"]["secretName"] in documented, name


def compose() -> dict:
    return {name: part for name, part in yaml.safe_load(COMPOSE.read_text()).items() if not name.startswith("x-")}


def test_the_compose_file_is_what_compose_takes() -> None:
    def check(file: dict) -> None:
        compose_spec.PyCompose.from_yaml(yaml.safe_dump(file)).validate()

    check(compose())
    wrong = compose()
    wrong["services"]["mail"]["depend_on"] = ["database"]
    with pytest.raises(ValueError):
        check(wrong)


def test_the_services_of_the_compose_file_belong_together() -> None:
    services = compose()["services"]
    assert set(services) == {"ipse", "migrate", "database", "mail"}
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= set(services), name
        # Nothing of this trial is for other machines.
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
    for name in ("ipse", "migrate"):
        service = services[name]
        assert service["read_only"] and service["cap_drop"] == ["ALL"], name
        assert (COMPOSE.parent / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    assert services["ipse"]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    for text in (services["ipse"]["environment"]["IPSE_DATABASE_URL"], services["ipse"]["environment"]["IPSE_SMTP_URL"]):
        [host] = re.findall(r"(?:@|//)([a-z]+)[/:]\w+", text.replace("//ipse:", ""))
        assert host in services


def test_the_settings_of_the_compose_file_are_complete(tmp_path: Path) -> None:
    settings = compose()["services"]["ipse"]["environment"]
    assert re.match(r"\$\{IPSE_MASTER_KEY:\?", settings["IPSE_MASTER_KEY"]), "no key is everybody's"
    checked = run("config", "check", cwd=tmp_path, settings=settings | {"IPSE_MASTER_KEY": MASTER_KEY})
    assert checked.returncode == 0 and checked.stdout.endswith("the settings are valid\n"), checked.stderr
