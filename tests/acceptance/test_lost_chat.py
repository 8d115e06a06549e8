"""4016 after a crash: Coze is still busy with a chat that nobody reads any more."""

import pytest
from daemon_process import World, answer_to, eventually

from bridge.emulator import Scenario

BUSY = 12.0  # seconds
PATIENCE = 60.0

pytestmark = pytest.mark.timeout(150)


async def test_who_is_told_that_a_chat_still_runs_waits_for_its_end(
    world: World, either: str
) -> None:
    world.coze.install(Scenario(match="^tea$", busy_for=BUSY))
    daemon = world.daemon(database__url=either)
    daemon.start()
    world.platform.say("anna", "tea")
    world.platform.say("anna", "water")
    await eventually(lambda: world.coze.refused)
    await world.kill(daemon)
    before = len(world.coze.refused)
    daemon.start()
    await world.answered("anna", answer_to("tea"), answer_to("water"), within=PATIENCE)
    assert world.questions() == ["tea", "water"]
    if either.startswith("sqlite"):  # elsewhere Coze is done before the dead one is given up
        assert len(world.coze.refused) > before


async def test_an_answer_that_outlives_its_reader_is_waited_for(world: World, either: str) -> None:
    world.coze.install(Scenario(match="^tea$", linger=BUSY))
    daemon = world.daemon(database__url=either)
    daemon.start()
    world.platform.say("anna", "tea")
    world.platform.say("anna", "water")
    await eventually(lambda: any(len(m.history) > 1 for m in world.platform.in_chat("anna")))
    await world.kill(daemon)
    daemon.start()
    await world.answered("anna", answer_to("tea"), answer_to("water"), within=PATIENCE)
    assert world.questions() == ["tea", "water"]
