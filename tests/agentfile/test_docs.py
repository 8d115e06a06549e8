"""docs/agents.md, read as a person does: every command is typed, every edit is made."""

import asyncio
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from bridge.agentfile.blueprint import Blueprint
from bridge.agentfile.fields import flatten
from bridge.agentfile.judge import judge
from bridge.emulator import Emulator
from tests.agentfile.command import agent_command, configured
from tests.agentfile.test_sync import edit
from tests.test_docs import model_in

PAGE = Path(__file__).parents[2] / "docs" / "agents.md"


def blocks() -> Iterator[tuple[str, str]]:
    yield from re.findall(r"^```(\w+)\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)


def amend(path: Path, diff: str) -> None:
    """Make an edit: each removed line gives way to the added one behind it, if there is one."""
    lines = path.read_text("utf-8").splitlines()
    edits = diff.splitlines()
    for number, line in enumerate(edits):
        if line.startswith("-"):
            at = lines.index(line[1:])
            following = edits[number + 1] if number + 1 < len(edits) else ""
            lines[at : at + 1] = [following[1:]] if following.startswith("+") else []
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


async def typed(command: str, folder: Path) -> str:
    """Type a command; what a person sees of it, with its exit code if that is not 0."""
    done = await asyncio.to_thread(agent_command, *command.split()[2:], folder=folder)
    ended = f"[exit {done.returncode}]\n" if done.returncode else ""
    return done.stdout + done.stderr + ended


async def test_every_command_says_what_the_page_says(emulator: Emulator, tmp_path: Path) -> None:
    configured(tmp_path, emulator)
    typed_any = False
    for kind, text in blocks():
        if kind == "diff":
            amend(tmp_path / "agents" / "default.toml", text)
        elif kind == "coze":
            edit(emulator, **dict(re.findall(r'(\w+) = "(.*)"', text)))
        elif kind == "console":
            for step in re.findall(r"^\$ (.+)\n((?:[^$].*\n)*)", text, re.M):
                assert await typed(step[0], tmp_path) == step[1], step[0]
                typed_any = True
    assert typed_any


def test_every_example_of_a_file_is_valid_and_every_key_is_in_one() -> None:
    shown: set[str] = set()
    for kind, text in blocks():
        if kind == "toml":
            judge("docs/agents.md", text, lambda _: b"content")
            shown |= {key for key, _ in flatten(tomllib.loads(text))}
    assert set(keys(Blueprint)) - shown == {"prompt_file", "prefix_prompt", "dynamic_prompt_file"}


def keys(model: type[BaseModel], above: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        inner = model_in(field.annotation)
        if inner is None:
            yield above + name
        else:
            yield from keys(inner, f"{above}{name}.")
