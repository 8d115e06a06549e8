"""The life of the process: it gets ready, drains, ends, and says why it cannot begin."""

import asyncio
import json
import re
import signal
import socket
import sqlite3

import pytest
from daemon_process import ASK, PATIENCE, Daemon, World, answer_to, eventually, in_time

from bridge.emulator import Scenario
from bridge.testing.loopback import Verb, flood


async def until_ready(daemon: Daemon) -> None:
    """Wait for /readyz. Raises `TimeoutError`."""
    async with asyncio.timeout(PATIENCE):
        await daemon.ready()
        while (await daemon.get("/readyz"))[0] != 200:
            await asyncio.sleep(ASK)


def complaint(daemon: Daemon) -> str:
    """The one line on stderr."""
    [line] = daemon.log.read_text(encoding="utf-8").splitlines()
    assert "Traceback" not in line
    return line


async def test_it_is_ready_within_five_seconds_and_tells_about_itself(world: World) -> None:
    daemon = world.daemon()
    async with in_time(daemon, 5):  # by the contract
        await until_ready(daemon)
    world.platform.say("anna", "tea")
    await world.answered("anna", answer_to("tea"))
    assert await daemon.get("/healthz") == (200, '{"ok": true}')
    status, metrics = await daemon.get("/metrics")
    assert status == 200
    assert re.search(r"^coze_bridge_messages_total\{.*loopback.*\} 1\.0$", metrics, re.MULTILINE)


async def test_not_ready_while_the_platform_is_unreachable(world: World) -> None:
    world.platform.hold(Verb.UPDATES)
    daemon = world.daemon()
    daemon.start()
    await daemon.ready()
    status, body = await daemon.get("/readyz")
    assert status == 503
    assert "adapters.loopback" in json.loads(body)["problems"]
    world.platform.unblock()
    await until_ready(daemon)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_lets_the_running_answer_finish(
    world: World, number: signal.Signals
) -> None:
    world.coze.install(Scenario(pace=0.1))
    daemon = world.daemon()
    daemon.start()
    world.platform.say("anna", "tea")
    await eventually(lambda: world.platform.in_chat("anna"))
    daemon.signal(number)
    assert await daemon.exit_code() == 0
    assert world.platform.shown("anna") == [answer_to("tea")]
    assert world.platform.settled("anna")


async def test_while_it_drains_nothing_new_is_taken_in_and_nothing_is_lost(world: World) -> None:
    world.coze.install(Scenario(match="tea", pace=0.15))
    daemon = world.daemon()
    daemon.start()
    world.platform.say("anna", "tea")
    await eventually(lambda: world.platform.in_chat("anna"))
    daemon.signal()
    await eventually(lambda: daemon.events("engine.draining"))
    late = world.platform.say("anna", "water")
    assert await daemon.exit_code() == 0
    assert world.questions() == ["tea"]
    assert not late.acknowledged
    daemon.start()
    await world.answered("anna", answer_to("tea"), answer_to("water"))
    assert world.questions() == ["tea", "water"]


async def test_an_answer_longer_than_the_grace_goes_on_after_the_restart(world: World) -> None:
    world.coze.install(Scenario(pace=0.3))
    daemon = world.daemon(server__grace="0.2")
    daemon.start()
    world.platform.say("anna", "tea")
    await eventually(lambda: any(len(m.history) > 1 for m in world.platform.in_chat("anna")))
    daemon.signal()
    assert await daemon.exit_code() == 0
    assert not world.platform.settled("anna")
    daemon.start()
    await world.answered("anna", answer_to("tea"))
    assert world.questions() == ["tea"]


async def test_a_flood_wait_longer_than_the_grace_is_no_reason_to_stay(world: World) -> None:
    world.platform.refuse(Verb.EDIT, flood(600), times=None, matches=lambda body: body.final)
    daemon = world.daemon(server__grace="0.3")
    daemon.start()
    world.platform.say("anna", "tea")
    await eventually(lambda: daemon.events("page.delayed"))
    daemon.signal()
    assert await daemon.exit_code() == 0
    world.platform.unblock()
    daemon.start()
    await world.answered("anna", answer_to("tea"))
    assert world.questions() == ["tea"]


async def test_a_second_signal_ends_it_at_once(world: World) -> None:
    world.coze.install(Scenario(pace=1))
    daemon = world.daemon(server__grace="60")
    daemon.start()
    world.platform.say("anna", "tea")
    await eventually(lambda: world.platform.in_chat("anna"))
    daemon.signal()
    await eventually(lambda: daemon.events("engine.draining"))
    daemon.signal()
    assert await daemon.exit_code(within=30) == 1


# What keeps it from beginning


async def test_a_taken_port_is_one_line(world: World) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        daemon = world.daemon(server__port=str(port))
        daemon.start()
        assert await daemon.exit_code() == 1
    assert f"127.0.0.1:{port}" in complaint(daemon)
    assert "server.port" in complaint(daemon)


async def test_a_database_in_use_is_one_line_and_the_first_daemon_goes_on(world: World) -> None:
    first, second = world.daemon(), world.daemon()
    first.start()
    await first.ready()
    assert first.process is not None
    second.start()
    assert await second.exit_code() == 1
    assert f"process {first.process.pid}" in complaint(second)
    world.platform.say("anna", "tea")
    await world.answered("anna", answer_to("tea"))


async def test_a_newer_schema_is_one_line(world: World) -> None:
    daemon = world.daemon()
    daemon.start()
    await daemon.ready()
    daemon.signal()
    assert await daemon.exit_code() == 0
    with sqlite3.connect(world.database) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    daemon.start()
    assert await daemon.exit_code() == 1
    assert "newer than this coze-bridge" in complaint(daemon)


async def test_a_wrong_setting_exits_2(world: World) -> None:
    daemon = world.daemon(sessions__busy="panic")
    daemon.start()
    assert await daemon.exit_code() == 2
    assert complaint(daemon).startswith("sessions.busy: ")
