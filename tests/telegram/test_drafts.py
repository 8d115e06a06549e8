"""`stream = "native"`: an answer grows as a draft, of which exactly one message remains."""

import pytest

from adapters.telegram.drafts import Drafts, draft_id
from bridge.events import ChatKind, ChatRef
from tests.platforms.worlds import eventually
from tests.telegram.emulator import Draft, Emulator, Fault, Limits, Private
from tests.telegram.world import World

pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")

STORY = "".join(f"This is sentence number {number} of the story. " for number in range(60)).strip()


@pytest.fixture
def anna(telegram: Emulator) -> Private:
    return telegram.person(1001, "Anna").chat()


def methods(telegram: Emulator) -> list[str]:
    """What was called to show text, in order, each run of the same once."""
    names = [
        call.method
        for call in telegram.journal.of("sendMessage", "editMessageText", "sendMessageDraft")
    ]
    return [name for at, name in enumerate(names) if at == 0 or name != names[at - 1]]


async def growing(chat: Private) -> Draft:
    await chat.until(lambda _: chat.draft and len(chat.draft.revisions) > 1)
    assert chat.draft is not None
    return chat.draft


async def test_draft_grows_and_one_message_remains(world: World, anna: Private) -> None:
    world.script("story", reply=STORY, pace=0.003)
    world.telegram.throttle.set(Limits(draft_interval=0.05))
    async with world.running(stream="native", edit_interval_private=0.06):
        await anna.say("A story, please")
        draft = await growing(anna)
        assert draft.can_stop
        [message] = await anna.final(STORY[-20:])
    assert (message.text, message.edits) == (STORY, 0)
    assert methods(world.telegram) == ["sendMessageDraft", "sendMessage"]
    assert draft.ended == "sent"
    texts = [revision.body.text for revision in draft.revisions]
    assert texts == sorted(texts, key=len)
    assert world.telegram.journal.refusals.total() == 0


async def test_long_answer_goes_on_in_the_next_draft(world: World, anna: Private) -> None:
    answer = "\n\n".join(f"Paragraph {number}. {STORY}" for number in range(6))
    world.script("story", reply=answer, pace=0.0005)
    async with world.running(stream="native"):
        await anna.say("A story, please")
        await anna.final(STORY[-20:], within=20)
        await anna.until(lambda _: "".join(anna.texts(anna.answers)).count("Paragraph") == 6)
    assert len(anna.answers) >= 4
    assert all(message.edits == 0 for message in anna.answers)
    shown = "".join("".join(anna.texts(anna.answers)).split())
    assert shown == "".join(answer.split())


async def test_next_answer_is_another_draft(world: World, anna: Private) -> None:
    world.script("", reply=STORY, pace=0.001)
    async with world.running(stream="native"):
        await anna.final(STORY[-20:], after=await anna.say("one"))
        await anna.final(STORY[-20:], after=await anna.say("two"))
    assert len({draft.id for draft in anna.drafts}) == 2
    assert anna.texts(anna.answers) == [STORY, STORY]


async def test_stop_under_a_draft_keeps_what_was_said(world: World, anna: Private) -> None:
    world.script("story", reply=STORY, pace=0.01)
    async with world.running(stream="native"):
        await anna.say("A story, please")
        await growing(anna)
        await anna.stop_draft()
        await anna.until(lambda _: anna.answers)
        await eventually(lambda: world.coze.asked[0].cancelled)
    (told,) = anna.texts(anna.answers)
    assert told.startswith("This is sentence number 0")
    assert told.endswith("(stopped)")


async def test_refused_draft_is_an_edited_message_and_not_tried_again(
    world: World, anna: Private
) -> None:
    text = "Bad Request: TEXTDRAFT_PEER_INVALID"
    world.telegram.inject(Fault("sendMessageDraft", code=400, description=text, times=0))
    world.script("", reply=STORY, pace=0.002)
    async with world.running(stream="native"):
        await anna.final(STORY[-20:], after=await anna.say("one"))
        await anna.final(STORY[-20:], after=await anna.say("two"))
    assert world.telegram.journal.calls["sendMessageDraft"] == 1
    assert world.telegram.journal.calls["editMessageText"] > 2
    assert anna.texts(anna.answers) == [STORY, STORY]


async def test_server_without_drafts_is_asked_once(world: World, anna: Private) -> None:
    world.telegram.lacks.add("sendMessageDraft")
    bob = world.telegram.person(2).chat()
    world.script("", reply=STORY, pace=0.002)
    async with world.running(stream="native") as running:
        await anna.say("one")
        await anna.final(STORY[-20:])
        await bob.say("two")
        await bob.final(STORY[-20:])
        assert await running.problems() == {}
    assert world.telegram.journal.calls["sendMessageDraft"] == 1
    assert anna.texts(anna.answers) == bob.texts(bob.answers) == [STORY]


async def test_flooded_draft_pauses_and_the_answer_still_lands(world: World, anna: Private) -> None:
    world.telegram.inject(Fault("sendMessageDraft", retry_after=30, skip=1))
    world.script("", reply=STORY, pace=0.002)
    async with world.running(stream="native"):
        await anna.say("one")
        [message] = await anna.final(STORY[-20:])
    assert message.edits == 0
    assert world.telegram.journal.calls["sendMessageDraft"] == 2


async def test_group_has_edited_messages(world: World) -> None:
    anna = world.telegram.person(1001, "Anna")
    group = world.telegram.group("G", anna)
    world.script("", reply=STORY, pace=0.002)
    async with world.running(stream="native"):
        await group.say(anna, "@coze_bridge_bot a story")
        [message] = await group.final(STORY[-20:])
    assert message.edits > 1
    assert world.telegram.journal.calls["sendMessageDraft"] == 0


@pytest.mark.parametrize(
    ("chat", "exist"),
    [
        (ChatRef("telegram", "t", "1"), True),
        (ChatRef("telegram", "t", "1", thread="7"), True),
        (ChatRef("telegram", "t", "1", via="business"), False),
        (ChatRef("telegram", "t", "-1", kind=ChatKind.GROUP), False),
    ],
)
def test_drafts_exist_in_private_chats_where_they_are_wanted(chat: ChatRef, exist: bool) -> None:
    assert Drafts(wanted=True).exist_in(chat) is exist
    assert not Drafts(wanted=False).exist_in(chat)


def test_draft_id_is_the_same_for_a_key_and_never_zero() -> None:
    ids = [draft_id(f"turn-{number}") for number in range(1000)]
    assert ids == [draft_id(f"turn-{number}") for number in range(1000)]
    assert all(0 < each < 2**31 for each in ids)
    assert len(set(ids)) == len(ids)
