"""docs/commands.md has every command, with every option, and nothing else."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from bridge.cli.main import app

PAGE = Path(__file__).parent.parent / "docs" / "commands.md"
ALWAYS = {"--help", "--config"}
"""Options that the page explains once, above its tables."""


def commands() -> dict[str, set[str]]:
    """Every command by what one types for it, with its options."""
    root: Any = typer.main.get_command(app)
    context = root.make_context("coze-bridge", ["demo"], resilient_parsing=True)
    return dict(below(root, context, ""))


def below(command: Any, context: Any, name: str) -> Iterator[tuple[str, set[str]]]:
    if hasattr(command, "list_commands"):
        for each in command.list_commands(context):
            inner = command.get_command(context, each)
            yield from below(inner, context, f"{name} {each}".strip())
    else:
        options = {its.opts[0] for its in command.params if its.opts[0].startswith("--")}
        yield name, options - ALWAYS


def described() -> dict[str, set[str]]:
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]*) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    return {
        re.sub(r" [A-Z\[][A-Z…\]]*", "", name): set(re.findall(r"`(--[a-z-]+)", options))
        for name, options in rows
    }


def test_every_command_is_described_with_its_options_and_nothing_else() -> None:
    assert described() == commands()


def test_every_command_is_named_by_the_table_of_the_page_it_belongs_to() -> None:
    """And each family has a page that is linked."""
    page = PAGE.read_text("utf-8")
    for family in ("agents.md", "operating.md", "api.md", "slack.md", "quickstart.md"):
        assert f"]({family})" in page
