"""kill -9 of a replica while it has a chat in every state of the ledger.

All at once, because a takeover takes ten seconds: each chat is held in a state of its own, by
the platform or by Coze, then the replica dies. The judges are the platform and Coze, as in
`test_kill.py`, which says the same of a process that is started again on SQLite.
"""

import time
from dataclasses import dataclass, replace

import pytest
from daemon_process import Daemon, World, answer_to, eventually
from doorman import Doorman

from bridge.emulator import Cut, Scenario
from bridge.testing.loopback import Body, Verb, When

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(180)]

STALL = 10.0  # seconds without a sign of life after which a replica counts as dead
PATIENCE = STALL + 60.0

STATES = (
    "received",  # behind another question of its chat
    "asking",  # Coze has the question, its answer did not come
    "asked",  # the chat id is stored, no text came
    "growing",
    "answered",  # the last edit is under way
    "sending",  # the only post is under way
)
POSTED_UNHEARD = "unheard"  # the post arrived, its answer did not: the one window for a double
CUT_AT_ONCE = Scenario(cut=Cut.ABRUPT, cut_after=0)  # shown only once it is whole


@dataclass(frozen=True)
class In:
    """A call in one chat."""

    chat: str
    final: bool = False

    def __call__(self, body: Body) -> bool:
        return self.chat in (body.chat or body.text) and body.final >= self.final


async def held_everywhere(world: World) -> None:
    """Let every chat come as far as its name says, and no further."""
    gates = [
        world.platform.hold(Verb.EDIT, matches=In("answered", final=True)),
        world.platform.hold(Verb.SEND, matches=In("sending")),
        world.platform.hold(Verb.SEND, When.AFTER, matches=In(POSTED_UNHEARD)),
    ]
    slow = {
        "asking": Scenario(slow_headers=600),
        "asked": Scenario(first_delay=4),
        "growing": Scenario(pace=0.3),
        "received": Scenario(pace=0.3),
        "sending": CUT_AT_ONCE,
        POSTED_UNHEARD: CUT_AT_ONCE,
    }
    for name, scenario in slow.items():
        world.coze.install(named(scenario, name))
    for name in (*STATES, POSTED_UNHEARD):
        world.platform.say(name, name)
    world.platform.say("received", "second received")
    await eventually(lambda: all(gate.reached for gate in gates))
    await eventually(lambda: len(world.questions()) == len(STATES) + 1)
    await eventually(lambda: all(is_growing(world, name) for name in ("growing", "received")))
    await eventually(lambda: not world.platform.waiting)


def named(scenario: Scenario, name: str) -> Scenario:
    """The scenario for one chat's questions."""
    return replace(scenario, match=f"^{name}$")


def is_growing(world: World, chat: str) -> bool:
    """An edit proves that the id of the message is stored."""
    return any(len(message.history) > 1 for message in world.platform.in_chat(chat))


async def ready(world: World, database: str, **settings: str) -> Daemon:
    daemon = world.daemon(database__url=database, **settings)
    await daemon.ready()
    return daemon


@pytest.mark.parametrize("by", ["another", "itself"])
async def test_every_state_is_taken_over(world: World, database: str, by: str) -> None:
    dying = await ready(world, database)
    await held_everywhere(world)
    began = time.monotonic()
    await world.kill(dying)
    world.platform.unblock()
    if by == "another":
        await ready(world, database)
    else:
        dying.start()
    for name in STATES[1:]:
        await world.answered(name, answer_to(name), within=PATIENCE)
    await world.answered("received", answer_to("received"), answer_to("second received"))
    await world.answered(POSTED_UNHEARD, *[answer_to(POSTED_UNHEARD)] * 2)
    assert time.monotonic() - began < PATIENCE
    asked = [*STATES, POSTED_UNHEARD, "second received"]
    assert sorted(world.questions()) == sorted(asked)


async def test_a_question_that_did_not_arrive_is_asked_by_another(
    world: World, database: str
) -> None:
    async with Doorman(world.coze.url) as door:
        dying = await ready(world, database, coze__base_url=door.url)
        world.platform.say("anna", "tea")
        await eventually(lambda: door.waiting)
        await ready(world, database)
        dying.kill()
        await world.answered("anna", answer_to("tea"), within=PATIENCE)
    assert world.questions() == ["tea"]


async def test_committed_but_not_acknowledged(world: World, database: str) -> None:
    dying = await ready(world, database)
    gate = world.platform.hold(Verb.UPDATES, matches=lambda body: body.offset > 0)
    update = world.platform.say("anna", "tea")
    await eventually(lambda: gate.reached)
    await eventually(lambda: dying.events("message.accepted"))
    await world.kill(dying)
    assert not update.acknowledged
    world.platform.unblock()
    await ready(world, database)
    await world.answered("anna", answer_to("tea"), within=PATIENCE)
    await eventually(lambda: update.acknowledged)
    assert world.questions() == ["tea"]
