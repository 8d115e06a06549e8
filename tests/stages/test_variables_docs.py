"""docs/variables.md says what there is."""

import re
import tomllib
from pathlib import Path

from bridge.config import AgentSettings
from bridge.config.values import VARIABLE_SOURCES

PAGE = (Path(__file__).parents[2] / "docs" / "variables.md").read_text(encoding="utf-8")


def test_every_example_is_a_valid_configuration() -> None:
    examples = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert examples
    for example in examples:
        for agent in tomllib.loads(example)["agents"].values():
            AgentSettings.model_validate({"bot_id": "1", **agent})


def test_every_source_is_explained() -> None:
    table = "".join(line for line in PAGE.splitlines() if line.startswith("| `"))
    named = set(re.findall(r"`([a-z_.-]+)`", table.replace("constant:TEXT", "constant")))
    assert set(VARIABLE_SOURCES) <= named
