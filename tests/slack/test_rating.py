"""Thumbs below an answer: Slack's own, or plain buttons where a workspace refuses those."""

import pytest

from adapters.slack.blocks import DISLIKE, LIKE
from adapters.slack.speak import Speaker
from bridge.errors import Rejected
from bridge.events import Button, Page
from tests.slack.emulator import Emulator, Fault, Message, Person, Seat
from tests.slack.speaking import Answer, answer, calls, speaking

DONE = Page("Done", final=True, rates=True)
SHOWING = ("chat.postMessage", "chat.stopStream", "chat.update")


def native(message: Message) -> bool:
    return "context_actions" in [block["type"] for block in message.blocks]


def refuse(slack: Emulator, times: int = 1) -> None:
    """Let Slack take no blocks so many times, by whatever method."""
    for method in SHOWING:
        slack.inject(Fault(method, error="invalid_blocks", times=times))


@pytest.mark.parametrize("way", ["post", "stream", "update"])
async def test_answer_that_can_be_rated_has_thumbs(
    slack: Emulator, dm: Seat, ann: Person, way: str
) -> None:
    async with speaking(slack, stream="edit" if way == "update" else "auto") as speaker:
        said = await answer(slack, speaker, dm.channel, ann)
        if way != "post":
            await said.grow("Do")
        await said.show(DONE)
    assert (said.message.labels, native(said.message)) == (["👍", "👎"], True)


async def test_growing_answer_has_no_thumbs(said: Answer) -> None:
    await said.show(Page("Do", rates=True))
    assert said.message.labels == []


async def test_nobody_rates_where_the_account_wants_it_so(
    slack: Emulator, dm: Seat, ann: Person
) -> None:
    async with speaking(slack, feedback=False) as speaker:
        said = await answer(slack, speaker, dm.channel, ann)
        await said.show(DONE)
    assert said.message.labels == []


async def test_thumbs_stand_below_what_can_be_said_next(said: Answer) -> None:
    await said.show(Page("Done", final=True, rates=True, buttons=(Button("Why?", "Why?"),)))
    assert said.message.labels == ["Why?", "👍", "👎"]


@pytest.mark.parametrize("stream", ["auto", "edit"])
async def test_workspace_that_refuses_slacks_thumbs_gets_buttons_from_then_on(
    slack: Emulator, dm: Seat, ann: Person, stream: str
) -> None:
    async with speaking(slack, stream=stream) as speaker:
        for grows in (True, False):
            said = await answer(slack, speaker, dm.channel, ann)
            if grows:
                await said.grow("Do")
                refuse(slack)
            await said.show(DONE)
            slack.faults.clear()
            assert (said.message.labels, native(said.message)) == (["👍", "👎"], False)
            assert said.message.text == "Done"
    assert calls(slack)[-1] == "postMessage"


async def test_plain_thumbs_say_what_slacks_say(slack: Emulator, said: Answer, ann: Person) -> None:
    slack.inject(Fault("chat.postMessage", error="invalid_blocks"))
    await said.show(DONE)
    for label, says in (("👍", LIKE), ("👎", DISLIKE)):
        payload = await said.message.press(label, ann)
        (action,) = payload["actions"]  # type: ignore[misc]
        assert action["value"] == says


async def test_page_that_is_refused_with_any_thumbs_is_refused(
    slack: Emulator, said: Answer
) -> None:
    refuse(slack, times=2)
    with pytest.raises(Rejected):
        await said.show(DONE)
    slack.faults.clear()
    await said.show(DONE)  # it was not the thumbs
    assert native(said.message)


async def test_refusal_of_a_page_without_thumbs_is_no_news_of_them(
    slack: Emulator, said: Answer, speaker: Speaker, dm: Seat, ann: Person
) -> None:
    slack.inject(Fault("chat.postMessage", error="invalid_blocks"))
    with pytest.raises(Rejected):
        await said.end("Done")
    assert calls(slack) == ["postMessage"]
    await said.show(DONE)
    assert native(said.message)
