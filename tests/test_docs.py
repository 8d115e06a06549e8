"""What is written for people says what the code does: the example, and the pages in docs/."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import Metric, generate_latest
from prometheus_client.metrics import MetricWrapperBase
from pydantic import BaseModel

import bridge.errors
import bridge.metrics
from adapters.registry import settings_model
from bridge.check import not_yet
from bridge.config import (
    AgentSettings,
    CozeSettings,
    Settings,
    ToolSettings,
    WebRequestSettings,
    load,
)
from bridge.config.sources import keys
from bridge.coze.codes import MEANINGS
from bridge.errors import BridgeError, Misconfigured

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "config.example.toml"
PLATFORMS = ("web", "telegram", "slack")


def load_text(text: str, folder: Path) -> Settings:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, {}, settings_model)


def uncommented(*marks: str) -> str:
    """The example without the comment mark before keys and tables; prose stays a comment."""
    text = EXAMPLE.read_text("utf-8")
    return re.sub(rf"^(?:{'|'.join(marks)}) (?=[a-z_]+ = |\[)", "", text, flags=re.MULTILINE)


# Every key there is


def schema() -> set[str]:
    """Dotted names of all keys, `agents.<name>` and `tools.<name>` standing for every one."""
    found = set(leaves(AgentSettings, "agents.<name>"))
    found |= set(leaves(ToolSettings, "tools.<name>"))
    of_requests = set(keys(WebRequestSettings)) - set(keys(ToolSettings))
    found |= {f"tools.http_request.{key}" for key in of_requests}
    for platform in PLATFORMS:
        found |= set(leaves(settings_model(platform), f"adapters.{platform}"))
    for name, field in Settings.model_fields.items():
        if name not in {"agents", "adapters", "tools"}:
            found |= set(leaves(model_in(field.annotation), name))
    return found


def leaves(model: type[BaseModel] | None, where: str) -> Iterator[str]:
    assert model is not None
    for key in keys(model):
        field = model.model_fields.get(key)
        inner = model_in(field.annotation) if field else None
        if inner:
            yield from leaves(inner, f"{where}.{key}")
        else:
            yield f"{where}.{key}"


def model_in(annotation: Any) -> type[BaseModel] | None:
    for candidate in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


SHOWN = {"agents": "default", "tools": "get_weather"}
"""The tables of which the example shows one that stands for all."""

FREE = {f"agents.<name>.{table}" for table in ("variables", "custom_variables", "parameters")}
"""Tables whose keys are the operator's own."""


def keys_in(table: dict[str, Any], where: str = "") -> Iterator[str]:
    for key, value in table.items():
        name = f"{where}.{key}".lstrip(".")
        for section, shown in SHOWN.items():
            name = name.replace(f"{section}.{shown}.", f"{section}.<name>.")
        if isinstance(value, dict) and name not in FREE:
            yield from keys_in(value, name)
        else:
            yield name


# The example


def test_example_equals_the_defaults(tmp_path: Path) -> None:
    assert load_text(EXAMPLE.read_text("utf-8"), tmp_path) == Settings(
        coze=CozeSettings.model_validate({"token": "pat_your_token"}),
        agents={"default": AgentSettings(bot_id="7342866812345678901")},
        adapters={"web": settings_model("web").model_validate({"platform": "web"})},
    )


def test_example_can_be_run_by_this_version(tmp_path: Path) -> None:
    assert not_yet(load_text(EXAMPLE.read_text("utf-8"), tmp_path)) == []


def test_defaults_in_the_example_are_the_true_ones(tmp_path: Path) -> None:
    assert load_text(uncommented("#"), tmp_path) == load_text(EXAMPLE.read_text("utf-8"), tmp_path)


def test_every_line_of_the_example_is_valid(tmp_path: Path) -> None:
    """With all of it in force, only what excludes each other is complained about."""
    secret = tmp_path / "secret"
    secret.write_text("x", encoding="utf-8")
    everything = re.sub(r'"/run/secrets/[a-z_.]+"', f'"{secret}"', uncommented("#:", "#"))
    with pytest.raises(Misconfigured) as caught:
        load_text(everything, tmp_path)
    assert sorted(caught.value.problems) == [
        "adapters.slack.app_token: given twice, here and as app_token_file; keep one",
        "adapters.slack.bot_token: given twice, here and as bot_token_file; keep one",
        "adapters.slack.client_id: missing; it stands beside the secret under Basic Information",
        "adapters.slack.client_secret: given twice, here and as client_secret_file; keep one",
        "adapters.slack.signing_secret: given twice, here and as signing_secret_file; keep one",
        "adapters.telegram.token: given twice, here and as token_file; keep one",
        "adapters.web.token: given twice, here and as token_file; keep one",
        "agents.default.custom_variables: a chatflow has none; give it parameters instead",
        "agents.default.workflow_id: given together with bot_id; keep one",
        "coze.oauth.private_key: given twice, here and as private_key_file; keep one",
        "coze.token: given twice, here and as token_file; keep one",
        "database.secret_key: given twice, here and as secret_key_file; keep one",
        "database.url: given twice, here and as url_file; keep one",
    ]


def test_example_has_every_key_and_no_other() -> None:
    assert set(keys_in(tomllib.loads(uncommented("#:", "#")))) == schema()


def test_platform_settings_shown_in_the_example_are_their_defaults() -> None:
    shown = tomllib.loads(uncommented("#:", "#"))["adapters"]
    for platform in PLATFORMS:
        secrets = {key.removesuffix("_file") for key in shown[platform] if key.endswith("_file")}
        plain = {
            key: value
            for key, value in shown[platform].items()
            if key.removesuffix("_file") not in secrets
        }
        model = settings_model(platform)
        assert model.model_validate(plain) == model.model_validate({"platform": platform})


# docs/configuration.md


def rows(page: Path) -> dict[str, str]:
    """First and second column of every table row whose first cell is in backticks."""
    found = re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", page.read_text("utf-8"), re.MULTILINE)
    return {key: value.strip() for key, value in found}


def test_every_setting_is_described_and_nothing_else() -> None:
    described = set(rows(ROOT / "docs" / "configuration.md"))
    assert described == {name for name in schema() if not name.endswith("_file")}


def test_defaults_described_are_the_true_ones() -> None:
    shown = tomllib.loads(uncommented("#:", "#"))
    for name, default in rows(ROOT / "docs" / "configuration.md").items():
        if default in {"required", "empty", "table's name", "generated"}:
            continue
        value = shown
        section = name.partition(".")[0]
        for key in name.replace("<name>", SHOWN.get(section, "")).split("."):
            value = value[key]
        assert tomllib.loads(f"x = {default.strip('`')}")["x"] == value, name


# docs/errors.md


def test_every_error_is_described() -> None:
    page = (ROOT / "docs" / "errors.md").read_text("utf-8")
    errors = {
        name
        for name, value in vars(bridge.errors).items()
        if isinstance(value, type) and issubclass(value, BridgeError)
    }
    assert {name for name in errors if f"`{name}`" not in page} == set()


def test_every_code_of_coze_is_described_with_its_class() -> None:
    page = (ROOT / "docs" / "errors.md").read_text("utf-8")
    described = dict(re.findall(r"^\| (\d{4,}) \| `(\w+)` \|", page, re.MULTILINE))
    assert described == {str(code): its.kind.__name__ for code, its in MEANINGS.items()}


# docs/metrics.md


def test_every_metric_is_described_and_nothing_else() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    described = re.findall(r"^\| `(\w+)` \| (\w+) \|", page, re.MULTILINE)
    assert sorted(described) == sorted(
        (f"{metric.name}_total" if metric.type == "counter" else metric.name, metric.type)
        for metric in every_metric()
    )


def every_metric() -> list[Metric]:
    """Those without labels, or not, that have not been counted yet are told as well."""
    ours = [it for it in vars(bridge.metrics).values() if isinstance(it, MetricWrapperBase)]
    return [*(each for it in ours for each in it.describe()), *bridge.metrics.PROCESS.collect()]


def test_nothing_else_is_told_to_a_scraper() -> None:
    """Whatever is registered is ours, and a counter has no second series of when it began."""
    told = set(re.findall(r"^# TYPE (\w+)", generate_latest().decode(), re.MULTILINE))
    assert told <= {
        f"{metric.name}_total" if metric.type == "counter" else metric.name
        for metric in every_metric()
    }
    assert all(name.startswith("coze_bridge_") for name in told)


# The dashboard

DASHBOARD = ROOT / "deploy" / "grafana" / "coze-bridge.json"


def queries() -> list[str]:
    """Every query of the dashboard, and every alert that docs/metrics.md proposes."""
    board = json.loads(DASHBOARD.read_text("utf-8"))
    found = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    found += [each["definition"] for each in board["templating"]["list"] if "definition" in each]
    page = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    return found + re.findall(r"^\| `([^`]*[ (][^`]*)`", page, re.MULTILINE)


def series() -> dict[str, set[str]]:
    """The series a scraper sees, with their labels."""
    suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"], "gauge": [""]}
    labels = {
        collector._name: set(collector._labelnames)
        for collector in vars(bridge.metrics).values()
        if isinstance(collector, MetricWrapperBase)
    }
    return {
        metric.name + suffix: labels.get(metric.name, set())
        | ({"le"} if suffix == "_bucket" else set())
        for metric in every_metric()
        for suffix in suffixes[metric.type]
    }


@pytest.mark.parametrize("query", queries())
def test_every_query_names_series_that_there_are(query: str) -> None:
    known = series()
    names = re.findall(r"coze_bridge_\w+", query)
    assert names
    assert set(names) <= set(known)
    labels = {label for name in names for label in known[name]} | {"job", "instance"}
    filtered = re.findall(r"(\w+)(?:=~|!~|!=|=)\\?\"", query)
    grouped = re.findall(r"\bby \(([^)]*)\)", query)
    used = {*filtered, *(word.strip() for words in grouped for word in words.split(","))}
    assert used <= labels


def test_every_metric_of_ours_is_on_the_dashboard_or_is_told_of_elsewhere() -> None:
    shown = " ".join(queries())
    assert {name for name in (m.name for m in every_metric()) if name not in shown} <= {
        "coze_bridge_process_virtual_memory_bytes",
        "coze_bridge_process_start_time_seconds",
        "coze_bridge_process_max_fds",
    }


def test_panels_do_not_cover_each_other_and_have_their_own_id() -> None:
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in panels}) == len(panels)


# Links


def pages() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#|mailto:)([^)#]+)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
