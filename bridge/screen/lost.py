"""A post of which nobody heard whether it was made: the process died, or the connection broke.

It is looked for before it is made again. Some platforms find it by a mark that it carries
(`Recalls`). Others number their messages and tell of a number only whether it is ours (`Probes`);
there we ask about the numbers that nobody else has, and believe it only where nothing else can
be meant. Where nothing is found, or asking fails, the post is made anew: better twice than never.
"""

import asyncio

from bridge.errors import BridgeError, Unreachable
from bridge.line import Line, Sleep
from bridge.logs import get
from bridge.store.outbox import Pages
from bridge.store.turns import Turn

log = get(__name__)

WITHIN = 10.0  # seconds for all questions about one post


async def find(
    line: Line, pages: Pages, turn: Turn, key: str, sleep: Sleep, *, by: float
) -> str | None:
    """The id of a turn's post that nobody heard of; None if there is none, or nobody can tell.

    key: the one it was sent with. by: see `Probes.search`. Raises `Unreachable` while the
    platform, or the database, is.
    """
    if line.recalls:
        known = await pages.known_since(turn)
        return await line.recall(key, turn.event.sent_at, known)
    if not line.probes:
        return None
    found = await _asked_for(line, pages, turn, sleep, by)
    log.info("post.looked_for", turn=turn.id, found=found)
    return found


async def _asked_for(line: Line, pages: Pages, turn: Turn, sleep: Sleep, by: float) -> str | None:
    around = await pages.around(turn)
    if not around.alone:
        return None  # what is found may be the other's
    try:
        async with asyncio.timeout(WITHIN):
            found = await line.search(turn.event, around, sleep, by=by)
    except (BridgeError, TimeoutError) as error:
        if isinstance(error, Unreachable) and not error.happened:
            raise  # there is no way to the platform, for the post either
        log.warning("post.not_looked_for", turn=turn.id, error=repr(error))
        return None
    if found is None:
        return None
    # Others may have begun meanwhile, and posted, and ended.
    since = await pages.around(turn)
    taken = (turn.event.chat.chat, found) in since.posted
    return found if since.alone and not taken else None
