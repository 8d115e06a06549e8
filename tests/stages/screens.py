"""A screen as the turn uses it: claims, snapshots, and the pages that are stored at the end."""

import asyncio
from collections.abc import Sequence

from bridge.events import Page
from bridge.screen import Screen
from bridge.store.outbox import PageState
from bridge.store.sessions import Session
from bridge.store.turns import Turn
from tests.stages.world import World

LANE = "fake/fake/room/"
SESSION = Session(LANE, "default", "uid", "c1")


def growing(*texts: str) -> list[Page]:
    """Pages of an answer that still streams: all but the last are final."""
    return [Page(text, final=number < len(texts) - 1) for number, text in enumerate(texts)]


def whole(*texts: str) -> list[Page]:
    return [Page(text, final=True) for text in texts]


async def answered(world: World, turn: Turn, pages: Sequence[Page]) -> Turn:
    return await world.ledger.answered(turn, SESSION, pages, text="whole")


async def screen_of(world: World) -> tuple[Turn, Screen]:
    turn = await world.taken()
    return turn, await world.outbox.screen(turn)


async def show(screen: Screen, pages: Sequence[Page]) -> None:
    """Wait for the pace, then show, as the turn does."""
    while (seconds := await screen.claim()) > 0:
        await asyncio.sleep(seconds)
    await screen.show(lambda: pages)


async def settle(world: World, turn: Turn, screen: Screen) -> None:
    """Let the pages stand, and write that down, as the end of a turn does."""
    await world.pages.settled(turn, await screen.settle())


async def states(world: World, turn: Turn) -> list[PageState]:
    return [page.state for page in await world.pages.of(turn)]
