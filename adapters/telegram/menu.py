"""The list of commands behind the "/" button, per language."""

import re
from collections.abc import Mapping, Sequence

from telegram import Bot, BotCommand

from adapters.telegram.faults import NotModified, as_bridge_errors
from bridge.errors import BridgeError, Transient
from bridge.lent import MenuItem
from bridge.logs import get

log = get(__name__)

# https://core.telegram.org/bots/api#botcommand and #setmycommands; one command that breaks a
# rule has the whole list refused.
_NAME = re.compile(r"[a-z0-9_]{1,32}")
_LONGEST_DESCRIPTION = 256
_MOST_COMMANDS = 100


async def show_menus(bot: Bot, menus: Mapping[str, Sequence[MenuItem]], account: str) -> None:
    """Register the commands where they differ from what Telegram has. Raises `Transient`.

    menus: by language (ISO 639-1), empty for everybody else. A list that is refused is logged,
    and the others are shown.
    """
    for language, items in menus.items():
        try:
            await _show(bot, language, commands(items))
        except Transient:
            raise
        except (BridgeError, NotModified) as error:
            log.warning("menu.refused", account=account, language=language, error=str(error))


def commands(items: Sequence[MenuItem]) -> list[BotCommand]:
    """Put commands in Telegram's form; one that has none can only be typed."""
    found: dict[str, BotCommand] = {}
    for item in items:
        name = item.word.lower()
        if _NAME.fullmatch(name) and name not in found:
            description = " ".join(item.description.split())[:_LONGEST_DESCRIPTION]
            found[name] = BotCommand(name, description or name)
    return list(found.values())[:_MOST_COMMANDS]


async def _show(bot: Bot, language: str, wanted: list[BotCommand]) -> None:
    with as_bridge_errors():
        if list(await bot.get_my_commands(language_code=language or None)) != wanted:
            await bot.set_my_commands(wanted, language_code=language or None)
