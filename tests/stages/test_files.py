"""What people send beside words is brought to Coze: each file once, piece by piece."""

import asyncio
import tracemalloc
from dataclasses import dataclass, replace

import pytest

from bridge.config import Edited
from bridge.errors import Gone, RateLimited, Transient, Unreachable
from bridge.events import Attachment, AttachmentKind, Place
from bridge.lanes import lane_of
from bridge.store.files import StoredFiles
from bridge.testing.agent import Play, ScriptedAgent
from bridge.testing.filing import FilingAdapter, Stored, stored
from bridge.upstream import Part, PartKind, Upload
from tests.stages.bringing import (
    MB,
    PAPER,
    PHOTO,
    VOICE,
    answered,
    configured,
    endless,
    names,
    sends,
)
from tests.stages.world import LI, World


@dataclass(slots=True)
class Counting(ScriptedAgent):
    """An agent that keeps of what is uploaded only the size."""

    size: int = 0

    async def upload(self, file: Upload) -> str:
        async for piece in file.content:
            self.size += len(piece)
        return "file"


# What arrives


async def test_a_photo_with_words_is_one_question(
    world: World, platform: FilingAdapter, agent: ScriptedAgent
) -> None:
    assert await sends(world, "what is it?", PHOTO) == ["You said: what is it?"]
    [(file_id, taken)] = agent.files.items()
    assert (taken.name, taken.content) == ("photo.jpg", b"photo")
    [question] = agent.attempts
    assert (question.text, question.parts) == (
        "what is it?",
        (Part(PartKind.IMAGE, file_id),),
    )


async def test_an_album_is_one_question_with_its_files_in_order(
    world: World, platform: FilingAdapter, agent: ScriptedAgent
) -> None:
    world.settings(merge_window=0.5)
    events = [
        replace(world.says("look" if not n else ""), attachments=(each,))
        for n, each in enumerate((PHOTO, PAPER))
    ]
    for event in events:
        await world.inbox(event)
    await answered(world, events[0])
    [question] = agent.attempts
    assert question.text == "look"
    assert [(part.kind, agent.files[part.file_id].name) for part in question.parts] == [
        (PartKind.IMAGE, "photo.jpg"),
        (PartKind.FILE, "paper.pdf"),
    ]


@pytest.mark.parametrize(
    ("language", "words"), [("en", "I sent you a file."), ("zh", "我发了一个文件。")]
)
async def test_a_file_without_words_gets_neutral_ones(
    world: World, platform: FilingAdapter, agent: ScriptedAgent, language: str, words: str
) -> None:
    event = world.says("", user=replace(LI, language=language))
    event = replace(event, attachments=(PAPER,))
    await world.inbox(event)
    await answered(world, event)
    assert agent.asked == [words]


async def test_a_position_is_a_question_by_itself(world: World, agent: ScriptedAgent) -> None:
    await sends(world, "", place=Place(52.5, 13.4))
    [question] = agent.attempts
    assert (question.text, question.place) == ("This is where I am.", Place(52.5, 13.4))


async def test_a_sticker_is_a_picture(
    world: World, platform: FilingAdapter, agent: ScriptedAgent
) -> None:
    platform.files["s"] = stored(b"webp")
    await sends(world, "", Attachment(AttachmentKind.STICKER, "s", mime="image/webp"))
    assert agent.attempts[0].parts[0].kind is PartKind.IMAGE


@pytest.mark.usefixtures("platform")
async def test_a_command_with_a_file_is_still_a_command(world: World, agent: ScriptedAgent) -> None:
    await sends(world, "/new", PHOTO)
    assert (agent.files, agent.attempts) == ({}, [])


# Voice


async def test_a_voice_message_is_heard_and_needs_no_words(
    world: World, platform: FilingAdapter, agent: ScriptedAgent
) -> None:
    await sends(world, "", VOICE)
    [question] = agent.attempts
    assert (question.text, question.parts[0].kind) == ("", PartKind.AUDIO)
    assert names(agent)[0] == "voice.ogg"


async def test_a_voice_message_can_be_written_down_and_shown(
    world: World, platform: FilingAdapter, agent: ScriptedAgent
) -> None:
    configured(world, voice="transcribe")
    agent.transcripts.append("how are *you*?")
    shown = await sends(world, "note this:", VOICE)
    assert agent.asked == ["note this:\nhow are *you*?"]
    assert agent.attempts[0].parts == ()
    assert shown[0].startswith("> `how are *you*?`\n\nYou said")


# What may pass


@pytest.mark.parametrize("error", [Unreachable("reset"), RateLimited("slow", retry_after=2)])
async def test_a_file_that_breaks_off_is_read_again_from_its_beginning(
    world: World, platform: FilingAdapter, agent: ScriptedAgent, error: Transient
) -> None:
    whole = platform.files["paper"]
    platform.files["paper"] = replace(whole, error=error, breaks_after=1)
    reading = asyncio.create_task(sends(world, "", PAPER))
    async with asyncio.timeout(1):
        while not platform.fetched:
            await asyncio.sleep(0.01)
    platform.files["paper"] = whole
    await reading
    assert platform.fetched == ["paper", "paper"]
    assert [file.content for file in agent.files.values()] == [b"paper"]


async def test_what_was_uploaded_is_not_uploaded_again(
    world: World, platform: FilingAdapter, agent: ScriptedAgent
) -> None:
    agent.fail("begin", *[Unreachable("down")] * 2)
    await sends(world, "both", PAPER, PHOTO)
    assert sorted(platform.fetched) == ["paper", "photo"]
    parts = [agent.files[part.file_id].name for part in agent.attempts[0].parts]
    assert parts == ["paper.pdf", "photo.jpg"]


async def test_of_two_files_one_of_which_fails_the_other_is_kept(
    world: World, platform: FilingAdapter, agent: ScriptedAgent
) -> None:
    down = [Unreachable("down")] * 3
    platform.fail(*down, verb="fetch", when=lambda call: call.message == "paper")
    await sends(world, "both", PAPER, PHOTO)
    assert platform.fetched.count("photo") == 1
    assert len(agent.attempts[0].parts) == 2


async def test_what_is_asked_again_is_not_uploaded_again(
    world: World, platform: FilingAdapter, agent: ScriptedAgent
) -> None:
    await sends(world, "both", PAPER, replace(PHOTO, ref="nowhere"))
    platform.files["nowhere"] = stored(b"here after all")
    await sends(world, "/retry")
    assert platform.fetched == ["paper", "nowhere", "nowhere"]
    first, second = agent.attempts
    assert (second.text, second.parts[:1]) == (first.text, first.parts)
    assert names(agent) == ["paper.pdf", "photo.jpg"]


async def test_a_changed_message_brings_its_file_once(
    world: World, platform: FilingAdapter, agent: ScriptedAgent
) -> None:
    world.settings(edited=Edited.ASK)
    event = replace(world.says("what?"), attachments=(PAPER,))
    await world.inbox(event)
    await answered(world, event)
    changed = replace(event, event_id="edit", text="why?", edits=event.event_id)
    await world.inbox(changed)
    await answered(world, changed)
    assert agent.asked == ["what?", "why?"]
    assert [len(question.parts) for question in agent.attempts] == [1, 1]


async def test_a_picture_that_was_exchanged_is_asked_about_instead_of_the_old_one(
    world: World, platform: FilingAdapter, agent: ScriptedAgent
) -> None:
    world.settings(edited=Edited.ASK)
    album = [
        replace(world.says("", event=each.ref), attachments=(each,), album="a")
        for each in (PHOTO, PAPER)
    ]
    for event in album:
        await world.inbox(event)
    await asyncio.sleep(5)
    await answered(world, album[0])
    other = replace(PHOTO, ref="other")
    platform.files["other"] = stored(b"other")
    changed = replace(album[0], event_id="edit", attachments=(other,), edits=album[0].event_id)
    await world.inbox(changed)
    await answered(world, changed)
    await sends(world, "/retry")
    await sends(world, "/retry")
    names = {id_: file.content.decode() for id_, file in agent.files.items()}
    brought = [sorted(names[part.file_id] for part in each.parts) for each in agent.attempts]
    assert brought == [["paper", "photo"], *[["other", "paper"]] * 3]
    assert platform.fetched.count("other") == 1


async def test_after_the_question_was_asked_nothing_is_uploaded(
    world: World, platform: FilingAdapter, agent: ScriptedAgent
) -> None:
    agent.play(Play(text="one two three", cut_after=1))
    agent.fail("outcome", *[Unreachable("down")])
    [shown] = await sends(world, "look", PAPER, replace(PAPER, name="a.exe"))
    assert shown.startswith("one two three\n\nI could not take a.exe")
    assert platform.fetched == ["paper"]
    assert len(agent.attempts) == 1


async def test_no_more_than_three_are_read_at_the_same_time(
    world: World, platform: FilingAdapter, agent: ScriptedAgent
) -> None:
    papers = [replace(PAPER, ref=f"p{n}") for n in range(9)]
    platform.files |= {each.ref: stored(each.ref.encode()) for each in papers}
    await sends(world, "all of them", *papers)
    assert len(agent.files) == 9
    assert 1 < platform.most_reading <= 3


async def test_a_stop_while_files_are_read_asks_nothing(
    world: World, platform: FilingAdapter, agent: ScriptedAgent
) -> None:
    platform.hold("fetch")
    answering = asyncio.create_task(sends(world, "look", PAPER))
    while not platform.fetched:
        await asyncio.sleep(0.01)
    assert world.interrupts.ask("fake/fake/room/")
    await answering
    assert agent.attempts == []
    assert platform.shown() == ["*(stopped)*"]


async def test_a_large_file_costs_little_memory(world: World, platform: FilingAdapter) -> None:
    world.agent = counting = Counting()
    world.wire()
    platform.files["paper"] = Stored(lambda: endless(20 * MB), size=20 * MB)
    tracemalloc.start()
    try:
        await sends(world, "look", replace(PAPER, size=20 * MB))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert counting.size == 20 * MB
    assert peak < 10 * MB


async def test_what_became_of_a_file_is_stored(
    world: World, platform: FilingAdapter, agent: ScriptedAgent
) -> None:
    platform.fail(Gone("old"), verb="fetch", when=lambda call: call.message == "photo")
    event = replace(world.says("x"), attachments=(PAPER, PHOTO))
    await world.inbox(event)
    turn = await world.take(lane_of(event, world.sessions_settings.group_scope))
    session = await world.sessions.resolve(turn.event)
    await world.walk.files.bring(turn, session, "x")
    rows = await StoredFiles(world.store).of(turn.id)
    assert (rows[0].kind, rows[0].content) == ("file", next(iter(agent.files)))
    assert (rows[1].kind, rows[1].refused) == ("", "gone")
