"""From what people do in Slack to what the bridge hears, by socket and by HTTP."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bridge.errors import Departed
from bridge.events import Button, ChatKind, Inbound, Page
from bridge.lent import MenuItem
from bridge.testing.contract import RecordingSink
from bridge.testing.transcript import FakeHost, MemoryTranscript
from tests.platforms.worlds import eventually
from tests.slack.emulator import (
    BOT_TOKEN,
    Channel,
    Emulator,
    Fault,
    Message,
    Person,
    Seat,
    serve,
)
from tests.slack.world import Listening, listening

MENU = {"": [MenuItem("new", "begin anew"), MenuItem("help", "what I know")]}


@pytest.fixture(params=["socket", "http"])
async def slack(request: pytest.FixtureRequest) -> AsyncIterator[Emulator]:
    async with serve(Emulator(mode=request.param)) as emulator:
        emulator.deliveries.pauses = (0.0,) * 1_000
        yield emulator


@pytest.fixture
def host() -> FakeHost:
    return FakeHost(menus=MENU)


@pytest.fixture
async def ear(slack: Emulator, host: FakeHost) -> AsyncIterator[Listening]:
    async with listening(slack, host=host) as ear:
        yield ear


@pytest.fixture
def bob(slack: Emulator, general: Channel) -> Person:
    bob = slack.person("Bob")
    general.members[bob.id] = bob
    return bob


def named(slack: Emulator, text: str) -> str:
    return f"{slack.bot.mention} {text}"


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


async def test_chatter_is_passed_over(ear: Listening, general: Channel, ann: Person) -> None:
    message = await general.say(ann, "hi all")
    await ann.at(general).edit(message, "hello all")
    await ann.at(general).delete(message)
    await ann.at(general).join()
    await ann.at(general).integration("beep")
    await general.say(ear.slack.person("Robot", bot=True), named(ear.slack, "hi"))
    await general.say(ann, "a reply", thread=message.ts)
    await ear.heard()


async def test_what_names_somebody_else_is_readable(
    ear: Listening, general: Channel, ann: Person, bob: Person
) -> None:
    await bob.dm().say("hi")
    await ear.heard("hi")
    await ann.dm().say(f"who is {bob.mention}?")
    await ear.heard("hi", "who is @Bob?")


# Threads


def texts(events: list[Inbound]) -> list[str]:
    """Each once, as the inbox takes them."""
    return list(dict.fromkeys(event.text for event in events))


async def heard_once(ear: Listening, *wanted: str) -> None:
    await eventually(lambda: texts(ear.sink.events)[-1:] == [wanted[-1]])
    await ear.settled()
    assert texts(ear.sink.events) == [*wanted]


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


async def offered(ear: Listening, place: Channel, person: Person) -> Message:
    """Make the app show a button where somebody asked."""
    asked = await place.say(person, named(ear.slack, "hi"))
    await heard_once(ear, "hi")
    page = Page("Well?", final=True, buttons=(Button("More", "Tell me more"),))
    shown = await ear.adapter.send(ear.sink.events[0].chat, page, key="k")
    assert asked.ts
    return place.messages[shown.id]


async def test_colleague_from_another_workspace_may_press_what_they_may_say(
    slack: Emulator, ann: Person
) -> None:
    """In an organisation Slack tells of any of the workspaces somebody is in."""
    slack.team.enterprise = union = slack.enterprise("Union")
    slack.installed(slack.team).enterprise = union
    bob = slack.person("Bob", slack.workspace("Two", union))
    everybody = slack.channel("everybody", ann, bob, shared_with=[bob.team])
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
    slack.team.enterprise = union = slack.enterprise("Union")
    slack.installed(slack.team).enterprise = union
    bob = slack.person("Bob", slack.workspace("Two", union))
    everybody = slack.channel("everybody", ann, bob, shared_with=[bob.team])
    async with listening(slack) as ear:
        message = await offered(ear, everybody, ann)
        slack.inject(Fault("users.info", delay=0.6))
        await message.press("More", bob)
        await heard_once(ear, "hi", "Tell me more")


async def test_news_of_its_own_end_is_acknowledged(ear: Listening) -> None:
    ear.slack.uninstall()
    await ear.heard()


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
