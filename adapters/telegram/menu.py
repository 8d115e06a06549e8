"""The list of commands behind the "/" button, per language."""

from collections.abc import Mapping, Sequence

from telegram import Bot, BotCommand

from adapters.telegram.faults import NotModified, as_bridge_errors
from bridge.adapter import MenuItem
from bridge.errors import BridgeError, Transient
from bridge.logs import get

log = get(__name__)


async def show_menus(bot: Bot, menus: Mapping[str, Sequence[MenuItem]], account: str) -> None:
    """Register the commands where they differ from what Telegram has; never raises.

    menus: by language (ISO 639-1), empty for everybody else.
    """
    for language, items in menus.items():
        try:
            await _show(bot, language, items)
        except (BridgeError, NotModified) as error:
            # A bot without its menu still answers, and the next start tries again.
            log.warning("menu.failed", account=account, language=language, error=str(error))
            if isinstance(error, Transient):
                return  # the others would have to wait just as long


async def _show(bot: Bot, language: str, items: Sequence[MenuItem]) -> None:
    wanted = [BotCommand(item.word, item.description) for item in items]
    with as_bridge_errors():
        if list(await bot.get_my_commands(language_code=language or None)) != wanted:
            await bot.set_my_commands(wanted, language_code=language or None)
