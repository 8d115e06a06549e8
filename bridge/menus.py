"""The commands that platforms offer: our own, and those of the agent that answers there."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from bridge.adapter import ShowsMenus
from bridge.errors import BridgeError, Transient
from bridge.lent import MenuItem
from bridge.logs import get
from bridge.phrases import MENU
from bridge.published import Published
from bridge.upstream import Shortcut

log = get(__name__)

LOOK_EVERY = 30.0  # seconds between two looks at whether they changed, or are still not shown


def menus(shortcuts: Iterable[Shortcut]) -> Mapping[str, Sequence[MenuItem]]:
    """Put the agent's commands behind ours, in every language; a word of ours stays ours."""
    found = [MenuItem(each.word, each.description or each.word) for each in shortcuts]
    return {
        language: [
            *(MenuItem(word, text) for word, text in menu.items()),
            *(item for item in found if item.word.casefold() not in menu),
        ]
        for language, menu in MENU.items()
    }


async def keep_shown(
    account: str,
    adapter: ShowsMenus,
    *,
    agent: str,
    published: Published,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Show what an account's agent offers, now and whenever it was published anew; never ends.

    Begins once the agent is known, so that no restart takes its commands away for a moment.
    """
    await published.read(agent)
    shown = None
    while True:
        wanted = menus(published.known(agent).shortcuts)
        if wanted != shown and await _are_shown(account, adapter, wanted):
            shown = wanted
        await sleep(LOOK_EVERY)


async def _are_shown(
    account: str, adapter: ShowsMenus, wanted: Mapping[str, Sequence[MenuItem]]
) -> bool:
    """Show them, or tell that it is worth another try: a bot without its menu still answers."""
    try:
        await adapter.menus(wanted)
    except Exception as error:  # noqa: BLE001  an ornament must not end a process that answers
        log.warning("menu.failed", account=account, error=str(error) or repr(error))
        return isinstance(error, BridgeError) and not isinstance(error, Transient)
    return True
