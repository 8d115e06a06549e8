"""The command lists of a bot, by scope and language."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from tests.telegram.emulator.errors import bad
from tests.telegram.emulator.inbox import Json

_NAME = re.compile(r"/?[a-z0-9_]{1,32}")
_LANGUAGE = re.compile(r"([a-z]{2})?")
_SCOPES = {
    "default": (),
    "all_private_chats": (),
    "all_group_chats": (),
    "all_chat_administrators": (),
    "chat": ("chat_id",),
    "chat_administrators": ("chat_id",),
    "chat_member": ("chat_id", "user_id"),
}
MOST_COMMANDS = 100


@dataclass(frozen=True, slots=True)
class Command:
    """A command, without its slash."""

    name: str
    description: str

    def shown(self) -> Json:
        return {"command": self.name, "description": self.description}


class CommandLists:
    """What setMyCommands stored. writes: how often anything was written."""

    def __init__(self) -> None:
        self._lists: dict[tuple[str, str], tuple[Command, ...]] = {}
        self.writes = 0

    def set(self, scope: Mapping[str, object], language: str, given: list[object]) -> None:
        """Raises `Refused`."""
        commands = tuple(_command(item) for item in given)
        if len(commands) > MOST_COMMANDS:
            raise bad("BOT_COMMANDS_TOO_MUCH")
        self._lists[_key(scope, language)] = commands
        self.writes += 1

    def get(self, scope: Mapping[str, object], language: str) -> tuple[Command, ...]:
        return self._lists.get(_key(scope, language), ())

    def delete(self, scope: Mapping[str, object], language: str) -> None:
        self._lists.pop(_key(scope, language), None)
        self.writes += 1


def _key(scope: Mapping[str, object], language: str) -> tuple[str, str]:
    kind = scope.get("type", "default")
    if not isinstance(kind, str) or kind not in _SCOPES:
        raise bad("can't parse BotCommandScope: Unsupported type specified")
    for name in _SCOPES[kind]:
        if not scope.get(name):
            raise bad(f"can't parse BotCommandScope: Can't find field \"{name}\"")
    if not _LANGUAGE.fullmatch(language):
        raise bad("invalid language code specified")
    return json.dumps({"type": kind} | dict(scope), sort_keys=True), language


def _command(item: object) -> Command:
    if not isinstance(item, dict):
        raise bad("can't parse BotCommand: expected an Object")
    name, description = item.get("command"), item.get("description")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise bad("BOT_COMMAND_INVALID")
    if not isinstance(description, str) or not 1 <= len(description) <= 256:
        raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
    return Command(name.removeprefix("/"), description)
