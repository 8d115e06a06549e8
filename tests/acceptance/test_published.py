"""What the published agent says of itself: its greeting and its commands, read beforehand."""

from daemon_process import Daemon, World, answer_to, eventually

from bridge.emulator import DEMO_BOT_ID, Scenario, Trouble

LOOK = f"GET /v1/bots/{DEMO_BOT_ID}"


async def until_read(world: World, daemon: Daemon) -> None:
    """Wait until the daemon has seen the agent well."""
    await daemon.ready()
    await eventually(lambda: daemon.events("health"))
    assert world.coze.calls[LOOK] == 1


async def test_start_greets_while_coze_is_away_and_costs_no_call(world: World) -> None:
    daemon = world.daemon()
    await until_read(world, daemon)
    away = Trouble(5000, "away", 500)
    world.coze.install(Scenario(endpoint="*", refuse=away))
    for _ in range(3):
        world.platform.say("anna", "/start")
    await eventually(lambda: len(world.platform.shown("anna")) == 3)
    assert all(text.startswith("Halt, anna!") for text in world.platform.shown("anna"))
    assert world.coze.calls[LOOK] == 1


async def test_a_command_of_the_agent_is_asked_as_its_author_wrote_it(world: World) -> None:
    daemon = world.daemon()
    daemon.start()
    world.platform.say("anna", "/count 3")
    await world.answered("anna", answer_to("count to 3"))
    world.platform.say("anna", "/count")
    await world.answered("anna", answer_to("count to 3"), answer_to("count to 10"))
    assert world.questions() == ["count to 3", "count to 10"]


async def test_after_a_crash_it_is_the_same_question(world: World) -> None:
    world.coze.install(Scenario(first_delay=1))
    daemon = world.daemon()
    daemon.start()
    world.platform.say("anna", "/count 3")
    await eventually(lambda: daemon.events("question.asked"))
    await world.kill(daemon)
    daemon.start()
    await world.answered("anna", answer_to("count to 3"))
    assert world.questions() == ["count to 3"]
