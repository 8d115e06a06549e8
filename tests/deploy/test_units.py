"""What systemd is asked for: judged by systemd itself where it is, and by our own rules."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel

from adapters.registry import settings_model
from bridge.config import CozeSettings, Settings
from bridge.config.sources import keys
from tests.deploy.known import is_setting
from tests.deploy.units import DEPLOY, PROGRAM, credentials, directives, environment

UNIT = DEPLOY / "coze-bridge.service"
TEMPLATE = DEPLOY / "coze-bridge@.service"
DROP_INS = sorted((DEPLOY / "coze-bridge.service.d").glob("*.conf"))
DEFAULTS = Settings(coze=CozeSettings(), agents={}, adapters={})
MADE_BY_THE_BRIDGE = {"telegram.webhook_secret"}

judged_by_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


def installed(unit: Path, folder: Path) -> Path:
    """Copy a unit with a program that is on this machine, because systemd looks whether it is."""
    copy = folder / unit.name
    copy.write_text(unit.read_text("utf-8").replace(PROGRAM, sys.executable), encoding="utf-8")
    return copy


def analyse(*words: str) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@judged_by_systemd
@pytest.mark.parametrize("unit", [UNIT, TEMPLATE], ids=lambda path: path.name)
def test_systemd_has_nothing_to_say_against_it(unit: Path, tmp_path: Path) -> None:
    copy = installed(unit, tmp_path)
    done = analyse("verify", "--man=no", str(copy.with_name(copy.name.replace("@", "@8081"))))
    assert (done.returncode, done.stderr) == (0, "")


@judged_by_systemd
def test_systemd_takes_every_drop_in(tmp_path: Path) -> None:
    copy = installed(UNIT, tmp_path)
    shutil.copytree(DEPLOY / "coze-bridge.service.d", tmp_path / "coze-bridge.service.d")
    done = analyse("verify", "--man=no", str(copy))
    assert (done.returncode, done.stderr) == (0, "")


@judged_by_systemd
@pytest.mark.parametrize("unit", [UNIT, TEMPLATE], ids=lambda path: path.name)
def test_it_is_exposed_at_most_2(unit: Path) -> None:
    done = analyse("security", "--offline=true", "--threshold=20", "--no-pager", str(unit))
    assert done.returncode == 0, done.stdout


def test_replicas_differ_only_by_their_port() -> None:
    def body(unit: Path) -> str:
        return unit.read_text("utf-8").partition("[Unit]")[2]

    port = "Environment=COZE_BRIDGE_SERVER__PORT=%i\n"
    wanted = body(TEMPLATE).replace(port, "").replace("coze-bridge-%i", "coze-bridge")
    assert wanted.replace(", replica on port %i", "") == body(UNIT)


@pytest.mark.parametrize("unit", [UNIT, TEMPLATE, *DROP_INS], ids=lambda path: path.name)
def test_every_variable_is_a_setting(unit: Path) -> None:
    ours = [name for name in environment(unit) if name.startswith("COZE_BRIDGE_")]
    assert ours
    assert [name for name in ours if not is_setting(name)] == []


def test_a_misspelt_setting_would_be_seen() -> None:
    assert not is_setting("COZE_BRIDGE_COZE__TOKN_FILE")


@pytest.mark.parametrize("unit", [UNIT, *DROP_INS], ids=lambda path: path.name)
def test_every_credential_is_handed_on_and_used(unit: Path) -> None:
    used = {value for name, value in environment(unit).items() if name.endswith("_FILE") and value}
    assert used == {f"%d/{name}" for name in credentials(unit)}


def test_no_two_credentials_share_a_name() -> None:
    files = {name: path for unit in (UNIT, *DROP_INS) for name, path in credentials(unit).items()}
    assert files == {name: f"/etc/coze-bridge/secrets/{name}" for name in files}


def test_every_secret_there_is_can_be_a_credential() -> None:
    given = {name for unit in (UNIT, *DROP_INS) for name in environment(unit)}
    wanted = {
        f"COZE_BRIDGE_{key.replace('.', '__').upper()}"
        for key in secret_files()
        if key.removeprefix("adapters.").removesuffix("_file") not in MADE_BY_THE_BRIDGE
    }
    assert wanted - given == set()


def secret_files() -> list[str]:
    """The `x_file` of every secret `x`, with its section."""
    models: dict[str, type[BaseModel]] = {
        f"adapters.{name}": settings_model(name) for name in ("telegram", "slack", "web")
    }
    for name in ("coze", "database", "server"):
        models[name] = type(getattr(DEFAULTS, name))
    models["coze.oauth"] = inner("oauth", models["coze"])
    return [
        f"{section}.{key}"
        for section, model in models.items()
        for key in keys(model)
        if key.removesuffix("_file") in model.model_fields and key not in model.model_fields
    ]


def inner(name: str, model: type[BaseModel]) -> type[BaseModel]:
    (found,) = (
        each
        for each in model.model_fields[name].annotation.__args__
        if isinstance(each, type) and issubclass(each, BaseModel)
    )
    return found


def test_a_running_answer_may_end_before_systemd_kills() -> None:
    assert dict(directives(UNIT))["TimeoutStopSec"].isdigit()
    assert int(dict(directives(UNIT))["TimeoutStopSec"]) > DEFAULTS.server.grace + 10


def test_a_mistake_in_the_configuration_is_not_tried_again() -> None:
    assert ("RestartPreventExitStatus", "2") in directives(UNIT)


def test_the_blocked_loop_is_told_of() -> None:
    """The default signal of the watchdog is SIGABRT, which Python answers with a traceback."""
    assert environment(UNIT)["PYTHONFAULTHANDLER"] == "1"
    assert re.fullmatch(r"\d+", dict(directives(UNIT))["WatchdogSec"])


def test_the_page_for_operators_names_every_drop_in_and_no_other() -> None:
    page = (DEPLOY.parent / "docs/deployment.md").read_text("utf-8")
    named = set(re.findall(r"[\w-]+\.conf(?!\w)", page)) - {"journald.conf"}
    assert named == {path.name for path in DROP_INS}


def test_the_page_for_operators_names_files_that_are_there() -> None:
    page = (DEPLOY.parent / "docs/deployment.md").read_text("utf-8")
    named = set(re.findall(r"deploy/[\w@./-]*\w", page))
    assert len(named) > 4
    assert [name for name in named if not (DEPLOY.parent / name).exists()] == []
