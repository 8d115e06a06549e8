"""An operator's commands beside a daemon that runs."""

import asyncio
import json
import os
import subprocess
import sys
from typing import Any

from daemon_process import PATIENCE, PLUGIN, ROOT, Daemon, World, answer_to
from telegram_world import TelegramWorld, until_ready

from bridge.emulator import DEMO_BOT_ID, Answer, Memory
from tests.platforms.worlds import free_port

LANE = "loopback/loopback/anna/"
SOON = 8.0  # seconds in which a running daemon takes up what was requeued


async def command(daemon: Daemon, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Type a command with the daemon's own configuration."""
    kept = {name: its for name, its in os.environ.items() if not name.startswith("COZE_")}
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "bridge", *arguments],
        cwd=daemon.folder,
        env={**kept, "PYTHONPATH": os.pathsep.join([str(ROOT), str(PLUGIN)]), **daemon.environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def told(daemon: Daemon, *arguments: str) -> Any:
    """What a command that goes well says to a script."""
    done = await command(daemon, *arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def publish(world: World, *channels: str) -> None:
    bot = world.coze.bots.get(DEMO_BOT_ID)
    bot.channels.clear()
    bot.channels.update(channels)


async def until_dead(world: World, daemon: Daemon) -> tuple[Any, str]:
    """Wait until the one message is given up; how `dead list` tells of it, and its apology."""
    async with asyncio.timeout(PATIENCE):
        while not (found := await told(daemon, "dead", "list")):
            pass  # each look takes a process of its own
    [dead], [apology] = found, world.platform.shown("anna")
    return dead, apology


async def test_a_conversation_is_seen_and_reset_while_it_goes_on(world: World) -> None:
    daemon = world.daemon()
    await daemon.ready()
    world.platform.say("anna", "tea")
    await world.answered("anna", answer_to("tea"))
    [talk] = await told(daemon, "sessions", "list")
    assert talk["lane"] == LANE
    assert talk["conversation_id"] == world.coze.asked[0].conversation_id
    await told(daemon, "sessions", "reset", LANE)
    world.platform.say("anna", "milk")
    await world.answered("anna", answer_to("tea"), answer_to("milk"))
    first, second = (asked.conversation_id for asked in world.coze.asked)
    assert first != second
    shown = await told(daemon, "sessions", "show", LANE, "--text")
    assert [turn["question"] for turn in shown["turns"]] == ["milk", "tea"]
    assert [turn["state"] for turn in shown["turns"]] == ["delivered", "delivered"]
    assert {each["conversation_id"] for each in shown["conversations"]} == {first, second}
    usage = await told(daemon, "usage", "--by", "user")
    assert usage["total"]["answers"] == 2


async def test_a_dead_turn_is_requeued_and_the_running_daemon_answers_it(world: World) -> None:
    publish(world)
    daemon = world.daemon()
    await daemon.ready()
    world.platform.say("anna", "tea")
    dead, apology = await until_dead(world, daemon)
    assert dead["reference"] in apology
    assert "not published to the API channel" in dead["error"]
    publish(world, "1024")
    assert (await told(daemon, "dead", "requeue", "--all"))["requeued"] == [dead["id"]]
    await world.answered("anna", apology, answer_to("tea"), within=SOON)
    assert await told(daemon, "dead", "list") == []
    assert world.questions() == ["tea"]


async def test_a_requeued_turn_waits_for_a_daemon_that_is_down(world: World) -> None:
    publish(world)
    daemon = world.daemon()
    await daemon.ready()
    world.platform.say("anna", "tea")
    _, apology = await until_dead(world, daemon)
    await world.kill(daemon)
    publish(world, "1024")
    await told(daemon, "dead", "requeue", "--all")
    daemon.start()
    await world.answered("anna", apology, answer_to("tea"))
    assert world.questions() == ["tea"]


async def test_variables_are_set_for_the_next_answer(world: World) -> None:
    def clerk(_: str, memory: Memory) -> Answer:
        return Answer(f"Your plan is {memory.variables['plan']}.")

    world.coze.agent = clerk
    daemon = world.daemon(agents__default__variables__platform="platform")
    await daemon.ready()
    world.platform.say("anna", "plan?")
    await world.answered("anna", "Your plan is free.")
    [talk] = await told(daemon, "sessions", "list")
    person = f"loopback:{talk['user_id']}"
    await told(daemon, "vars", "set", person, "plan", "gold")
    world.platform.say("anna", "and now?")
    await world.answered("anna", "Your plan is free.", "Your plan is gold.")
    [known] = await told(daemon, "vars", "get", person)
    values = {each["keyword"]: each["value"] for each in known["variables"]}
    assert (values["plan"], values["platform"]) == ("gold", "loopback")
    assert (await told(daemon, "vars", "sync"))["people"] == []


async def test_commands_delay_no_answer_and_lose_none(world: World) -> None:
    daemon = world.daemon()
    await daemon.ready()
    people = [f"person{number}" for number in range(30)]
    asking = asyncio.create_task(ask_all(world, people))
    while not asking.done():
        done = await asyncio.gather(
            command(daemon, "sessions", "list", "--search", "person"),
            command(daemon, "dead", "requeue", "--all"),
            command(daemon, "sessions", "reset", "loopback/loopback/person0/"),
        )
        assert {each.stderr for each in done[:2]} == {""}
        assert "Traceback" not in done[2].stderr
    await asking
    assert sorted(world.questions()) == sorted(people * 3)
    assert daemon.events("lane.delayed") == []


async def ask_all(world: World, people: list[str]) -> None:
    for times in range(1, 4):
        for person in people:
            world.platform.say(person, person)
        for person in people:
            await world.answered(person, *[answer_to(person)] * times, within=60)


async def test_a_check_sees_the_daemon_and_leaves_its_poll_alone(telegram: TelegramWorld) -> None:
    daemon = telegram.daemon(server__port=str(free_port()))
    await until_ready(daemon, within=60)
    done = await command(daemon, "check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert "ok     daemon: running and ready at http://127.0.0.1:" in done.stdout
    assert "note   adapters.telegram: privacy mode is on" in done.stdout
    refused = [call.status for call in telegram.calls("getUpdates") if call.status == 409]
    assert refused == []
    await telegram.say(1, "tea")
    await telegram.answered(1, "tea")
