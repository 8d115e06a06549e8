"""deploy/compose.yaml and deploy/kubernetes.yaml: by their schemas, and by our own rules."""

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from adapters.registry import settings_model
from bridge.config import CozeSettings, Settings, load
from tests.deploy.image import Step, steps
from tests.deploy.known import complaints, is_setting

ROOT = Path(__file__).parent.parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text("utf-8"))
KUBERNETES: list[dict[str, Any]] = [
    *yaml.safe_load_all((ROOT / "deploy/kubernetes.yaml").read_text("utf-8"))
]
GRACE = Settings(coze=CozeSettings(), agents={}, adapters={}).server.grace

CONTENTS = {
    "coze_token": "pat_for_coze",
    "web_token": "a-long-random-word",
    "database_url": "postgresql://bridge:secret@db/bridge",
    "db_password": "secret",
}


def in_image(name: str) -> str:
    """What the last stage of the Dockerfile says."""
    found: list[Step] = [step for step in steps(ROOT / "Dockerfile") if step.name == name]
    return found[-1].value


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """A folder in the place of /run/secrets."""
    for name, content in CONTENTS.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path


# Compose


def services(command: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, service in COMPOSE["services"].items():
        if not command or service["image"].startswith(command):
            yield name, service


def test_compose_knows_every_word_of_it() -> None:
    schema = files("check_jsonschema.builtin_schemas.vendor") / "compose-spec.json"
    jsonschema.validate(COMPOSE, json.loads(schema.read_text("utf-8")))


def test_no_service_can_change_its_image_or_has_powers() -> None:
    for _, service in services():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "/tmp" in service["tmpfs"]


def test_every_variable_of_the_bridge_is_a_setting() -> None:
    for _, service in services("coze-bridge"):
        assert [name for name in service["environment"] if not is_setting(name)] == []


def test_the_bridge_runs_with_what_compose_gives_it(secrets: Path) -> None:
    environ = environment(COMPOSE["services"]["bridge"], secrets)
    assert complaints(environ) == []
    settings = load(None, environ, settings_model)
    database = COMPOSE["services"]["db"]["environment"]
    user, name = database["POSTGRES_USER"], database["POSTGRES_DB"]
    assert settings.database.url == f"postgresql://{user}:secret@db/{name}"


def environment(service: dict[str, Any], secrets: Path) -> dict[str, str]:
    """As Compose would give it: variables of the operator's replaced, and secrets in place."""
    said = {"BOT_ID": "7342866812345678901"}

    def replaced(text: str) -> str:
        filled = re.sub(r"\$\{(\w+):[?-]([^}]*)\}", lambda m: said.get(m[1], m[2]), text)
        return filled.replace("/run/secrets", str(secrets))

    return {name: replaced(str(value)) for name, value in service["environment"].items()}


def test_every_secret_is_given_where_it_is_read() -> None:
    used = set()
    for _, service in services():
        read = re.findall(r"/run/secrets/(\w+)", json.dumps(service["environment"]))
        assert sorted(read) == sorted(service["secrets"])
        used |= {*read}
    assert used == set(COMPOSE["secrets"])
    assert all(its["file"] == f"secrets/{name}" for name, its in COMPOSE["secrets"].items())


def test_the_database_is_migrated_before_anybody_uses_it() -> None:
    waits = COMPOSE["services"]["bridge"]["depends_on"]
    assert waits["migrate"] == {"condition": "service_completed_successfully"}
    assert COMPOSE["services"]["migrate"]["command"] == ["migrate"]
    assert "healthcheck" in COMPOSE["services"]["db"]


def test_answers_may_end_before_compose_kills() -> None:
    service = COMPOSE["services"]["bridge"]
    grace = float(service["environment"]["COZE_BRIDGE_SERVER__GRACE"])
    assert float(service["stop_grace_period"].removesuffix("s")) >= grace + 10


def test_only_this_machine_reaches_the_port_of_the_image() -> None:
    assert COMPOSE["services"]["bridge"]["ports"] == [
        f"127.0.0.1:{in_image('EXPOSE')}:{in_image('EXPOSE')}"
    ]
    assert "ports" not in COMPOSE["services"]["db"]


def test_what_lasts_is_in_a_volume() -> None:
    assert COMPOSE["services"]["bridge"]["volumes"] == [f"files:{in_image('VOLUME')}"]
    assert set(COMPOSE["volumes"]) == {"database", "files"}


# Kubernetes


def resource(kind: str) -> dict[str, Any]:
    (found,) = (each for each in KUBERNETES if each["kind"] == kind)
    return found


def pod() -> dict[str, Any]:
    spec: dict[str, Any] = resource("Deployment")["spec"]["template"]["spec"]
    return spec


def containers() -> list[dict[str, Any]]:
    return [*pod()["initContainers"], *pod()["containers"]]


@pytest.mark.parametrize("each", KUBERNETES, ids=lambda each: str(each["kind"]))
def test_kubernetes_knows_every_word_of_it(each: dict[str, Any]) -> None:
    kubernetes_validate.validate(each, "1.34", strict=True)


def test_the_bridge_runs_with_what_kubernetes_gives_it(secrets: Path, tmp_path: Path) -> None:
    text = resource("ConfigMap")["data"]["config.toml"].replace("/run/secrets", str(secrets))
    config = tmp_path / "config.toml"
    config.write_text(text, encoding="utf-8")
    assert complaints({}, config) == []
    settings = load(config, {}, settings_model)
    assert settings.database.url.startswith("postgresql://")
    assert pod()["terminationGracePeriodSeconds"] >= settings.server.grace + 10


def test_configuration_and_secrets_are_mounted_where_they_are_read() -> None:
    for container in containers():
        mounts = {its["name"]: its["mountPath"] for its in container["volumeMounts"]}
        (config,) = container["env"]
        assert config["value"] == f"{mounts['config']}/config.toml"
        assert mounts["secrets"] == "/run/secrets"
        assert mounts["files"] == in_image("VOLUME")
        assert "/tmp" in mounts.values()
        assert set(mounts) == {volume["name"] for volume in pod()["volumes"]}


def test_every_variable_of_a_container_is_a_setting() -> None:
    names = {variable["name"] for container in containers() for variable in container["env"]}
    assert [name for name in names if not is_setting(name)] == []


def test_variables_of_kubernetes_itself_do_not_pass_for_settings() -> None:
    """It would say COZE_BRIDGE_SERVICE_HOST, because the Service has our name."""
    assert not is_setting("COZE_BRIDGE_SERVICE_HOST")
    assert pod()["enableServiceLinks"] is False


def test_pods_meet_the_restricted_standard() -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/"""
    context = pod()["securityContext"]
    assert context["runAsNonRoot"] is True
    assert str(context["runAsUser"]) == in_image("USER")
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in containers():
        own = container["securityContext"]
        assert own["allowPrivilegeEscalation"] is False
        assert own["readOnlyRootFilesystem"] is True
        assert own["capabilities"] == {"drop": ["ALL"]}


def test_a_secret_is_for_the_user_of_the_container_and_nobody_else() -> None:
    (volume,) = (each for each in pod()["volumes"] if each["name"] == "secrets")
    assert volume["secret"]["defaultMode"] & 0o027 == 0


def test_ports_and_labels_lead_from_the_service_to_the_bridge() -> None:
    (bridge,) = pod()["containers"]
    (port,) = bridge["ports"]
    assert str(port["containerPort"]) == in_image("EXPOSE")
    (served,) = resource("Service")["spec"]["ports"]
    assert served["targetPort"] == port["name"]
    labels = resource("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert resource("Service")["spec"]["selector"].items() <= labels.items()
    for kind in ("PodDisruptionBudget", "Deployment"):
        assert resource(kind)["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_it_is_restarted_when_it_hangs_and_spared_traffic_when_it_cannot_work() -> None:
    (bridge,) = pod()["containers"]
    paths = {
        name: bridge[f"{name}Probe"]["httpGet"]["path"]
        for name in ("startup", "liveness", "readiness")
    }
    assert paths == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}
    assert all(bridge[f"{name}Probe"]["httpGet"]["port"] == "http" for name in paths)


def test_one_replica_at_a_time_is_missing_at_most() -> None:
    assert resource("Deployment")["spec"]["replicas"] == 3
    assert resource("PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


# Both


def test_the_image_is_of_this_version() -> None:
    version = re.search(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text("utf-8"), re.M)
    assert version
    images = {service["image"] for _, service in services("coze-bridge")}
    images |= {container["image"] for container in containers()}
    assert images == {f"coze-bridge:{version[1]}"}
