"""Who talks to which agent, and in which conversation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bridge.errors import Permanent
from bridge.events import Inbound
from bridge.store import Store
from bridge.store.browsing import Piece, Place, talks_from
from bridge.store.operator_log import Deed, noted
from bridge.store.overview import Held, Ran, Talk, Which, held, talk, turns_of
from bridge.store.people import Identity, identities_of, identity
from bridge.store.sessions import end_conversation

LOOK = 500  # lanes that are looked at in one go
GOES = 4  # of them, until whoever searches is asked whether to go on


@dataclass(frozen=True, slots=True)
class Shown:
    """One lane in detail. of: whose it is, as an identity; None if nobody knows any more."""

    talk: Talk
    of: Identity | None
    held: Sequence[Held]
    turns: Sequence[Ran]


async def browse(store: Store, which: Which, after: Place | None = None) -> Piece[Talk]:
    """Turn over a list, however long; those used last first. Raises `Unreachable`."""
    if which.search and after is None and (exact := await store.read(talk(which.search))):
        return Piece([exact], None)
    selects = bool(which.search or which.platform or which.agent)
    found: list[Talk] = []
    for _ in range(GOES if selects else 1):
        look = LOOK if selects else which.limit + 1
        rest = Which(which.platform, which.agent, which.search, which.limit - len(found))
        piece = await store.read(talks_from(rest, after, look))
        found += piece.found
        after = piece.then
        if after is None or len(found) >= which.limit:
            break
    return Piece(found, after)


async def show(store: Store, lane: str, *, turns: int, conversations: int = 10) -> Shown:
    """One lane with its newest turns. Raises `Permanent` if there is none of that name."""
    found = await _find(store, lane)
    had = await store.read(held(found.lane, conversations))
    return Shown(
        talk=found,
        of=await _identity(store, found, had),
        held=had,
        turns=await store.read(turns_of(found.lane, turns)),
    )


async def reset(store: Store, lane: str, *, by: str, now: datetime) -> Talk:
    """Let the next question begin a new conversation; returns what there was before.

    by: who did it, for the log. Raises like `show`.
    """
    found = await _find(store, lane)
    ending = end_conversation(found.lane, found.agent, now)
    await store.write(noted(ending, lambda _: Deed(now, by, "reset", found.lane)))
    return found


def who(said: Inbound | None) -> str:
    """Name whoever wrote, by the best name there is; a group after them."""
    if said is None:
        return ""
    name = said.user.name or said.user.username or said.user.id
    return f"{name} in {said.title}" if said.title else name


async def _find(store: Store, lane: str) -> Talk:
    found = await store.read(talk(lane))
    if found is None:
        raise Permanent(f"{lane}: no such lane; `coze-bridge sessions list --search …` finds one")
    return found


async def _identity(store: Store, found: Talk, had: Sequence[Held]) -> Identity | None:
    if found.said is not None:
        return await store.read(identity(found.platform, found.account, found.said.user.id))
    # What was said is not kept for ever.
    known = await store.read(identities_of({each.uid for each in had[:1]}))
    return next((each for each in known if each.account == found.account), None)
