"""What is taken in of what people do in Slack, by socket and by HTTP."""

import asyncio

import pytest

from bridge.errors import Departed
from bridge.events import Button, ChatKind, Inbound, Page
from bridge.lent import MenuItem
from bridge.testing.contract import RecordingSink
from bridge.testing.transcript import FakeHost
from tests.platforms.worlds import eventually
from tests.slack.emulator import BOT_TOKEN, Channel, Emulator, Fault, Person, Seat, serve
from tests.slack.hearing import heard_once, named
from tests.slack.world import Listening, listening


@pytest.fixture
def slack(brisk: Emulator) -> Emulator:
    return brisk


# Who and where


async def test_person_is_introduced(ear: Listening, dm: Seat) -> None:
    await dm.say("hi")
    [event] = await ear.heard("hi")
    assert (event.user.name, event.user.language) == ("Ann", "en-US")
    assert event.user.timezone == "Europe/London"


async def test_person_is_asked_for_once(ear: Listening, dm: Seat, ann: Person) -> None:
    for number in range(5):
        await dm.say(str(number))
    await ear.heard(*"01234")
    assert len(ear.slack.journal.of("users.info")) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault("users.info", delay=3600.0),
        Fault("users.info", retry_after=3600),
        Fault("users.info", error="x"),
    ],
    ids=["slow", "limited", "refused"],
)
async def test_nobody_waits_long_for_a_name(ear: Listening, dm: Seat, fault: Fault) -> None:
    ear.slack.inject(fault)
    async with asyncio.timeout(15):
        await dm.say("hi")
        [event] = await ear.heard("hi")
    assert event.user.id
    assert event.user.name == ""


async def test_mention_is_heard_as_one_event(ear: Listening, general: Channel, ann: Person) -> None:
    await general.say(ann, named(ear.slack, "hi"))
    await eventually(lambda: len(ear.sink.events) == 2)  # which the inbox makes one of
    await ear.settled()
    assert len({event.event_id for event in ear.sink.events}) == 1
    assert {event.chat.kind for event in ear.sink.events} == {ChatKind.THREAD}


async def test_what_names_somebody_else_is_readable(
    ear: Listening, general: Channel, ann: Person, bob: Person
) -> None:
    await bob.dm().say("hi")
    await ear.heard("hi")
    await ann.dm().say(f"who is {bob.mention}?")
    await ear.heard("hi", "who is @Bob?")


# A whole organisation


@pytest.mark.parametrize("mode", ["socket", "http"])
async def test_app_of_a_whole_organisation_hears_all_its_workspaces(mode: str) -> None:
    async with serve(Emulator(mode=mode, installed=False)) as slack:  # type: ignore[arg-type]
        union = slack.enterprise("Union")
        teams = [slack.workspace("One", union), slack.workspace("Two", union)]
        slack.installs.grant(slack.install(union), value=BOT_TOKEN)
        slack.team = teams[0]  # by which the emulator finds the token
        async with listening(slack) as ear:
            for team in teams:
                await slack.person("Ann", team).dm().say(f"hi from {team.name}")
            events = await ear.heard("hi from One", "hi from Two")
            message = await ear.adapter.send(events[1].chat, Page("Hello", final=True), key="k")
    assert [event.chat.via for event in events] == [union.id] * 2
    assert [event.chat.chat.partition("/")[0] for event in events] == [t.id for t in teams]
    assert [m.text for m in slack.person("Ann", teams[1]).dm().answers] == ["Hello"]
    assert message.chat == events[1].chat


# Files


async def test_file_comes_with_its_text(ear: Listening, dm: Seat) -> None:
    await dm.share(name="paper.pdf", text="read this")
    [event] = await ear.heard("read this")
    assert [each.name for each in event.attachments] == ["paper.pdf"]


# Commands and presses


async def test_slash_command_is_ours_or_a_question(ear: Listening, dm: Seat) -> None:
    meant = {"new": "/new", "": "/help", "what is new?": "what is new?"}
    for count, typed in enumerate(meant, start=1):
        await dm.command("/coze", typed)  # Slack does not date them, so one after the other
        found = await ear.heard(*list(meant.values())[:count])
    assert [(event.chat.thread, event.pressed) for event in found] == [("", True)] * 3


async def test_command_that_the_agent_got_later_is_one(
    ear: Listening, host: FakeHost, dm: Seat
) -> None:
    """When the adapter is opened, nobody has asked Coze for them yet."""
    await dm.command("/coze", "Draw a cat")
    await ear.heard("Draw a cat")
    host.menus = {"": [MenuItem("Draw", "a picture")]}
    await dm.command("/coze", "Draw a cat")
    await ear.heard("Draw a cat", "/Draw a cat")
    await dm.command("/coze", "draw a dog")
    await ear.heard("Draw a cat", "/Draw a cat", "/draw a dog")


async def test_command_nobody_keeps_is_not_acknowledged(ear: Listening, dm: Seat) -> None:
    ear.slack.deliveries.patience = 0.2
    ear.sink.failing = True
    invocation = await dm.command("/coze", "new")
    await ear.slack.until(lambda _: invocation.delivery.lost)
    assert ear.sink.events == []


async def test_bang_in_a_thread_is_a_command(ear: Listening, general: Channel, ann: Person) -> None:
    root = await general.say(ann, named(ear.slack, "hi"))
    await general.say(ann, "!stop", thread=root.ts)
    await heard_once(ear, "hi", "/stop")


async def test_press_says_what_is_on_the_button(ear: Listening, dm: Seat, ann: Person) -> None:
    await dm.say("hi")
    [event] = await ear.heard("hi")
    page = Page("Well?", final=True, buttons=(Button("More", "Tell me more"),))
    await ear.adapter.send(event.chat, page, key="k")
    await dm.answers[0].press("More", ann)
    events = await ear.heard("hi", "Tell me more")
    assert events[1].pressed
    assert events[1].chat.thread == event.chat.thread
    assert ear.slack.deliveries.of("interactive")[0].answer in (None, "")


# What agents have beside


async def test_empty_conversation_is_offered_prompts(slack: Emulator, dm: Seat) -> None:
    async with listening(slack, suggested_prompts=["Plan my week", "Tell a joke"]) as ear:
        await dm.open_tab("home")
        await dm.open_tab()
        await dm.until(lambda seat: seat.prompts)
        await ear.settled()
    assert dm.prompts == ["Plan my week", "Tell a joke"]
    assert len(slack.journal.of("assistant.threads.setSuggestedPrompts")) == 1


async def test_nothing_is_offered_where_nothing_is_configured(ear: Listening, dm: Seat) -> None:
    await dm.open_tab()
    await ear.heard()
    assert ear.slack.journal.of("assistant.threads.setSuggestedPrompts") == []


async def test_conversation_is_called_after_its_first_question(ear: Listening, dm: Seat) -> None:
    first = await dm.say("What is\nnew?")
    await dm.in_thread(first).say("And what is old?")
    await ear.heard("What is\nnew?", "And what is old?")
    await dm.until(lambda seat: seat.channel.titles)
    assert dm.channel.titles == {first.ts: "What is new?"}
    assert len(ear.slack.journal.of("assistant.threads.setTitle")) == 1


@pytest.mark.parametrize("mode", ["socket", "http"])
async def test_pane_of_the_older_assistant(mode: str) -> None:
    async with serve(Emulator(mode=mode, view="assistant")) as slack:  # type: ignore[arg-type]
        dm = slack.person("Ann").dm()
        async with listening(slack, suggested_prompts=["Plan my week"]) as ear:
            pane = await dm.open_assistant()
            await pane.until(lambda seat: seat.prompts)
            await pane.pick("Plan my week")
            await pane.say("And the next?")
            events = await ear.heard("Plan my week", "And the next?")
            await pane.until(lambda seat: seat.channel.titles)
    assert {event.chat.thread for event in events} == {pane.thread}
    assert pane.channel.titles == {pane.thread: "Plan my week"}


@pytest.mark.parametrize(
    "fault",
    [
        Fault("assistant.threads.setTitle", error="not_allowed"),
        Fault("assistant.threads.setTitle", retry_after=3600),
    ],
    ids=["no agent's view", "limited"],
)
async def test_where_no_title_is_wanted_none_is_offered_again(
    ear: Listening, dm: Seat, fault: Fault
) -> None:
    ear.slack.inject(fault)
    await dm.say("one")
    await ear.heard("one")
    await ear.slack.until(lambda it: it.journal.of("assistant.threads.setTitle"))
    await dm.say("two")
    await ear.heard("one", "two")
    assert len(ear.slack.journal.of("assistant.threads.setTitle")) == 1


async def test_native_stop_is_heard_at_once(ear: Listening, dm: Seat) -> None:
    first = await dm.say("a story")
    [event] = await ear.heard("a story")
    await ear.adapter.send(event.chat, Page("Once upon"), key="k")
    assert ear.slack.open_streams
    await dm.in_thread(first).stop()
    events = await ear.heard("a story", "/stop")
    assert events[1].chat.thread == first.ts


# Keeping


async def test_replayed_event_has_the_same_id(ear: Listening, dm: Seat) -> None:
    await dm.say("hi")
    await ear.heard("hi")
    ear.slack.deliveries.repeat()
    events = await ear.heard("hi", "hi")
    assert events[0].event_id == events[1].event_id


async def test_what_is_said_first_is_kept_first(
    ear: Listening, general: Channel, slack: Emulator
) -> None:
    """However long each writer's name takes, and whichever connection brings it."""
    people = [slack.person(f"P{number}") for number in range(10)]
    root = await general.say(people[0], named(slack, "begin"))
    await heard_once(ear, "begin")
    slack.inject(Fault("users.info", delay=0.2, times=5))
    wanted = [str(number) for number in range(10)]
    for number, person in enumerate(people):
        await general.say(person, str(number), thread=root.ts)
    await heard_once(ear, "begin", *wanted)


async def test_places_do_not_wait_for_each_other(slack: Emulator, ann: Person) -> None:
    sink = Stuck()
    async with listening(slack, sink=sink) as ear:
        await ann.dm().say("slow")
        await sink.called.wait()
        await slack.person("Bob").dm().say("fast")
        await eventually(lambda: ear.texts == ["fast"])
        sink.gate.set()
        await ear.heard("fast", "slow")


class Stuck(RecordingSink):
    """A database that has trouble with one of them."""

    def __init__(self) -> None:
        super().__init__()
        self.gate.clear()

    async def __call__(self, event: Inbound) -> None:
        if event.text == "slow":
            await super().__call__(event)
        else:
            self.events.append(event)


async def test_command_where_the_app_is_no_member_is_excused(
    ear: Listening, ann: Person, bob: Person
) -> None:
    elsewhere = ear.slack.channel("elsewhere", ann, bob, bot=False)
    invocation = await ann.at(elsewhere).command("/coze", "hi")
    [event] = await ear.heard("hi")
    with pytest.raises(Departed):
        await ear.adapter.send(event.chat, Page("Hello", final=True), key="k/0")
    assert [reply.whisper for reply in invocation.replies] == [ann.id]
