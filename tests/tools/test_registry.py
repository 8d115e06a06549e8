"""Tools are found by name: built in, brought by packages, named in the configuration."""

import sys
from pathlib import Path

import pytest

from adapters.registry import settings_model
from bridge.check import offline
from bridge.config import Settings, load
from bridge.errors import Misconfigured
from bridge.tools import Caller
from bridge.tools.registry import look, open_toolbox
from bridge.tools.tool import Tool
from bridge.upstream import ToolCall

ALWAYS = {"ask_contact", "ask_location", "current_time"}
MINIMAL = """
[coze]
token = "pat_x"
[agents.default]
bot_id = "1"
[adapters.web]
"""
WEATHER = """
from bridge.tools import repeatable

@repeatable
async def get_weather(city: str, days: int = 1) -> str:
    return "sun"

def at_once(): ...

async def untyped(city): ...
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of the bridge, with somebody's file in it."""
    (tmp_path / "weather.py").write_text(WEATHER, encoding="utf-8")
    (tmp_path / "broken.py").write_text("1 / 0", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def loaded(text: str, folder: Path) -> Settings:
    path = folder / "config.toml"
    path.write_text(MINIMAL + text, encoding="utf-8")
    return load(path, {}, settings_model)


def found(text: str, folder: Path) -> dict[str, Tool]:
    tools, problems = look(loaded(text, folder).tools)
    assert problems == []
    return tools


def test_some_tools_need_no_table(folder: Path) -> None:
    assert set(found("", folder)) == ALWAYS


def test_one_of_them_can_be_taken_away(folder: Path) -> None:
    assert set(found("[tools.ask_contact]\nenabled = false", folder)) == ALWAYS - {"ask_contact"}


def test_a_function_in_a_file_becomes_a_tool(folder: Path) -> None:
    its = found('[tools.forecast]\nuse = "weather.py:get_weather"', folder)["forecast"]
    assert (its.name, its.repeatable, its.timeout) == ("forecast", True, 20)
    assert its.arguments.names == ("city", "days")


def test_a_function_of_a_module_becomes_a_tool(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(folder))
    its = found('[tools.get_weather]\nuse = "weather:get_weather"', folder)["get_weather"]
    assert its.function is sys.modules["weather"].get_weather


def test_the_table_has_the_last_word(folder: Path) -> None:
    table = """
    [tools.get_weather]
    use = "weather.py:get_weather"
    repeatable = false
    timeout = 3
    agents = ["default"]
    """
    its = found(table, folder)["get_weather"]
    assert (its.repeatable, its.timeout, its.agents) == (False, 3, frozenset({"default"}))


def test_a_built_in_tool_may_have_another_name(folder: Path) -> None:
    assert "clock" in found('[tools.clock]\nuse = "current_time"', folder)


async def test_a_package_brings_tools(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caller: Caller
) -> None:
    """Installed is enough, and a name of ours wins."""
    brought = folder / "brought-1.dist-info"
    brought.mkdir()
    (brought / "METADATA").write_text("Metadata-Version: 2.1\nName: brought\nVersion: 1\n")
    (brought / "entry_points.txt").write_text(
        "[coze_bridge.tools]\nget_weather = brought:get_weather\ncurrent_time = brought:nothing\n"
    )
    (folder / "brought.py").write_text(WEATHER, encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))
    assert set(found("", folder)) == {*ALWAYS, "get_weather"}
    assert "other" in found('[tools.other]\nuse = "get_weather"', folder)
    box = open_toolbox(loaded("[tools.get_weather]\ntimeout = 1", folder).tools)
    done = await box.run(ToolCall("1", "get_weather", '{"city": "Rome"}'), caller)
    assert done.output == "sun"


@pytest.mark.parametrize(
    ("use", "complaint"),
    [
        ("nowhere:get", "nowhere:get cannot be imported: No module named 'nowhere'; install it"),
        ("weather.py:nothing", "weather.py:nothing cannot be loaded: AttributeError"),
        ("absent.py:get", "absent.py:get cannot be loaded: FileNotFoundError"),
        ("broken.py:get", "broken.py:get cannot be loaded: ZeroDivisionError"),
        ("get_wether", 'there is no tool get_wether; write "module:function"'),
        ("weather.py:at_once", "weather.py:at_once is not an async function"),
        ("weather.py:untyped", "weather.py:untyped parameter city has no type"),
    ],
)
async def test_what_cannot_be_loaded_is_said_with_its_cure(
    folder: Path, use: str, complaint: str
) -> None:
    settings = loaded(f'[tools.it]\nuse = "{use}"', folder)
    with pytest.raises(Misconfigured) as caught:
        open_toolbox(settings.tools)
    [problem] = caught.value.problems
    assert problem.startswith(f"tools.it.use: {complaint}")
    findings = await offline(folder / "config.toml", {})
    assert problem in [finding.text for finding in findings if finding.verdict == "wrong"]


async def test_check_says_what_an_agent_may_give_them(folder: Path) -> None:
    loaded('[tools.get_weather]\nuse = "weather.py:get_weather"', folder)
    texts = [finding.text for finding in await offline(folder / "config.toml", {})]
    [said] = [text for text in texts if text.startswith("tools: ")]
    assert "get_weather(city, days)" in said


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("[tools.x]\ntimout = 1", "tools.x.timout: unknown key; did you mean timeout?"),
        ('[tools.x]\nhosts = ["a"]', "tools.x.hosts: unknown key"),
        ('[tools.x]\nagents = ["b"]', "tools.x.agents: there is no table [agents.b]"),
        ("[tools.x]\ntimeout = 0", "tools.x.timeout: must be greater than 0"),
        ("[tools.http_request]", "tools.http_request.hosts: missing; name those"),
        (
            '[tools.http_request]\nhosts = ["https://a.example"]',
            'tools.http_request.hosts.0: must be a name such as "api.example.com"',
        ),
        (
            '[tools.http_request]\nhosts = ["a"]\nmethods = ["G-ET"]',
            "tools.http_request.methods.0: must be an HTTP method",
        ),
    ],
)
def test_a_wrong_key_is_an_error(folder: Path, table: str, problem: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        loaded(table, folder)
    assert [line for line in caught.value.problems if line.startswith(problem)]


def test_the_environment_can_name_tools(folder: Path) -> None:
    path = folder / "config.toml"
    path.write_text(MINIMAL, encoding="utf-8")
    environ = {
        "COZE_BRIDGE_TOOLS__HTTP_REQUEST__HOSTS": "api.example.com, intranet:8443",
        "COZE_BRIDGE_TOOLS__HTTP_REQUEST__METHODS": "get,post",
    }
    tools, problems = look(load(path, environ, settings_model).tools)
    assert problems == []
    assert not tools["http_request"].repeatable
