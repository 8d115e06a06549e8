"""Answers that grow as drafts: kept from fading, and one message at last."""

import asyncio
from dataclasses import dataclass
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from bridge.adapter import DRAFT_LASTS
from bridge.errors import Permanent, RateLimited, Unauthorised, Unreachable
from bridge.events import ChatRef, Page
from bridge.testing.adapter import Call, FakeAdapter
from bridge.testing.agent import Play, ScriptedAgent
from tests.stages.world import World


@dataclass(frozen=True, slots=True)
class Shown:
    """A draft as it was shown, and when."""

    at: float
    text: str
    key: str


class DraftingAdapter(FakeAdapter):
    """A platform with drafts. failing: what the next ones end in."""

    def __init__(self, world: World) -> None:
        super().__init__(clock=world.clock.monotonic)
        self.drafted: list[Shown] = []
        self.failing: list[Exception] = []
        self._now = world.clock.monotonic

    def drafts(self, chat: ChatRef) -> bool:
        return True

    async def draft(self, chat: ChatRef, page: Page, *, key: str) -> None:
        self.drafted.append(Shown(self._now(), page.text, key))
        if self.failing:
            raise self.failing.pop(0)


@pytest.fixture
def drafting(world: World) -> DraftingAdapter:
    adapter = DraftingAdapter(world)
    world.adapter = adapter
    world.wire()
    return adapter


def sends(adapter: FakeAdapter) -> list[Call]:
    return adapter.did("send", "edit")


async def test_one_message_remains(
    world: World, drafting: DraftingAdapter, agent: ScriptedAgent
) -> None:
    agent.play(Play(text="a b c d e f", pace=2.0))
    assert await world.chat("hello") == ["a b c d e f"]
    assert len(drafting.drafted) >= 4
    assert [call.verb for call in sends(drafting)] == ["send"]
    assert len({shown.key for shown in drafting.drafted}) == 1


async def test_silent_draft_is_kept_from_fading(
    world: World, drafting: DraftingAdapter, agent: ScriptedAgent
) -> None:
    agent.play(Play(text="thinking hard", pace=100.0))
    await world.chat("hello")
    times = [shown.at for shown in drafting.drafted]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert max(gaps) < DRAFT_LASTS + 1
    assert len(gaps) >= 4


@pytest.mark.parametrize("error", [RateLimited("slow", retry_after=5), Unreachable("down")])
async def test_draft_that_failed_is_shown_later(
    world: World, drafting: DraftingAdapter, agent: ScriptedAgent, error: Exception
) -> None:
    drafting.failing = [error]
    agent.play(Play(text="a b c d e f", pace=2.0))
    assert await world.chat("hello") == ["a b c d e f"]
    assert len(drafting.drafted) > 1
    assert [call.verb for call in sends(drafting)] == ["send"]


async def test_refused_draft_is_an_edited_message(
    world: World, drafting: DraftingAdapter, agent: ScriptedAgent
) -> None:
    drafting.failing = [Permanent("no drafts here")]
    agent.play(Play(text="a b c d e f", pace=2.0))
    assert await world.chat("hello") == ["a b c d e f"]
    assert len(drafting.drafted) == 1
    assert [call.verb for call in sends(drafting)][:2] == ["send", "edit"]


async def test_refused_key_is_the_operators(
    world: World, drafting: DraftingAdapter, agent: ScriptedAgent
) -> None:
    drafting.failing = [Unauthorised("revoked")]
    agent.play(Play(text="a b", pace=2.0))
    turn = await world.taken()
    screen = await world.outbox.screen(turn)
    while (seconds := await screen.claim()) > 0:
        await asyncio.sleep(seconds)
    with pytest.raises(Unauthorised):
        await screen.show(lambda: [Page("a")])


@pytest.mark.parametrize("error", [Unauthorised("revoked"), KeyError("bug")])
async def test_draft_that_cannot_be_kept_from_fading_is_let_go_and_told(
    world: World, drafting: DraftingAdapter, agent: ScriptedAgent, error: Exception
) -> None:
    agent.play(Play(text="thinking hard", pace=50.0))
    with capture_logs() as logs:
        talking = asyncio.create_task(world.chat("hello"))
        await asyncio.sleep(60)  # between two words, so the next draft is the one kept alive
        drafting.failing = [error]
        assert await talking == ["thinking hard"]
    assert drafting.failing == []
    assert "draft.not_kept" in [line["event"] for line in logs]
