"""A chatflow instead of an agent, through `coze-bridge run`: its dialogue, and kill -9."""

import json

import pytest
from daemon_process import Daemon, World, answer_to, eventually
from doorman import Doorman

from bridge.emulator import DEMO_APP_ID, DEMO_WORKFLOW_ID, Scenario
from bridge.testing.loopback import Body, Verb

ENDPOINT = "/v1/workflows/chat"
SLOW = 0.15  # seconds between two words, where a test must have time to kill in between
PATIENCE = 30.0  # seconds; a history has to be silent for a while before it is believed
known_by = pytest.mark.parametrize("retrievable", [True, False], ids=["chat", "history"])


def daemon_of(world: World, **settings: str) -> Daemon:
    """A daemon whose agent is a chatflow."""
    agent = {
        "agents__default__bot_id": "",
        "agents__default__workflow_id": DEMO_WORKFLOW_ID,
        "agents__default__app_id": DEMO_APP_ID,
    }
    return world.daemon(**{**agent, **settings})


def finals(body: Body) -> bool:
    return body.final


async def test_people_talk_to_a_chatflow_like_to_an_agent(world: World) -> None:
    daemon = daemon_of(world)
    daemon.start()
    for drink in ("tea", "water"):
        world.platform.say("anna", drink)
    await world.answered("anna", answer_to("tea"), answer_to("water"))
    world.platform.say("berta", "milk")
    await world.answered("berta", answer_to("milk"))
    assert len({asked.conversation_id for asked in world.coze.asked}) == 2
    assert len({asked.user_id for asked in world.coze.asked}) == 2
    assert world.coze.calls["POST /v3/chat"] == 0
    status, body = await daemon.get("/readyz")
    assert status == 200, body


async def test_the_next_message_answers_what_it_asked_back(world: World) -> None:
    world.coze.install(
        Scenario(endpoint=ENDPOINT, match="weather", reply="Which city?", needs_reply=True)
    )
    daemon = daemon_of(world)
    daemon.start()
    world.platform.say("anna", "weather")
    await world.answered("anna", "Which city?")
    world.platform.say("anna", "Rome")
    await world.answered("anna", "Which city?", answer_to("Rome"))
    assert len({asked.conversation_id for asked in world.coze.asked}) == 1


async def test_stop_ends_an_answer_that_goes_on(world: World) -> None:
    world.coze.install(Scenario(endpoint=ENDPOINT, match="tea", pace=0.2))
    daemon_of(world).start()
    world.platform.say("anna", "tea")
    await eventually(lambda: world.platform.in_chat("anna"))
    world.platform.say("anna", "/stop")
    await eventually(lambda: world.platform.settled("anna"))
    (stopped,) = world.platform.shown("anna")
    assert stopped.endswith("*(stopped)*")
    assert world.coze.asked[0].cancelled


async def test_an_unpublished_chatflow_is_not_ready_and_says_why(world: World) -> None:
    world.coze.chatflows.all.clear()
    daemon = daemon_of(world)
    await daemon.ready()
    await eventually(lambda: daemon.events("health"))
    status, body = await daemon.get("/readyz")
    assert status == 503
    assert "not published" in json.loads(body)["problems"]["coze.default"]


# kill -9 in each state of the ledger


async def test_received(world: World) -> None:
    daemon = daemon_of(world, sessions__merge_window="30")
    daemon.start()
    update = world.platform.say("anna", "tea")
    await eventually(lambda: update.acknowledged)
    await world.kill(daemon)
    assert world.questions() == []
    daemon.start(sessions__merge_window="0")
    await world.answered("anna", answer_to("tea"))
    assert world.questions() == ["tea"]


@known_by
async def test_asking_and_the_question_was_accepted(world: World, retrievable: bool) -> None:
    world.coze.chatflows.retrievable = retrievable
    world.coze.install(Scenario(endpoint=ENDPOINT, slow_headers=600))
    daemon = daemon_of(world)
    daemon.start()
    world.platform.say("anna", "tea")
    await eventually(lambda: world.questions() == ["tea"])
    await world.kill(daemon)
    daemon.start()
    await world.answered("anna", answer_to("tea"), within=PATIENCE)
    assert world.questions() == ["tea"]


async def test_asking_and_the_question_did_not_arrive(world: World) -> None:
    async with Doorman(world.coze.url) as door:
        daemon = daemon_of(world, coze__base_url=door.url)
        daemon.start()
        world.platform.say("anna", "tea")
        await eventually(lambda: door.waiting)
        await world.kill(daemon)
        await eventually(lambda: not door.waiting)
        daemon.start()
        door.open()
        await world.answered("anna", answer_to("tea"))
    assert world.questions() == ["tea"]


async def test_asked_before_the_first_text(world: World) -> None:
    world.coze.install(Scenario(endpoint=ENDPOINT, first_delay=2))
    daemon = daemon_of(world)
    daemon.start()
    world.platform.say("anna", "tea")
    await eventually(lambda: daemon.events("question.asked"))
    await world.kill(daemon)
    assert world.platform.shown("anna") == []
    daemon.start()
    await world.answered("anna", answer_to("tea"), within=PATIENCE)
    assert world.questions() == ["tea"]


@known_by
async def test_asked_while_the_answer_is_growing(world: World, retrievable: bool) -> None:
    world.coze.chatflows.retrievable = retrievable
    world.coze.install(Scenario(endpoint=ENDPOINT, pace=SLOW))
    daemon = daemon_of(world)
    daemon.start()
    world.platform.say("anna", "tea")
    # An edit proves that the id of the message was stored: before that it may appear twice.
    await eventually(lambda: any(len(m.history) > 1 for m in world.platform.in_chat("anna")))
    await world.kill(daemon)
    assert not world.platform.settled("anna")
    daemon.start()
    await world.answered("anna", answer_to("tea"), within=PATIENCE)
    assert world.questions() == ["tea"]


async def test_answered_while_the_last_edit_waits(world: World) -> None:
    gate = world.platform.hold(Verb.EDIT, matches=finals)
    daemon = daemon_of(world)
    daemon.start()
    world.platform.say("anna", "tea")
    await eventually(lambda: gate.reached)
    await world.kill(daemon)
    daemon.start()
    gate.open()
    await world.answered("anna", answer_to("tea"))
    assert world.questions() == ["tea"]


@known_by
async def test_asked_back_while_nobody_listened(world: World, retrievable: bool) -> None:
    world.coze.chatflows.retrievable = retrievable
    flow = Scenario(
        endpoint=ENDPOINT, match="weather", reply="Which city?", needs_reply=True, first_delay=1
    )
    world.coze.install(flow)
    daemon = daemon_of(world)
    daemon.start()
    world.platform.say("anna", "weather")
    await eventually(lambda: daemon.events("question.asked"))
    await world.kill(daemon)
    daemon.start()
    await world.answered("anna", "Which city?", within=PATIENCE)
    world.platform.say("anna", "Rome")
    await world.answered("anna", "Which city?", answer_to("Rome"))
    assert len({asked.conversation_id for asked in world.coze.asked}) == 1
