"""Thumbs, reactions, reasons and changed messages, by socket and by HTTP; and what they change."""

import pytest

from bridge.events import Button, ChatKind, ChatRef, Page
from tests.platforms.worlds import eventually
from tests.slack.emulator import Channel, Emulator, Fault, Message, Person, Seat
from tests.slack.speaking import answer, asked, speaking
from tests.slack.world import Listening, listening

WHY = Button("Why?", "Why is that?")
DONE = Page("Done", final=True, rates=True, buttons=(WHY, Button("Talks", "/history 2")))


@pytest.fixture
def slack(brisk: Emulator) -> Emulator:
    return brisk


async def answered(ear: Listening, channel: Channel, by: Person, *, inside: bool = True) -> Message:
    """Our answer to a question, in its thread or beside it."""
    question = await by.at(channel).say("Well?", silently=True)
    chat = asked(ear.slack, question)
    if not inside:
        kind = ChatKind.PRIVATE if channel.is_direct else ChatKind.GROUP
        chat = ChatRef("slack", chat.account, chat.chat, kind=kind)
    ref = await ear.adapter.send(chat, DONE, key=f"turn-{question.ts}/0")
    return channel.messages[ref.id]


# Reactions


@pytest.mark.parametrize("inside", [True, False], ids=["thread", "beside"])
@pytest.mark.parametrize("direct", [True, False], ids=["dm", "channel"])
async def test_reaction_is_heard_where_its_message_stands(
    ear: Listening, dm: Seat, general: Channel, ann: Person, direct: bool, inside: bool
) -> None:
    message = await answered(ear, dm.channel if direct else general, ann, inside=inside)
    await ann.at(message.channel).react(message)
    [event] = await ear.heard("/feedback like")
    assert (event.about, event.pressed, event.chat.thread) == (message.ts, True, message.thread)
    elsewhere = ChatKind.THREAD if inside else ChatKind.GROUP
    assert event.chat.kind is (ChatKind.PRIVATE if direct else elsewhere)


async def test_reaction_is_changed_and_taken_back(ear: Listening, dm: Seat, ann: Person) -> None:
    message = await answered(ear, dm.channel, ann)
    await dm.react(message, "+1")
    await dm.take_back(message, "+1")
    await dm.react(message, "-1::skin-tone-2")
    events = await ear.heard("/feedback like", "/feedback none", "/feedback dislike")
    assert len({event.event_id for event in events}) == 3


async def test_reactions_to_others_cost_nothing(
    ear: Listening, general: Channel, ann: Person
) -> None:
    message = await general.say(ann, "hi all")
    await ann.at(general).react(message)
    mine = await answered(ear, general, ann)
    await ann.at(general).react(mine, "tada")
    await ear.heard()
    assert ear.slack.journal.of("conversations.replies") == []


async def test_reaction_to_what_was_deleted_is_passed_over(
    ear: Listening, dm: Seat, ann: Person
) -> None:
    message = await answered(ear, dm.channel, ann)
    await dm.delete(message)
    await dm.react(message)
    await ear.heard()


async def test_reaction_comes_again_until_its_place_is_known(
    ear: Listening, dm: Seat, ann: Person
) -> None:
    message = await answered(ear, dm.channel, ann)
    ear.slack.inject(Fault("conversations.replies", error="internal_error"))
    await dm.react(message)
    [event] = await ear.heard("/feedback like")
    assert event.about == message.ts


async def test_nobody_is_asked_in_the_name_of_who_reacted(
    ear: Listening, general: Channel, ann: Person
) -> None:
    """A stream that answers them would be theirs alone."""
    message = await answered(ear, general, ann)
    await ann.at(general).react(message)
    [event] = await ear.heard("/feedback like")
    await ear.adapter.send(event.chat, Page("Thanks"), key="turn-9/0")
    assert ear.slack.journal.of("chat.startStream") == []


# Presses


async def test_question_that_was_pressed_is_offered_no_longer(
    ear: Listening, dm: Seat, ann: Person
) -> None:
    message = await answered(ear, dm.channel, ann)
    await message.press("Why?", ann)
    [event] = await ear.heard("Why is that?")
    assert event.about == message.ts
    await ear.slack.until(lambda _: message.labels == ["👍", "👎"])
    assert message.text == "Done"


async def test_offers_of_another_process_go_as_well(
    ear: Listening, dm: Seat, ann: Person, slack: Emulator
) -> None:
    async with speaking(slack) as other:
        said = await answer(slack, other, dm.channel, ann)
        await said.show(DONE)
    await said.message.press("Why?", ann)
    await ear.heard("Why is that?")
    await slack.until(lambda _: said.message.labels == ["👍", "👎"])
    assert said.message.text == "Done"


async def test_streamed_answer_keeps_its_words_when_its_offers_go(
    ear: Listening, dm: Seat, ann: Person
) -> None:
    question = await dm.say("Well?", silently=True)
    chat = asked(ear.slack, question)
    ref = await ear.adapter.send(chat, Page("Do"), key="turn-1/0")
    await ear.adapter.edit(ref, DONE)
    message = dm.channel.messages[ref.id]
    assert message.stream is not None
    await message.press("Why?", ann)
    await ear.heard("Why is that?")
    await ear.slack.until(lambda _: message.labels == ["👍", "👎"])
    assert message.text == "Done"


async def test_command_that_was_pressed_stays(ear: Listening, dm: Seat, ann: Person) -> None:
    message = await answered(ear, dm.channel, ann)
    await message.press("Talks", ann)
    await ear.heard("/history 2")
    assert message.labels == ["Why?", "Talks", "👍", "👎"]
    assert message.edits == 0


async def test_offers_stay_where_slack_will_not_change_them(
    ear: Listening, dm: Seat, ann: Person
) -> None:
    message = await answered(ear, dm.channel, ann)
    ear.slack.inject(Fault("chat.update", error="cant_update_message", times=0))
    await message.press("Why?", ann)
    await ear.heard("Why is that?")
    await eventually(lambda: ear.slack.journal.of("chat.update"))
    assert "Why?" in message.labels


# Reasons


async def test_who_found_fault_is_asked_why(ear: Listening, dm: Seat, ann: Person) -> None:
    message = await answered(ear, dm.channel, ann)
    await message.press("👎", ann)
    await ear.heard("/feedback dislike")
    await ear.slack.until(lambda it: it.views)
    ear.slack.interactions.submit(ear.slack.views[-1], ann, why="it is wrong")
    first, second = await ear.heard("/feedback dislike", "/feedback dislike it is wrong")
    assert (first.about, first.chat.thread) == (second.about, second.chat.thread)
    assert second.about == message.ts


async def test_who_is_content_is_asked_nothing(ear: Listening, dm: Seat, ann: Person) -> None:
    message = await answered(ear, dm.channel, ann)
    await message.press("👍", ann)
    await ear.heard("/feedback like")
    assert ear.slack.views == []


async def test_thumb_counts_where_no_dialogue_opens(ear: Listening, dm: Seat, ann: Person) -> None:
    message = await answered(ear, dm.channel, ann)
    ear.slack.inject(Fault("views.open", error="expired_trigger_id"))
    await message.press("👎", ann)
    await ear.heard("/feedback dislike")
    await eventually(lambda: ear.slack.journal.of("views.open"))
    assert ear.slack.views == []


# Other words


async def test_changed_message_names_the_one_it_replaces(
    ear: Listening, dm: Seat, ann: Person
) -> None:
    message = await dm.say("Helo")
    await dm.edit(message, "Hello")
    await dm.edit(message, "Hello!")
    first, *others = await ear.heard("Helo", "Hello", "Hello!")
    assert {event.edits for event in others} == {first.event_id}
    assert len({event.event_id for event in others}) == 2


async def test_changed_message_in_a_thread_without_us_is_passed_over(
    ear: Listening, general: Channel, ann: Person
) -> None:
    root = await general.say(ann, "hi all")
    reply = await general.say(ann, "and you?", thread=root.ts)
    await ann.at(general).edit(reply, "and you??")
    await ear.heard()


async def test_our_own_changes_are_not_heard(ear: Listening, dm: Seat, ann: Person) -> None:
    message = await answered(ear, dm.channel, ann)
    chat = ChatRef("slack", "slack", f"{ear.slack.team.id}/{dm.id}", thread=message.thread)
    ref = await ear.adapter.send(chat, DONE, key="turn-9/0")
    await ear.adapter.edit(ref, Page("Other", final=True))
    await ear.heard()


# What is forwarded


async def test_forwarded_message_is_asked_about(ear: Listening, dm: Seat, ann: Person) -> None:
    message = await ear.slack.person("Bob").dm().say("the moon is cheese", silently=True)
    await dm.forward(message)
    await ear.heard("> Bob: the moon is cheese")


# Files from elsewhere


@pytest.mark.parametrize(
    ("fault", "name"),
    [(None, "paper.pdf"), (Fault("files.info", error="access_denied"), "")],
    ids=["told", "untold"],
)
async def test_file_of_another_organisation_is_heard_with_its_name(
    slack: Emulator, ann: Person, fault: Fault | None, name: str
) -> None:
    partner = slack.workspace("Partner")
    eve = slack.person("Eve", partner)
    channel = slack.channel("shared", ann, eve, shared_with=[partner])
    if fault:
        slack.inject(fault)
    async with listening(slack, external_users=True) as ear:
        seat = eve.at(channel)
        mine, theirs = ann.at(channel).upload(b"a", "a.png", "image/png"), seat.upload(b"b")
        await seat.share_all([mine, theirs], f"{slack.bot.mention} look")
        await eventually(lambda: ear.sink.events)
        await ear.settled()
    assert {each.text for each in ear.sink.events} == {"look"}
    assert [each.name for each in ear.sink.events[0].attachments] == ["a.png", name]
    assert len(slack.journal.of("files.info")) == len(ear.sink.events)
