"""A command where the app is no member: who typed it is told so, and nobody else."""

import pytest

from adapters.slack.asides import SORRY, SORRY_ZH
from adapters.slack.speak import Speaker
from bridge.errors import Departed
from bridge.events import ChatKind, ChatRef, Page
from tests.platforms.budgets import Clock
from tests.slack.emulator import Channel, Emulator, Fault, Invocation, Person


@pytest.fixture(params=[False, True], ids=["public", "private"])
def elsewhere(request: pytest.FixtureRequest, slack: Emulator, ann: Person) -> Channel:
    return slack.channel("elsewhere", ann, bot=False, private=request.param)


def place(slack: Emulator, channel: Channel) -> ChatRef:
    return ChatRef("slack", "slack", f"{slack.team.id}/{channel.id}", kind=ChatKind.GROUP)


async def typed(speaker: Speaker, slack: Emulator, by: Person, channel: Channel) -> Invocation:
    """Let the app hear a command."""
    invocation = await by.at(channel).command("/coze", "hi")
    address = str(invocation.delivery.payload["response_url"])
    speaker.may_be_told(place(slack, channel), address, by.language)
    return invocation


async def refused(speaker: Speaker, chat: ChatRef) -> None:
    with pytest.raises(Departed):
        await speaker.send(chat, Page("Hello", final=True), key="k/0")


async def test_who_typed_it_learns_that_the_app_is_no_member(
    slack: Emulator, speaker: Speaker, elsewhere: Channel, ann: Person
) -> None:
    invocation = await typed(speaker, slack, ann, elsewhere)
    await refused(speaker, place(slack, elsewhere))
    assert [(reply.text, reply.whisper) for reply in invocation.replies] == [(SORRY, ann.id)]


async def test_once_is_enough(
    slack: Emulator, speaker: Speaker, elsewhere: Channel, ann: Person
) -> None:
    invocation = await typed(speaker, slack, ann, elsewhere)
    for _ in range(2):
        await refused(speaker, place(slack, elsewhere))
    assert len(invocation.replies) == 1


async def test_everybody_who_waits_is_told_in_their_language(
    slack: Emulator, speaker: Speaker, elsewhere: Channel, ann: Person
) -> None:
    bob = slack.person("Bob")
    bob.language = "zh-CN"
    elsewhere.members[bob.id] = bob
    first, second = [await typed(speaker, slack, who, elsewhere) for who in (ann, bob)]
    await refused(speaker, place(slack, elsewhere))
    assert [one.replies[0].text for one in (first, second)] == [SORRY, SORRY_ZH]


async def test_who_was_answered_waits_no_more(
    slack: Emulator, speaker: Speaker, general: Channel, ann: Person
) -> None:
    invocation = await typed(speaker, slack, ann, general)
    await speaker.send(place(slack, general), Page("Hello", final=True), key="k/0")
    slack.inject(Fault("chat.postMessage", error="not_in_channel"))
    await refused(speaker, place(slack, general))
    assert invocation.replies == []


async def test_place_that_is_closed_to_everybody_is_no_invitation(
    slack: Emulator, speaker: Speaker, general: Channel, ann: Person
) -> None:
    invocation = await typed(speaker, slack, ann, general)
    general.archived = True
    await refused(speaker, place(slack, general))
    assert invocation.replies == []


async def test_address_that_is_no_good_any_more_changes_nothing(
    slack: Emulator, speaker: Speaker, elsewhere: Channel, ann: Person, clock: Clock
) -> None:
    invocation = await typed(speaker, slack, ann, elsewhere)
    invocation.uses = 5
    await refused(speaker, place(slack, elsewhere))
    speaker.may_be_told(place(slack, elsewhere), "http://127.0.0.1:9/", "")
    await refused(speaker, place(slack, elsewhere))
    assert invocation.replies == []
