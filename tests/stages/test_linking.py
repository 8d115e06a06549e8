"""One person in several places: /link and /unlink."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from joserfc.jwk import RSAKey

from bridge.config import GroupScope
from bridge.coze import ClientSettings, CozeAgent, CozeClient
from bridge.coze.oauth import OAuth, ServiceKey
from bridge.emulator import DEMO_BOT_ID, Emulator, OAuthApp, serve
from bridge.events import ChatKind, User
from bridge.lanes import express, lane_of
from bridge.linking import ALPHABET, CODE_LENGTH, Linking, code_in
from bridge.phrases import Phrase, say
from bridge.store.links import CODE_LIFE, MOST_WRONG, MOST_WRONG_IN_ALL, WRONG_WINDOW
from bridge.testing.agent import ScriptedAgent
from bridge.upstream import AnswerEvent, ConversationLost, Question
from bridge.words import Command, Word
from tests.stages.world import ANNA, LI, World

ELSEWHERE = User("u-anna-elsewhere", name="Anna K.", language="en")
OTHER = "other room"
LINKED = say(Phrase.LINKED, "en")
KEY = RSAKey.generate_key(2048)
PEM = KEY.as_pem(private=True).decode()


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """Coze with an app that may ask for tokens."""
    app = OAuthApp("app-1", "print", KEY.as_pem(private=False).decode())
    async with serve(Emulator(pace=0, oauth_apps=[app])) as played:
        yield played


async def uid(world: World, user: User = ANNA) -> str:
    return (await world.sessions.resolve(world.says("?", user=user))).uid


async def code(world: World, user: User = ANNA, chat: str = "room") -> str:
    """Ask for a code, as it is shown."""
    shown = await world.chat("/link", user=user, chat=chat)
    found = re.search(r"`/link ([A-Z]{4}-[A-Z]{4})`", shown[-1])
    assert found, shown
    return found[1]


async def send(world: World, code: str, user: User = ELSEWHERE, chat: str = OTHER) -> str:
    """Send a code; what is said to it."""
    return (await world.chat(f"/link {code}", user=user, chat=chat))[-1]


async def in_group(world: World, text: str, user: User = ANNA) -> str:
    """Say it where others read along; what is said to it."""
    event = world.says(text, chat="group", kind=ChatKind.GROUP, user=user)
    await world.inbox(event)
    lane = lane_of(event, world.sessions_settings.group_scope)
    await world.drain(express(lane))
    await world.drain(lane)
    return world.adapter.shown("group")[-1]


async def test_whoever_sends_the_code_is_from_then_on_who_made_it(
    world: World, agent: ScriptedAgent
) -> None:
    await world.chat("before", user=ELSEWHERE, chat=OTHER)
    assert await send(world, await code(world)) == LINKED
    await world.chat("here")
    await world.chat("there", user=ELSEWHERE, chat=OTHER)
    before, here, there = (chat.question.uid for chat in agent.chats)
    assert here == there == await uid(world)
    assert before != there


async def test_unlinked_they_are_two_again_each_as_before(world: World) -> None:
    anna, elsewhere = await uid(world), await uid(world, ELSEWHERE)
    await send(world, await code(world))
    assert await uid(world, ELSEWHERE) == anna
    shown = await world.chat("/unlink", user=ELSEWHERE, chat=OTHER)
    assert shown[-1] == say(Phrase.UNLINKED, "en")
    assert (await uid(world), await uid(world, ELSEWHERE)) == (anna, elsewhere)


async def test_the_one_whose_uid_it_is_can_send_the_others_away(world: World) -> None:
    elsewhere = await uid(world, ELSEWHERE)
    await send(world, await code(world))
    assert (await world.chat("/unlink"))[-1] == say(Phrase.UNLINKED_ALL, "en")
    assert await uid(world, ELSEWHERE) == elsewhere
    assert (await world.chat("/unlink"))[-1] == say(Phrase.NOT_LINKED, "en")


async def test_conversations_stay_where_they_are(world: World, agent: ScriptedAgent) -> None:
    await world.chat("one")
    await world.chat("two", user=ELSEWHERE, chat=OTHER)
    await send(world, await code(world))
    await world.chat("three", user=ELSEWHERE, chat=OTHER)
    assert [chat.trace.conversation_id for chat in agent.chats] == ["c1", "c2", "c2"]


@dataclass(slots=True)
class Owned(ScriptedAgent):
    """An agent with a token for each person: nobody can use another's conversations."""

    owner: dict[str, str] = field(default_factory=dict)

    async def begin(self, name: str = "") -> str:
        made = await ScriptedAgent.begin(self, name)
        self.owner[made] = self.uids[-1]
        return made

    @asynccontextmanager
    async def ask(self, question: Question) -> AsyncIterator[AsyncIterator[AnswerEvent]]:
        if self.owner[question.conversation_id] != self.uids[-1]:
            raise ConversationLost("no such conversation", code=4002)
        async with ScriptedAgent.ask(self, question) as events:
            yield events


async def test_conversation_that_was_another_persons_at_coze_begins_anew(world: World) -> None:
    world.agent = agent = Owned()
    world.wire()
    await world.chat("one", user=ELSEWHERE, chat=OTHER)
    await send(world, await code(world))
    shown = await world.chat("two", user=ELSEWHERE, chat=OTHER)
    assert shown[-1] == "You said: two"
    assert agent.chats[-1].trace.conversation_id == "c2"
    assert agent.owner["c2"] == await uid(world)


async def test_with_a_token_for_each_person_nobody_tries_a_conversation_of_another(
    world: World, emulator: Emulator
) -> None:
    key, settings = ServiceKey.read("app-1", "print", PEM), ClientSettings()
    async with (
        aclosing(OAuth(emulator.url, key, settings, per_user=True)) as oauth,
        CozeClient(emulator.url, oauth, settings) as client,
    ):
        world.coze = CozeAgent(client, bot_id=DEMO_BOT_ID)
        world.wire()
        await world.chat("one", user=ELSEWHERE, chat=OTHER)
        await send(world, await code(world))
        await world.chat("two", "three", user=ELSEWHERE, chat=OTHER)
        await world.chat("/unlink", "four", user=ELSEWHERE, chat=OTHER)
        await world.chat("/history", user=ELSEWHERE, chat=OTHER)
    asked = [(a.text, a.conversation_id) for a in emulator.asked]
    (_, one), (_, two), (_, three), (_, four) = asked
    assert two == three
    assert len({one, two, four}) == 3
    assert emulator.refused == []
    offered = world.adapter.pages(OTHER)[-1].page.buttons  # what was said is still there
    assert {button.label for button in offered} == {"one", "two", "four"}


async def test_each_thing_that_can_be_wrong_has_its_sentence(world: World) -> None:
    mine = await code(world)
    assert await send(world, mine, ANNA, "room") == say(Phrase.LINK_ONESELF, "en")
    assert await send(world, mine) == LINKED
    assert await send(world, mine, LI) == say(Phrase.LINK_USED, "zh")
    assert await send(world, await code(world)) == say(Phrase.LINKED_ALREADY, "en")
    late = await code(world)
    world.clock.advance(600)
    assert await send(world, late, LI) == say(Phrase.LINK_EXPIRED, "zh")
    assert await send(world, "BBBB-BBBB", LI) == say(Phrase.LINK_UNKNOWN, "zh")
    assert await send(world, "my sister", LI) == say(Phrase.LINK_UNKNOWN, "zh")
    for _ in range(MOST_WRONG):
        await send(world, "BBBB-BBBB", LI)
    assert await send(world, await code(world), LI) == say(Phrase.LINK_TOO_OFTEN, "zh")


async def test_typing_nonsense_costs_no_try(world: World) -> None:
    for _ in range(MOST_WRONG + 1):
        await send(world, "what is this?")
    assert await send(world, await code(world)) == LINKED


@pytest.mark.parametrize(
    "retyped", [str.lower, lambda code: code.replace("-", " "), "…{}。".format]
)
async def test_code_may_be_typed_in_many_ways(world: World, retyped: object) -> None:
    assert callable(retyped)
    assert await send(world, retyped(await code(world))) == LINKED


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("BCDF-GHJK", "BCDFGHJK"),
        ("ＢＣＤＦ－ＧＨＪＫ", "BCDFGHJK"),
        ("b c d f g h j k", "BCDFGHJK"),
        ("BCDFGHJ", None),
        ("BCDFGHJKL", None),
        ("BCDFGHJA", None),
        ("BCDFGHJ1", None),
        ("", None),
        ("B" * 10_000, None),
    ],
)
def test_what_is_a_code(said: str, read: str | None) -> None:
    assert code_in(said) == read


async def test_codes_are_drawn_from_all_letters(world: World) -> None:
    linking = Linking(world.store, now=world.clock.now)
    texts = [await linking.link(world.says("/link"), "uid", "") for _ in range(60)]
    codes = {text.split("`/link ")[1][:9].replace("-", "") for text in texts}
    assert len(codes) == 60
    assert {len(code) for code in codes} == {CODE_LENGTH}
    assert set("".join(codes)) == set(ALPHABET)


def test_numbers_in_the_documentation_are_the_true_ones() -> None:
    page = (Path(__file__).parents[2] / "docs" / "identity.md").read_text("utf-8")
    assert f"It lives {CODE_LIFE.seconds // 60} minutes" in page
    assert f"After {MOST_WRONG} wrong codes within an hour" in page
    assert f"after {MOST_WRONG_IN_ALL} nobody can" in page
    assert f"There are\n  {len(ALPHABET) ** CODE_LENGTH:,} codes" in page
    hits = 2 * MOST_WRONG_IN_ALL  # two windows' worth meet a code at the most
    assert len(ALPHABET) ** CODE_LENGTH / hits > 40_000_000
    assert (timedelta(hours=1), timedelta(minutes=10)) == (WRONG_WINDOW, CODE_LIFE)


async def test_in_a_group_there_is_no_code_and_none_works(world: World) -> None:
    anna, li = await uid(world), await uid(world, LI)
    for text in ("/link", "/unlink"):
        assert await in_group(world, text) == say(Phrase.LINK_IN_PRIVATE, "en")
    mine = await code(world)
    assert await in_group(world, f"/link {mine}", LI) == say(Phrase.LINK_IN_PRIVATE, "zh")
    assert await send(world, mine, LI) == say(Phrase.LINK_EXPIRED, "zh")  # all have seen it
    assert (await uid(world), await uid(world, LI)) == (anna, li)


async def test_where_somebody_reads_along_in_private_it_is_like_a_group(world: World) -> None:
    event = replace(world.says("/link"), overheard=True)
    await world.inbox(event)
    await world.drain(express(lane_of(event, world.sessions_settings.group_scope)))
    assert world.adapter.shown() == [say(Phrase.LINK_IN_PRIVATE, "en")]


async def test_who_is_linked_is_the_same_person_in_groups_as_well(world: World) -> None:
    await send(world, await code(world))
    event = world.says("hi", chat="group", kind=ChatKind.GROUP, user=ELSEWHERE)
    assert (await world.sessions.resolve(event)).uid == await uid(world)


async def test_a_group_that_is_a_person_of_its_own_stays_so(world: World) -> None:
    world.settings(group_scope=GroupScope.CHAT)
    event = world.says("hi", chat="group", kind=ChatKind.GROUP, user=ELSEWHERE)
    before = (await world.sessions.resolve(event)).uid
    await send(world, await code(world))
    assert (await world.sessions.resolve(event)).uid == before
    assert await in_group(world, "/link") == say(Phrase.LINK_IN_PRIVATE, "en")
    assert await in_group(world, "/unlink") == say(Phrase.LINK_IN_PRIVATE, "en")
    assert await uid(world, ELSEWHERE) == await uid(world)


def test_a_code_is_given_at_once_and_taken_in_its_turn() -> None:
    assert Command(Word.LINK).is_express
    assert not Command(Word.LINK, "BCDF-GHJK").is_express
    assert not Command(Word.UNLINK).is_express


async def test_question_before_the_code_is_asked_as_who_one_was(
    world: World, agent: ScriptedAgent
) -> None:
    elsewhere, mine = await uid(world, ELSEWHERE), await code(world)
    for text in ("before", f"/link {mine}", "after"):
        event = await world.hear(text, user=ELSEWHERE, chat=OTHER)
    await world.drain(lane_of(event, world.sessions_settings.group_scope))
    assert [chat.question.uid for chat in agent.chats] == [elsewhere, await uid(world)]


async def test_command_that_was_cut_off_by_a_crash_joins_once(world: World) -> None:
    mine = await code(world)
    turn = await world.taken(f"/link {mine}", user=ELSEWHERE, chat=OTHER)
    session = await world.sessions.resolve(turn.event)
    await world.commands.obey(turn, session)  # and there it died, before anything was said
    await world.wire().drain(turn.lane)
    assert world.adapter.shown(OTHER) == [LINKED]
    assert await uid(world, ELSEWHERE) == await uid(world)


async def test_a_code_that_is_somebody_elses_is_drawn_again(world: World) -> None:
    draws: Iterator[str] = iter(["BBBBBBBB", "BBBBBBBB", "CCCCCCCC"])
    linking = Linking(world.store, now=world.clock.now, draw=lambda: next(draws))
    first, second = [await linking.link(world.says("/link"), uid, "") for uid in ("a", "b")]
    assert "/link BBBB-BBBB" in first
    assert "/link CCCC-CCCC" in second


async def test_a_code_is_given_before_the_answer_that_is_under_way(world: World) -> None:
    await world.hear("a long one")
    code_page, answer = await world.chat("/link")
    assert "`/link " in code_page
    assert answer == "You said: a long one"
