"""What `check` leaves alone, or says without calling it wrong, and far sides that behave oddly."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from adapters.registry import examiner
from bridge.emulator import DEMO_BOT_ID, Scenario, Trouble
from bridge.operator.checkup import online
from bridge.store import open_store
from tests.operator.installation import Installation
from tests.operator.slips import findings, no_permission, slack_secret, wrong_token
from tests.slack.emulator import Fault as SlackFault
from tests.telegram.emulator import Fault

# What need not be wrong


async def test_privacy_mode_is_a_note(its: Installation) -> None:
    its.on_telegram()
    await its.telegram.person(1).chat().say("hello?")
    found = await its.check()
    [note] = findings(found, "note")
    assert "adapters.telegram: privacy mode is on" in note
    assert "/setprivacy" in note
    assert findings(found, "wrong") == []


async def test_a_token_that_may_not_read_agents_is_a_note(its: Installation) -> None:
    no_permission(its)
    found = await its.check()
    [note] = findings(found, "note")
    assert "agents.default: the token may not read agents" in note
    assert findings(found, "wrong") == []


async def test_a_token_of_another_owner_is_a_note(its: Installation) -> None:
    from bridge.coze import ClientSettings, CozeClient, Pat

    its.coze.keyring.add_token("pat_colleague", "7000000000000000002")
    its.tables["coze"]["token"] = "pat_colleague"
    its.variables(plan="constant:free")
    assert findings(await its.check(), "note") == []  # nothing tells whose it is
    async with CozeClient(its.coze.url, Pat("pat_colleague"), ClientSettings()) as coze:
        await coze.create_conversation(DEMO_BOT_ID)
    found = await its.check()
    [note] = findings(found, "note")
    assert "agents.default.variables: the agent belongs to 7000000000000000001" in note
    assert "the token to 7000000000000000002" in note
    assert findings(found, "wrong") == []


async def test_an_app_that_others_install_is_known_by_its_secret(its: Installation) -> None:
    slack_secret(its)
    its.tables["adapters.slack"]["client_secret"] = its.slack.client_secret
    found = await its.check()
    assert findings(found, "wrong") == []
    assert f"adapters.slack: Slack knows the app {its.slack.client_id}" in findings(found, "ok")


async def test_the_address_to_enter_at_slack_is_a_note(its: Installation) -> None:
    its.slack.mode = "http"
    table = its.on_slack(mode="http", signing_secret=its.slack.signing_secret)
    del table["app_token"]
    its.tables["server"]["public_url"] = "https://bridge.example"
    found = await its.check()
    [note] = findings(found, "note")
    assert "https://bridge.example/slack/slack/events" in note
    assert findings(found, "wrong") == []


@pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")
async def test_a_far_side_that_wants_fewer_calls_is_a_note(its: Installation) -> None:
    its.on_slack()
    its.on_telegram()
    its.slack.inject(SlackFault("apps.connections.open", retry_after=30))
    its.telegram.inject(Fault("getMe", retry_after=30))
    tired = Trouble(4020, "rate limit", 429)
    its.coze.install(Scenario(endpoint=f"/v1/bots/{DEMO_BOT_ID}", refuse=tired))
    found = await its.check()
    assert findings(found, "wrong") == []
    notes = findings(found, "note")
    parts = [note.partition(":")[0] for note in notes]
    assert parts == ["agents.default", "adapters.slack.app_token", "adapters.telegram"]
    assert all("so nobody could see; check again" in note for note in notes)


async def test_a_refused_token_is_told_of_once_for_all_agents(its: Installation) -> None:
    wrong_token(its)
    its.tables["agents.second"] = {"bot_id": DEMO_BOT_ID}
    assert len(findings(await its.check(), "wrong")) == 1


async def test_a_full_disk_is_told_of(its: Installation) -> None:
    found = await online(its.settings(), its.now, room=2**62)
    [line] = findings(found, "wrong")
    assert "disk: only " in line
    assert "make room" in line


# Another program that polls


@asynccontextmanager
async def rival(its: Installation) -> AsyncIterator[None]:
    """Somebody else with the bot's token, who comes back when he is thrown out."""
    from tests.telegram.emulator.clients import raw

    async def poll() -> None:
        async with raw(its.telegram) as api:
            while True:
                answer = await api.call("getUpdates", timeout=30)
                await asyncio.sleep(0.05 if answer.status == 409 else 0)

    task = asyncio.create_task(poll())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_another_program_that_polls_is_noticed(its: Installation) -> None:
    its.on_telegram()
    async with rival(its):
        await its.telegram.until(lambda it: it.inbox.polled)
        [line] = findings(await its.check(), "wrong")
    assert "adapters.telegram: another program receives this bot's updates (409 Conflict)" in line
    assert "stop one of them" in line


# Far sides that behave oddly


async def test_whoever_does_not_answer_holds_up_nobody_for_long(its: Installation) -> None:
    its.on_slack()
    gate = its.slack.hold("auth.test")
    found = await online(its.settings(), its.now, patience=3.0)
    gate.open()
    [line] = findings(found, "wrong")
    assert line.startswith("adapters.slack: no answer within")
    assert "agents.default: Bridgekeeper, version 1000" in findings(found, "ok")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("<html>", "text/html"),
        ("{}", "application/json"),
        ('{"ready": true', "application/json"),
        ('["ready"]', "application/json"),
    ],
)
async def test_only_a_bridge_is_taken_for_one(its: Installation, body: str, kind: str) -> None:
    url = await its.served(body, kind)
    its.tables["server"]["port"] = int(url.rsplit(":", 1)[1])
    [line] = findings(await its.check(), "wrong")
    assert line.startswith("server.port: another program answers")


async def test_what_a_running_bridge_complains_of_is_passed_on(its: Installation) -> None:
    body = '{"ready": false, "problems": {"adapters.web": "the loop\\nis stuck"}}'
    url = await its.served(body, "application/json")
    its.tables["server"]["port"] = int(url.rsplit(":", 1)[1])
    [line] = findings(await its.check(), "wrong")
    assert line.startswith("daemon: running, but not ready: adapters.web: the loop")


async def test_beside_a_bridge_that_runs_nobody_else_is_looked_for(its: Installation) -> None:
    url = await its.served('{"ready": true, "problems": {}}', "application/json")
    its.tables["server"]["port"] = int(url.rsplit(":", 1)[1])
    its.on_telegram()
    its.on_slack()
    found = await its.check()
    assert findings(found, "wrong") == []
    assert f"daemon: running and ready at {url}" in findings(found, "ok")
    assert its.telegram.journal.calls["getUpdates"] == 0
    assert its.slack.journal.of("apps.connections.open") == []


def test_a_platform_may_have_nothing_to_look_at() -> None:
    assert examiner("web") is None
    with pytest.raises(KeyError, match="unknown platform"):
        examiner("nowhere")


async def test_a_bridge_whose_port_nobody_knows_is_known_by_its_lock(its: Installation) -> None:
    its.on_telegram()
    store = await open_store(its.settings().database.url)
    found = await its.check()
    await store.close()
    assert f"daemon: running (process {os.getpid()})" in findings(found, "ok")
    assert its.telegram.journal.calls["getUpdates"] == 0
