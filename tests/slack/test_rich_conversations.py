"""Files, thumbs, suggestions and changed questions in Slack, through a whole bridge to Coze."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.emulator import Emulator as Coze
from bridge.emulator import serve as serve_coze
from tests.platforms.worlds import eventually
from tests.slack.emulator import Drop, Emulator, Fault, Message, Seat, serve
from tests.slack.world import World

VOICE = "slack_audio"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 50


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with serve(Emulator()) as slack, serve_coze(Coze(pace=0.001)) as coze:
        slack.deliveries.pauses = (0.1,) * 100
        yield World(slack, coze, tmp_path)


@pytest.fixture
def dm(world: World) -> Seat:
    return world.slack.person("Ann").dm()


def received(world: World) -> dict[str, bytes]:
    """What Coze was given, by name."""
    return {file.name: file.content for file in world.coze.files.all.values()}


async def until_rated(world: World, *ratings: str) -> None:
    """Wait until this is what Coze knows of ratings."""

    def rated() -> list[str]:
        return [said.feedback_type for said in world.coze.feedback.values()]

    await eventually(lambda: rated() == list(ratings))


async def test_files_of_one_message_are_one_question_byte_for_byte(world: World, dm: Seat) -> None:
    world.script("", reply="Seen.")
    files = [
        dm.upload(PNG, "chart.png", "image/png"),
        dm.upload(PDF, "paper.pdf"),
        dm.upload(b"a,b\n1,2\n", "table.csv", "text/csv", mode="snippet"),
    ]
    async with world.running():
        asked = await dm.share_all(files, "What are these?")
        await dm.in_thread(asked).final("Seen.")
    assert received(world) == {
        "chart.png": PNG,
        "paper.pdf": PDF,
        "table.csv": b"a,b\n1,2\n",
    }
    (question,) = world.coze.asked
    assert question.text == "What are these?"
    assert sorted(kind for kind, _ in question.files) == ["file", "file", "image"]


async def test_file_that_cannot_be_read_costs_a_sentence_and_not_the_answer(
    world: World, dm: Seat
) -> None:
    world.script("", reply="I can read one.")
    gone = dm.upload(PDF, "gone.pdf")
    asked = await dm.share_all([dm.upload(PDF, "paper.pdf"), gone], "Well?", silently=True)
    del world.slack.files.all[gone.id]
    async with world.running():
        world.slack.events.posted(asked)
        (answer,) = await dm.in_thread(asked).until(lambda seat: seat.answers)
        await world.slack.until(lambda _: "gone.pdf" in answer.text, within=10)
    assert answer.text.startswith("I can read one.")
    assert list(received(world)) == ["paper.pdf"]


async def test_rating_is_given_changed_and_taken_back(world: World, dm: Seat) -> None:
    world.script("", reply="It is blue.")
    async with world.running():
        asked = await dm.say("What colour is the sky?")
        thread = dm.in_thread(asked)
        answer = await thread.final("It is blue.")
        await world.slack.until(lambda _: "👍" in answer.labels)
        await answer.press("👍", dm.person)
        await until_rated(world, "like")
        await answer.press("👎", dm.person)
        await until_rated(world, "unlike")
        await thread.react(answer, "+1")
        await until_rated(world, "like")
        await thread.take_back(answer, "+1")
        await until_rated(world)
    assert [message.text for message in dm.answers] == ["It is blue."]


async def test_reason_reaches_coze(world: World, dm: Seat) -> None:
    world.script("", reply="It is green.")
    async with world.running():
        asked = await dm.say("What colour is the sky?")
        answer = await dm.in_thread(asked).final("It is green.")
        await world.slack.until(lambda _: "👎" in answer.labels)
        await answer.press("👎", dm.person)
        await world.slack.until(lambda it: it.views)
        await until_rated(world, "unlike")
        world.slack.interactions.submit(world.slack.views[0], dm.person, why="it is blue")
        await eventually(
            lambda: [said.comment for said in world.coze.feedback.values()] == ["it is blue"]
        )


async def test_suggestion_that_is_pressed_becomes_the_question(world: World, dm: Seat) -> None:
    world.script("sky", reply="It is blue.", follow_ups=("Why is it blue?",))
    world.script("Why", reply="Because.")
    async with world.running():
        asked = await dm.say("What colour is the sky?")
        thread = dm.in_thread(asked)
        answer = await thread.final("It is blue.")
        await world.slack.until(lambda _: "Why is it blue?" in answer.labels)
        await answer.press("Why is it blue?", dm.person)
        after = await thread.final("Because.")
        await world.slack.until(lambda _: "Why is it blue?" not in answer.labels)
    assert after.text == "> Why is it blue?\n\nBecause."
    assert world.questions() == ["What colour is the sky?", "Why is it blue?"]


async def test_changed_question_is_asked_again_only_where_that_is_wanted(
    world: World, dm: Seat
) -> None:
    world.script("moon", reply="It is grey.")
    world.script("sky", reply="It is blue.")
    async with world.running():
        asked = await dm.say("What colour is the moon?")
        await dm.in_thread(asked).final("It is grey.")
        await dm.edit(asked, "What colour is the sky?")
        await world.slack.until(lambda it: not it.deliveries.open)
    assert world.questions() == ["What colour is the moon?"]


async def test_changed_question_is_answered_in_the_same_message(world: World, dm: Seat) -> None:
    world.script("moon", reply="It is grey.")
    world.script("sky", reply="It is blue.")
    async with world.running({"edited": "ask"}):
        asked = await dm.say("What colour is the moon?")
        thread = dm.in_thread(asked)
        await thread.final("It is grey.")
        await dm.edit(asked, "What colour is the sky?")
        await thread.final("It is blue.")
    assert [message.text for message in thread.answers] == ["It is blue."]
    assert world.questions() == ["What colour is the moon?", "What colour is the sky?"]


async def test_picture_in_an_answer_follows_it_as_a_picture(world: World, dm: Seat) -> None:
    said = "Look: ![a cat](https://img.example.com/cat.png)"
    world.script("", reply=said)
    async with world.running():
        asked = await dm.say("Show me a cat")
        answer, picture = await dm.in_thread(asked).until(lambda it: it.answers[1:] and it.answers)
        await world.slack.until(lambda it: not it.open_streams)
    assert answer.text == said
    (block,) = picture.blocks
    assert block["image_url"] == "https://img.example.com/cat.png"
    assert len(dm.answers) == 2


async def test_picture_that_nobody_can_fetch_costs_nothing_but_itself(
    world: World, dm: Seat
) -> None:
    world.script("^one", reply="Look: ![a cat](http://127.0.0.1:9/cat.png)")
    world.script("^two", reply="Second.")
    async with world.running():
        asked = await dm.say("one")
        await dm.in_thread(asked).say("two")
        await dm.in_thread(asked).final("Second.")
    assert len(dm.answers) == 2


async def spoken(world: World, dm: Seat) -> list[Message]:
    """Say something aloud to an agent with a voice; its answers."""
    world.script("", reply="It is blue.")
    async with replace(world, voice="7426720361732915209").running():
        asked = await dm.share(PDF, name="audio_message.m4a", mime="audio/mp4", subtype=VOICE)
        thread = dm.in_thread(asked)
        await thread.final("It is blue.")
        await thread.until(lambda seat: any(message.files for message in seat.answers))
        after = await thread.say("Thank you")
        await thread.until(lambda seat: len(seat.answers) > 2 and not world.slack.open_streams)
    return [message for message in dm.answers if message.ts < after.ts]


async def test_who_speaks_is_answered_aloud_as_well(world: World, dm: Seat) -> None:
    text, voice = await spoken(world, dm)
    heard = f"This is a recording of {len(PDF)} bytes."  # which Coze wrote down
    assert text.text == f"> {heard}\n\nIt is blue."
    assert world.coze.asked[0].text == heard
    (note,) = voice.files
    assert (note.data or b"")[:4] == b"OggS"


async def test_file_of_which_nobody_heard_is_not_shared_twice(world: World, dm: Seat) -> None:
    world.slack.inject(Fault("files.completeUploadExternal", drop=Drop.AFTER))
    answers = await spoken(world, dm)
    assert [len(message.files) for message in answers] == [0, 1]


@pytest.mark.parametrize("by_button", [True, False], ids=["button", "text"])
async def test_question_of_the_agents_is_answered(world: World, dm: Seat, by_button: bool) -> None:
    asking = {"reply": "Which city?", "needs_reply": True, "options": ("Rome", "Oslo"), "times": 1}
    world.script("weather", endpoint="*", **asking)
    world.script("Oslo", endpoint="*", reply="It snows.")
    async with world.running():
        asked = await dm.say("What is the weather?")
        thread = dm.in_thread(asked)
        question = await thread.final("Which city?")
        await world.slack.until(lambda _: question.labels == ["Rome", "Oslo"])
        await (question.press("Oslo", dm.person) if by_button else thread.say("Oslo"))
        await thread.final("It snows.")
        if by_button:
            await world.slack.until(lambda _: question.labels == [])
    assert world.questions() == ["What is the weather?", "Oslo"]
    assert len({each.conversation_id for each in world.coze.asked}) == 1
