"""Commands in the form Telegram accepts: one that breaks a rule has all of them refused."""

import pytest

from adapters.telegram.menu import commands
from bridge.lent import MenuItem
from tests.telegram.emulator.commands import CommandLists

ODD = [
    MenuItem("new", "begin a new conversation"),
    MenuItem("News_24", "what\nhappened"),
    MenuItem("NEW", "the same word"),
    MenuItem("two-words", "a hyphen"),
    MenuItem("天气", "not in Latin letters"),
    MenuItem("x" * 33, "too long"),
    MenuItem("essay", "y" * 300),
    MenuItem("silent", " "),
]


def accepted(items: list[MenuItem]) -> dict[str, str]:
    """Let the emulator, which has Telegram's rules, take them."""
    lists = CommandLists()
    lists.set({}, "", [command.to_dict() for command in commands(items)])
    return {command.name: command.description for command in lists.get({}, "")}


def test_what_telegram_would_refuse_is_left_out_or_cut() -> None:
    assert accepted(ODD) == {
        "new": "begin a new conversation",
        "news_24": "what happened",
        "essay": "y" * 256,
        "silent": "silent",
    }


@pytest.mark.parametrize("many", [100, 101, 500])
def test_more_than_fit_are_left_out_from_the_end(many: int) -> None:
    assert len(accepted([MenuItem(f"c{number}", "x") for number in range(many)])) == 100
