"""Pictures, files and voice that follow an answer: after its text, once, and never in its way."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime

import pytest

from bridge.adapter import Capabilities, Download
from bridge.config import AgentSettings
from bridge.errors import (
    BridgeError,
    Gone,
    Permanent,
    RateLimited,
    Rejected,
    Unauthorised,
    Unreachable,
)
from bridge.events import Attachment, AttachmentKind, ChatRef, EnclosureKind, MessageRef
from bridge.lanes import lane_of
from bridge.ogg import opus_file, packets
from bridge.store.outbox import PageState
from bridge.store.turns import TurnState
from bridge.testing.adapter import ROOMY
from bridge.testing.agent import Play, ScriptedAgent
from bridge.testing.clock import Clock
from bridge.testing.filing import FilingAdapter, Links, Stored, stored
from tests.stages.world import Killed, PatientStore, World

LANE = "fake/fake/room/"
CAT = "https://pictures.org/cat.png"
DOG = "https://pictures.org/dog.png"
TWO = f"Look: ![a cat]({CAT}) and ![a dog]({DOG})"
NOTE = opus_file([bytes([0b11110_0_00, 0xFF, 0xFE])] * 20)


class Remembering(FilingAdapter):
    """A platform that can be asked what was posted under a key."""

    async def recall(
        self, chat: ChatRef, key: str, *, since: datetime, known: Collection[str]
    ) -> MessageRef | None:
        del since, known
        ids = [call.key for call in self.calls if call.verb in {"send", "send_file"}]
        return MessageRef(chat, self.by_key[key]) if key in ids and key in self.by_key else None

    @property
    def by_key(self) -> dict[str, str]:
        """Message ids by key: each post that happened made the next message."""
        posts = [call for call in self.calls if call.verb in {"send", "send_file"}]
        return {call.key: id_ for call, id_ in zip(posts, self.messages, strict=True)}


@pytest.fixture
async def agent() -> ScriptedAgent:
    return ScriptedAgent(speech=NOTE)


@pytest.fixture
async def world(store: PatientStore, clock: Clock, agent: ScriptedAgent) -> World:
    return World(store, clock, agent=agent)


@pytest.fixture
async def platform(world: World, clock: Clock) -> FilingAdapter:
    return on(world, FilingAdapter(ROOMY, clock=clock.monotonic))


def on(world: World, platform: FilingAdapter) -> FilingAdapter:
    """Let the world's platform be this one."""
    world.adapter = platform
    world.wire()
    for name in (CAT, DOG):
        world.links.files[name] = stored(name.encode())
    return platform


async def states(world: World) -> list[PageState]:
    """Of the pages of the first turn."""
    turn = (await world.ledger.find(1)) or pytest.fail("no turn")
    return [page.state for page in await world.pages.of(turn)]


async def ending(world: World) -> TurnState:
    turn = (await world.ledger.find(1)) or pytest.fail("no turn")
    return turn.state


# Pictures and files


async def test_pictures_come_after_the_text(
    world: World, platform: FilingAdapter, agent: ScriptedAgent
) -> None:
    agent.play(Play(text=TWO))
    assert await world.chat("show me") == [TWO, "[cat.png]", "[dog.png]"]
    assert [posted.content for posted in platform.posted.values()] == [CAT.encode(), DOG.encode()]
    assert {posted.mime for posted in platform.posted.values()} == {"image/png"}
    assert {posted.url for posted in platform.posted.values()} == {CAT, DOG}
    assert [posted.caption for posted in platform.posted.values()] == ["a cat", "a dog"]
    assert [call.key for call in platform.did("send_file")] == ["turn-1/1", "turn-1/2"]


async def test_a_picture_does_not_appear_while_the_answer_streams(
    world: World, platform: FilingAdapter, agent: ScriptedAgent
) -> None:
    agent.play(Play(text=f"![a cat]({CAT}) " + "and more " * 20, pace=0.5))
    await world.chat("show me")
    assert platform.calls[-1].verb == "send_file"
    assert [call.verb for call in platform.calls].count("send_file") == 1


async def test_a_platform_that_takes_no_files_shows_the_text(
    world: World, agent: ScriptedAgent
) -> None:
    world.links.files[CAT] = stored(b"cat")
    agent.play(Play(text=TWO))
    assert await world.chat("show me") == [TWO]
    assert world.links.read == []


async def test_what_we_say_ourselves_has_no_files(world: World, platform: FilingAdapter) -> None:
    shown = await world.chat(f"/history {CAT}")
    assert len(shown) == 1
    assert world.links.read == []


@pytest.mark.parametrize("error", [Rejected("an svg"), Gone("x"), Permanent("x"), Unauthorised("")])
async def test_a_file_that_cannot_be_sent_costs_nothing_but_itself(
    world: World, platform: FilingAdapter, agent: ScriptedAgent, error: BridgeError
) -> None:
    agent.play(Play(text=TWO))
    platform.fail(error, verb="send_file")
    assert await world.chat("show me") == [TWO, "[dog.png]"]
    assert await states(world) == [PageState.SETTLED, PageState.DEAD, PageState.SETTLED]
    assert await ending(world) is TurnState.DELIVERED
    assert await world.chat("and now?") == [TWO, "[dog.png]", "You said: and now?"]


async def test_a_link_that_leads_nowhere_costs_nothing(
    world: World, platform: FilingAdapter, agent: ScriptedAgent
) -> None:
    agent.play(Play(text="![x](http://169.254.169.254/latest/x.png)"))
    assert await world.chat("show me") == ["![x](http://169.254.169.254/latest/x.png)"]
    assert platform.posted == {}
    assert await ending(world) is TurnState.DELIVERED


@pytest.mark.parametrize("error", [Unreachable("reset"), RateLimited("flood", retry_after=7)])
async def test_what_may_pass_is_tried_again(
    world: World, platform: FilingAdapter, agent: ScriptedAgent, error: BridgeError
) -> None:
    agent.play(Play(text=TWO))
    platform.fail(error, verb="send_file")
    assert await world.chat("show me") == [TWO, "[cat.png]", "[dog.png]"]


async def test_a_file_is_not_tried_for_ever(
    world: World, platform: FilingAdapter, agent: ScriptedAgent
) -> None:
    agent.play(Play(text=f"![a cat]({CAT})"))
    world.links.errors += [Unreachable("slow")] * 10
    assert await world.chat("show me") == [f"![a cat]({CAT})"]
    assert len(world.links.read) == 4
    assert world.clock.monotonic() < 60
    assert await states(world) == [PageState.SETTLED, PageState.DEAD]


async def test_a_source_that_is_slow_does_not_hold_the_chat_back(
    world: World, platform: FilingAdapter, agent: ScriptedAgent
) -> None:
    """A Retry-After is the platform's word alone; what a file's server says is no such thing."""
    agent.play(Play(text=f"![a cat]({CAT})"))
    whole = world.links.files[CAT]
    world.links.files[CAT] = replace(whole, error=Rejected("too large"), breaks_after=1)
    await world.chat("show me")
    before = world.clock.monotonic()
    await world.chat("next")
    assert world.clock.monotonic() - before < 5


async def test_a_file_takes_the_place_of_text_that_was_streamed_and_taken_back(
    world: World, clock: Clock, agent: ScriptedAgent
) -> None:
    tight = Capabilities(max_text=60, edit_interval=1, edit_interval_group=1)
    platform = on(world, FilingAdapter(tight, clock=clock.monotonic))
    agent.play(Play(text="many words that stream " * 6, final=f"![]({CAT})", pace=0.5))
    assert await world.chat("show me") == [f"![]({CAT})", "[cat.png]"]
    assert len(platform.did("retract")) >= 1


class Dribbling(Links):
    """Servers that take as long as they may, and then break off."""

    @asynccontextmanager
    async def fetch(self, url: str, kind: EnclosureKind) -> AsyncIterator[Download]:
        self.read.append((url, kind))
        await asyncio.sleep(20)
        raise Unreachable("no answer in time")
        yield


async def test_files_that_take_long_do_not_hold_up_the_next_question_for_ever(
    world: World, platform: FilingAdapter, agent: ScriptedAgent, clock: Clock
) -> None:
    world.links = Dribbling()
    world.wire()
    pictures = " ".join(f"![p](https://pictures.org/{n}.png)" for n in range(4))
    agent.play(Play(text=pictures))
    began = clock.monotonic()
    assert await world.chat("show me") == [pictures]
    assert clock.monotonic() - began < 60 + 4 * 25
    assert {url[-5] for url, _ in world.links.read} == set("0123")


@pytest.mark.parametrize("life", range(2, 26))
async def test_wherever_the_process_dies_everything_is_there_once(
    world: World, store: PatientStore, clock: Clock, agent: ScriptedAgent, life: int
) -> None:
    platform = on(world, Remembering(ROOMY, clock=clock.monotonic))
    agent.play(Play(text=TWO))
    event = world.says("show me")
    await world.inbox(event)
    lane = lane_of(event, world.sessions_settings.group_scope)
    store.life = life
    with suppress(Killed, BaseExceptionGroup):
        await world.drain(lane)
    store.life, store.broken = None, None
    await world.wire().drain(lane)
    assert platform.shown() == [TWO, "[cat.png]", "[dog.png]"]
    assert await ending(world) is TurnState.DELIVERED


# Voice


async def asks_aloud(world: World, platform: FilingAdapter) -> list[str]:
    voice = Attachment(AttachmentKind.VOICE, "voice", mime="audio/ogg")
    platform.files["voice"] = stored(b"OggS")
    event = replace(world.says(""), attachments=(voice,))
    await world.inbox(event)
    await world.drain(lane_of(event, world.sessions_settings.group_scope))
    return platform.shown()


def with_a_voice(world: World, **settings: object) -> None:
    given = {"bot_id": "1", "reply_voice_id": "7", **settings}
    world.agent_settings = AgentSettings.model_validate(given)
    world.wire()


async def test_a_voice_message_is_answered_aloud(
    world: World, platform: FilingAdapter, agent: ScriptedAgent
) -> None:
    with_a_voice(world)
    agent.play(Play(text="Hello **Anna**, see [this](https://x.org)."))
    shown = await asks_aloud(world, platform)
    assert shown == ["Hello **Anna**, see [this](https://x.org).", "[answer.ogg]"]
    assert agent.spoken == [("Hello Anna, see this.", "7")]
    [posted] = platform.posted.values()
    assert posted.enclosure.kind is EnclosureKind.VOICE
    assert (posted.content, posted.mime) == (NOTE, "audio/ogg")


async def test_what_was_written_is_answered_in_writing(
    world: World, platform: FilingAdapter, agent: ScriptedAgent
) -> None:
    with_a_voice(world)
    assert await world.chat("hello") == ["You said: hello"]
    assert agent.spoken == []


async def test_a_long_answer_is_read_in_pieces_and_sent_as_one_recording(
    world: World, platform: FilingAdapter, agent: ScriptedAgent
) -> None:
    with_a_voice(world)
    agent.play(Play(text="This is one sentence of many. " * 90))
    await asks_aloud(world, platform)
    assert len(agent.spoken) == 3
    assert all(len(text.encode()) <= 1024 for text, _ in agent.spoken)
    [posted] = platform.posted.values()
    assert len(packets(posted.content)) == 60


@pytest.mark.parametrize("error", [Unauthorised("no speech"), Rejected("no"), Permanent("4200")])
async def test_a_voice_that_fails_leaves_the_text(
    world: World, platform: FilingAdapter, agent: ScriptedAgent, error: BridgeError
) -> None:
    with_a_voice(world)
    agent.play(Play(text="Hello."))
    agent.fail("speak", error)
    assert await asks_aloud(world, platform) == ["Hello."]
    assert await ending(world) is TurnState.DELIVERED


async def test_coze_being_busy_does_not_hold_the_chat_back(
    world: World, platform: FilingAdapter, agent: ScriptedAgent
) -> None:
    with_a_voice(world)
    agent.play(Play(text="Hello."))
    agent.fail("speak", RateLimited("busy", retry_after=20))
    assert await asks_aloud(world, platform) == ["Hello.", "[answer.ogg]"]


async def test_a_voice_that_does_not_end_is_not_waited_for(
    world: World, platform: FilingAdapter, agent: ScriptedAgent
) -> None:
    with_a_voice(world)
    agent.play(Play(text="Hello. " * 200))  # two pieces, which are too long together
    agent.speech = NOTE[:4] + bytes(10_000_000)
    assert len(await asks_aloud(world, platform)) == 1
    assert len(agent.spoken) == 2


async def test_an_answer_without_words_is_not_spoken(
    world: World, platform: FilingAdapter, agent: ScriptedAgent
) -> None:
    with_a_voice(world)
    agent.play(Play(text="```\nprint(1)\n```"))
    assert await asks_aloud(world, platform) == ["```\nprint(1)\n```"]
    assert agent.spoken == []


async def test_a_large_file_is_handed_on_in_pieces(
    world: World, platform: FilingAdapter, agent: ScriptedAgent
) -> None:
    pieces = 300
    world.links.files[CAT] = Stored(lambda: (bytes(1000) for _ in range(pieces)))
    agent.play(Play(text=f"![a cat]({CAT})"))
    await world.chat("show me")
    assert [len(posted.content) for posted in platform.posted.values()] == [300_000]
