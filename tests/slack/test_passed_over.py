"""What is passed over in Slack, by socket and by HTTP, and where the line is drawn."""

import pytest

from bridge.events import Button, Page
from bridge.testing.transcript import FakeHost, MemoryTranscript
from tests.slack.emulator import Channel, Emulator, Fault, Message, Person
from tests.slack.hearing import heard_once, named, texts
from tests.slack.world import Listening, listening


@pytest.fixture
def slack(brisk: Emulator) -> Emulator:
    return brisk


async def test_chatter_is_passed_over(ear: Listening, general: Channel, ann: Person) -> None:
    message = await general.say(ann, "hi all")
    await ann.at(general).edit(message, "hello all")
    await ann.at(general).delete(message)
    await ann.at(general).join()
    await ann.at(general).integration("beep")
    await general.say(ear.slack.person("Robot", bot=True), named(ear.slack, "hi"))
    await general.say(ann, "a reply", thread=message.ts)
    await ear.heard()


async def test_news_of_its_own_end_is_acknowledged(ear: Listening) -> None:
    ear.slack.uninstall()
    await ear.heard()


# Threads


async def test_follow_up_in_our_thread_needs_no_name(
    ear: Listening, general: Channel, ann: Person, bob: Person
) -> None:
    root = await general.say(ann, named(ear.slack, "hi"))
    await general.say(bob, "and me?", thread=root.ts)
    await heard_once(ear, "hi", "and me?")
    assert ear.sink.events[-1].chat.thread == root.ts


async def test_thread_is_ours_after_a_restart_and_costs_no_call(
    slack: Emulator, host: FakeHost, general: Channel, ann: Person
) -> None:
    async with listening(slack, host=host) as before:
        root = await general.say(ann, named(slack, "hi"))
        other = await general.say(ann, "not for you")
        await heard_once(before, "hi")
    async with listening(slack, host=host) as after:
        await general.say(ann, "nor this", thread=other.ts)
        await general.say(ann, "again", thread=root.ts)
        await heard_once(after, "again")
    assert slack.journal.of("conversations.replies") == []


async def test_mention_makes_a_foreign_thread_ours(
    ear: Listening, general: Channel, ann: Person, bob: Person
) -> None:
    root = await general.say(ann, "Who knows?")
    await general.say(bob, "Not me", thread=root.ts)
    await general.say(bob, named(ear.slack, "do you?"), thread=root.ts)
    await general.say(ann, "Well?", thread=root.ts)
    await heard_once(ear, "do you?", "Well?")


async def test_message_is_not_acknowledged_before_its_thread_is_known_for_good(
    ear: Listening, host: FakeHost, general: Channel, ann: Person
) -> None:
    ear.slack.deliveries.patience = 0.2
    assert isinstance(host.transcript, MemoryTranscript)
    host.transcript.failing = True
    await general.say(ann, named(ear.slack, "hi"))
    await ear.slack.until(lambda it: all(each.attempts > 1 for each in it.deliveries.open))
    host.transcript.failing = False
    await heard_once(ear, "hi")


async def test_several_people_in_direct_messages(ear: Listening, ann: Person, bob: Person) -> None:
    place = ear.slack.group_dm(ann, bob)
    await place.say(ann, "not for you")
    root = await place.say(ann, named(ear.slack, "hi"))
    await place.say(bob, "and me?", thread=root.ts)
    await heard_once(ear, "hi", "and me?")


async def test_what_is_shown_in_the_channel_too_is_one_message(
    ear: Listening, general: Channel, ann: Person
) -> None:
    root = await general.say(ann, named(ear.slack, "hi"))
    await ann.at(general, root.ts).broadcast("for all to see")
    await heard_once(ear, "hi", "for all to see")


# Others' organisations


async def test_outsiders_are_not_heard(slack: Emulator, ann: Person) -> None:
    eve = slack.person("Eve", slack.workspace("Elsewhere"))
    shared = slack.channel("shared", ann, eve, shared_with=[eve.team])
    async with listening(slack) as ear:
        await shared.say(eve, named(slack, "hi"))
        await ear.heard()
    async with listening(slack, external_users=True) as ear:
        await shared.say(eve, named(slack, "hello"))
        await heard_once(ear, "hello")
        assert ear.sink.events[0].user.id == f"{eve.team.id}/{eve.id}"


async def offered(ear: Listening, place: Channel, person: Person) -> Message:
    """Make the app show a button where somebody asked."""
    asked = await place.say(person, named(ear.slack, "hi"))
    await heard_once(ear, "hi")
    page = Page("Well?", final=True, buttons=(Button("More", "Tell me more"),))
    shown = await ear.adapter.send(ear.sink.events[0].chat, page, key="k")
    assert asked.ts
    return place.messages[shown.id]


def with_colleague(slack: Emulator, ann: Person) -> tuple[Person, Channel]:
    """Bob, of another workspace of Ann's organisation, and a channel with both."""
    slack.team.enterprise = union = slack.enterprise("Union")
    slack.installed(slack.team).enterprise = union
    bob = slack.person("Bob", slack.workspace("Two", union))
    return bob, slack.channel("everybody", ann, bob, shared_with=[bob.team])


async def test_colleague_from_another_workspace_may_press_what_they_may_say(
    slack: Emulator, ann: Person
) -> None:
    """In an organisation Slack tells of any of the workspaces somebody is in."""
    bob, everybody = with_colleague(slack, ann)
    async with listening(slack) as ear:
        message = await offered(ear, everybody, ann)
        await message.press("More", bob)
        await heard_once(ear, "hi", "Tell me more")
        assert ear.sink.events[-1].user.id == f"{slack.team.id}/{bob.id}"


@pytest.mark.parametrize("theirs", [False, True], ids=["no organisation", "another"])
async def test_outsider_may_not_press_either(slack: Emulator, ann: Person, theirs: bool) -> None:
    slack.team.enterprise = union = slack.enterprise("Union")
    slack.installed(slack.team).enterprise = union
    other = slack.enterprise("Other") if theirs else None
    eve = slack.person("Eve", slack.workspace("Elsewhere", other))
    shared = slack.channel("shared", ann, eve, shared_with=[eve.team])
    async with listening(slack) as ear:
        message = await offered(ear, shared, ann)
        await message.press("More", eve)
        await ear.settled()
        assert texts(ear.sink.events) == ["hi"]


async def test_colleague_is_waited_for(slack: Emulator, ann: Person) -> None:
    """A press comes once: what Slack is slow to tell may not cost it."""
    bob, everybody = with_colleague(slack, ann)
    async with listening(slack) as ear:
        message = await offered(ear, everybody, ann)
        slack.inject(Fault("users.info", delay=0.6))
        await message.press("More", bob)
        await heard_once(ear, "hi", "Tell me more")
