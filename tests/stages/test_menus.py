"""The commands that platforms offer: shown once, and again when the agent was published anew."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from bridge.errors import Permanent, Unauthorised, Unreachable
from bridge.lent import MenuItem
from bridge.menus import LOOK_EVERY, keep_shown, menus
from bridge.phrases import MENU
from bridge.published import Published
from bridge.testing.agent import ScriptedAgent
from bridge.upstream import Profile, Shortcut

NEWS = Shortcut("news", "what happened", "Search the news.")


@dataclass
class Board:
    """A platform with a menu. errors: of the next tries to show one."""

    shown: list[Mapping[str, Sequence[MenuItem]]] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    tries: int = 0

    async def menus(self, menus: Mapping[str, Sequence[MenuItem]]) -> None:
        self.tries += 1
        if self.errors:
            raise self.errors.pop(0)
        self.shown.append(menus)

    def words(self, language: str = "") -> list[str]:
        return [item.word for item in self.shown[-1][language]]


@asynccontextmanager
async def kept(board: Board, published: Published) -> AsyncIterator[None]:
    task = asyncio.create_task(keep_shown("a", board, agent="default", published=published))
    try:
        await asyncio.sleep(0)
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def published(agent: ScriptedAgent) -> Published:
    return Published({"default": agent})


OURS = list(MENU[""])


def test_the_agents_commands_stand_behind_ours_in_every_language() -> None:
    for language, items in menus([NEWS]).items():
        assert [item.word for item in items] == [*MENU[language], "news"]
        assert items[-1].description == "what happened"


def test_a_word_of_ours_stays_ours() -> None:
    assert menus([Shortcut("New", "something else")]) == menus([])


def test_one_without_a_description_describes_itself() -> None:
    assert menus([Shortcut("news")])[""][-1] == MenuItem("news", "news")


async def test_nothing_is_shown_before_the_agent_is_known(agent: ScriptedAgent) -> None:
    known = published(agent)
    board = Board()
    async with kept(board, known):
        await asyncio.sleep(3 * LOOK_EVERY)
        assert board.shown == []
        known.note("default", Profile(shortcuts=(NEWS,)))
        await asyncio.sleep(0)
        assert board.words() == [*OURS, "news"]


async def test_an_agent_that_may_not_be_read_leaves_ours(agent: ScriptedAgent) -> None:
    known = published(agent)
    board = Board()
    async with kept(board, known):
        known.note("default", None)
        await asyncio.sleep(0)
        assert board.words() == OURS


async def test_a_menu_is_shown_again_only_when_it_changed(agent: ScriptedAgent) -> None:
    known = published(agent)
    known.note("default", Profile(version="1"))
    board = Board()
    async with kept(board, known):
        for version in ("2", "3"):
            known.note("default", Profile(version=version))
            await asyncio.sleep(LOOK_EVERY)
        assert board.tries == 1
        known.note("default", Profile(version="4", shortcuts=(NEWS,)))
        await asyncio.sleep(LOOK_EVERY)
        assert board.words() == [*OURS, "news"]
        known.note("default", Profile(version="5"))
        await asyncio.sleep(LOOK_EVERY)
        assert board.words() == OURS
    assert board.tries == 3


async def test_what_may_pass_is_tried_again_what_may_not_is_left(agent: ScriptedAgent) -> None:
    known = published(agent)
    known.note("default", Profile())
    board = Board(errors=[Unreachable("down"), Unreachable("down")])
    async with kept(board, known):
        await asyncio.sleep(5 * LOOK_EVERY)
        assert (board.tries, len(board.shown)) == (3, 1)
        board.errors = [Permanent("refused")]
        known.note("default", Profile(shortcuts=(NEWS,)))
        await asyncio.sleep(5 * LOOK_EVERY)
        assert (board.tries, len(board.shown)) == (4, 1)


async def test_an_answer_nobody_expected_does_not_end_the_process(agent: ScriptedAgent) -> None:
    known = published(agent)
    known.note("default", Profile())
    board = Board(errors=[TypeError("'bool' object is not iterable")])
    async with kept(board, known):
        await asyncio.sleep(2 * LOOK_EVERY)
        assert (board.tries, len(board.shown)) == (2, 1)


async def test_what_was_read_once_is_not_read_again(agent: ScriptedAgent) -> None:
    known = published(agent)
    agent.prologue = Profile("Bo", version="1")
    assert await known.of("default") == agent.prologue
    agent.fail("check", Unreachable("away"))
    agent.prologue = Profile("Bo", version="2")
    assert (await known.of("default")).version == "1"


async def test_before_that_its_errors_are_told_where_waiting_helps(agent: ScriptedAgent) -> None:
    known = published(agent)
    for error in (Unreachable("away"), Unauthorised("bad token")):
        agent.fail("check", error)
        with pytest.raises(type(error)):
            await known.of("default")
    agent.fail("check", Permanent("no such agent"))
    assert await known.of("default") == Profile()
    agent.prologue = Profile("Bo")
    assert await known.of("default") == Profile("Bo")
