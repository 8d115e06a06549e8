"""docs/tools.md says what the code does, and its first tool works."""

import json
import re
from pathlib import Path

import pytest

from adapters.registry import settings_model
from bridge.config import WEB_REQUEST, ToolSettings, WebRequestSettings, load
from bridge.tools import Caller
from bridge.tools.outputs import LONGEST, Trouble
from bridge.tools.registry import BUILT_IN, look, open_toolbox
from bridge.upstream import ToolCall

PAGE = (Path(__file__).parents[2] / "docs" / "tools.md").read_text(encoding="utf-8")
MINIMAL = '[coze]\ntoken = "x"\n[agents.default]\nbot_id = "1"\n[adapters.web]\n'


def block(language: str, number: int = 0) -> str:
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", PAGE, re.MULTILINE | re.DOTALL)
    indent, text = found[number]
    return re.sub(rf"^{indent}", "", text, flags=re.MULTILINE)


def rows(heading: str) -> dict[str, str]:
    """First and second cell of each row of the table below a heading."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", section, re.MULTILINE))


async def test_the_first_tool_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caller: Caller
) -> None:
    (tmp_path / "weather.py").write_text(block("python"), encoding="utf-8")
    (tmp_path / "config.toml").write_text(MINIMAL + block("toml"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    box = open_toolbox(load(tmp_path / "config.toml", {}, settings_model).tools)

    async def told(**arguments: object) -> str:
        call = ToolCall("1", "get_weather", json.dumps(arguments))
        return (await box.run(call, caller)).output

    assert json.loads(await told(city="Rome", days=2))["forecast"] == ["sun", "rain"]
    assert json.loads(await told(city="Paris"))["error"]["message"].startswith("I know no Paris")
    assert json.loads(await told(town="Rome")) == json.loads(block("json"))


def test_every_trouble_is_described() -> None:
    assert set(rows("What the agent reads when there is no result")) == set(Trouble)


def test_every_built_in_tool_is_described_with_its_arguments() -> None:
    request = WebRequestSettings(hosts=("a",))
    tools, _ = look({WEB_REQUEST: request, **{name: ToolSettings() for name in BUILT_IN}})
    described = {name: re.findall(r"`(\w+)`", cell) for name, cell in rows("Built in").items()}
    assert described == {
        name: list(tools[name].arguments.names) for name in (*BUILT_IN, WEB_REQUEST)
    }


def test_the_longest_output_is_described() -> None:
    assert f"{LONGEST:,}\n  characters" in PAGE
