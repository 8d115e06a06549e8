"""Coze down, refusing, used up: what the user gets, and what the operator can read."""

import asyncio
import json

import pytest
from daemon_process import ASK, PATIENCE, Daemon, World, answer_to, eventually

from bridge.emulator import DEMO_TOKEN, FAULTS, Cut, Scenario, Trouble, serve

SECRET = "my-secret-question"
LOOK_AGAIN = 45.0  # seconds until a parked message must have been tried again
NEW_TOKEN = "pat_another_one_of_ours"


async def problems(daemon: Daemon) -> dict[str, str]:
    """What /readyz complains about."""
    status, body = await daemon.get("/readyz")
    told = json.loads(body)
    assert (status == 200) == told["ready"]
    found: dict[str, str] = told["problems"]
    return found


async def until_problem(daemon: Daemon, part: str, word: str) -> None:
    """Wait until /readyz names the part and says the word about it."""
    await daemon.ready()
    async with asyncio.timeout(PATIENCE):
        while word not in (await problems(daemon)).get(part, ""):
            await asyncio.sleep(ASK)


async def until_well(daemon: Daemon) -> None:
    async with asyncio.timeout(LOOK_AGAIN):
        while await problems(daemon):
            await asyncio.sleep(ASK)


def whole_log(daemon: Daemon) -> str:
    return daemon.log.read_text(encoding="utf-8")


async def test_down_at_the_start_and_up_later(world: World) -> None:
    async with serve(world.coze) as gone:  # a port where nobody listens any more
        port = int(gone.url.rsplit(":", 1)[1])
    daemon = world.daemon(coze__base_url=f"http://127.0.0.1:{port}")
    daemon.start()
    await daemon.ready()
    world.platform.say("anna", "tea")
    await eventually(lambda: daemon.events("turn.failed"))
    assert "coze.default" in await problems(daemon)
    assert world.platform.in_chat("anna") == []
    async with serve(world.coze, port=port):
        await world.answered("anna", answer_to("tea"))
    assert world.questions() == ["tea"]


async def test_down_in_the_middle_of_an_answer(world: World) -> None:
    world.coze.install(Scenario(pace=0.1))
    async with serve(world.coze) as coze:
        port = int(coze.url.rsplit(":", 1)[1])
        daemon = world.daemon(coze__base_url=coze.url)
        daemon.start()
        world.platform.say("anna", "tea")
        await eventually(lambda: world.platform.in_chat("anna"))
    await eventually(lambda: daemon.events("answer.cut"))
    async with serve(world.coze, port=port):
        await world.answered("anna", answer_to("tea"))
    assert world.questions() == ["tea"]


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_refused_token_keeps_the_message_until_it_works(
    world: World, restarted: bool
) -> None:
    daemon = world.daemon(coze__token=NEW_TOKEN)
    daemon.start()
    await until_problem(daemon, "coze.default", "the token is wrong")
    world.platform.say("anna", SECRET)
    await eventually(lambda: daemon.events("turn.failed"))
    assert world.platform.in_chat("anna") == []
    world.coze.keyring.add_token(NEW_TOKEN, "7000000000000000001")
    if restarted:  # a running daemon looks again by itself, but only twice a minute
        await world.kill(daemon)
        daemon.start()
    await world.answered("anna", answer_to(SECRET), within=LOOK_AGAIN)
    await daemon.ready()
    await until_well(daemon)
    assert world.questions() == [SECRET]
    for log in world.folder.glob("*.log"):
        assert NEW_TOKEN not in log.read_text(encoding="utf-8")


async def test_the_operator_reads_code_msg_logid_and_reference_of_4101(world: World) -> None:
    world.coze.install(FAULTS["no_permission"])
    daemon = world.daemon()
    daemon.start()
    world.platform.say("anna", SECRET)
    await eventually(lambda: daemon.events("turn.failed"))
    [line] = daemon.events("turn.failed")
    assert "code 4101" in str(line["error"])
    assert "The token is incorrect" in str(line["error"])
    assert "logid " in str(line["error"])
    assert line["ref"] == "00001"
    assert world.platform.in_chat("anna") == []
    assert SECRET not in whole_log(daemon)
    assert DEMO_TOKEN not in whole_log(daemon)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("unpublished", "Sorry, something went wrong with this answer."),
        ("quota", "Sorry, the agent has used up what it may answer for now."),
        ("cannot_answer", "Sorry, the agent cannot answer this."),
        ("refused_content", "Sorry, the agent cannot answer this."),
    ],
)
async def test_a_refusal_is_one_sentence_for_the_user_and_one_line_for_the_operator(
    world: World, fault: str, sentence: str
) -> None:
    trouble = FAULTS[fault].refuse or FAULTS[fault].fail
    assert trouble is not None
    world.coze.install(FAULTS[fault])
    daemon = world.daemon()
    daemon.start()
    world.platform.say("anna", SECRET)
    await world.answered("anna", f"{sentence} (Reference 00001)")
    about = [line for line in whole_log(daemon).splitlines() if f"code {trouble.code}" in line]
    [line] = [json.loads(line) for line in about]
    assert trouble.msg in line["error"]
    assert "logid " in line["error"]
    assert line["ref"] == "00001"
    assert SECRET not in whole_log(daemon)
    assert DEMO_TOKEN not in whole_log(daemon)


async def test_a_chinese_user_reads_chinese(world: World) -> None:
    world.coze.install(FAULTS["quota"])
    daemon = world.daemon()
    daemon.start()
    world.platform.say("anna", "茶", language="zh-CN")
    await world.answered("anna", "抱歉，智能体目前的额度已用完。（编号 00001）")


async def test_after_a_failure_the_conversation_goes_on(world: World) -> None:
    world.coze.install(Scenario(match="tea", refuse=Trouble(4014, "no")))
    world.coze.install(Scenario(match="coffee", cut=Cut.RESET, cut_after=3))
    daemon = world.daemon()
    daemon.start()
    for drink in ("tea", "coffee", "water"):
        world.platform.say("anna", drink)
    apology = "Sorry, the agent cannot answer this. (Reference 00001)"
    await world.answered("anna", apology, answer_to("coffee"), answer_to("water"))
    assert world.questions() == ["coffee", "water"]
