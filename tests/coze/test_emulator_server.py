"""The emulator as a server: whom it lets in, what it records, its pace, and how it stops."""

import asyncio

import aiohttp
import pytest
from emulator_caller import Caller, body, caller, emulator

from bridge.emulator import DEMO_TOKEN, Answer, Emulator, Memory, Scenario, serve
from bridge.testing.clock import Clock

__all__ = ["caller", "emulator"]


async def test_wrong_token_is_4101_at_200_in_chat_and_401_elsewhere(emulator: Emulator) -> None:
    async with aiohttp.ClientSession(
        emulator.url, headers={"Authorization": "Bearer nonsense"}
    ) as http:
        caller = Caller(emulator, http)
        status, answer = await caller.call("POST", "/v3/chat", body())
        assert (status, answer["code"]) == (200, 4101)
        for path in ("/v3/chat/retrieve", "/v3/chat/message/list", "/v1/conversations"):
            status, answer = await caller.call("GET", path)
            assert (status, answer["code"]) == (401, 700012006)


async def test_unknown_path_is_4000_at_404(caller: Caller) -> None:
    for path in ("/v3/conversation/message/list", "/v1/nothing"):
        status, answer = await caller.call("GET", path)
        assert (status, answer["code"]) == (404, 4000)


async def test_recording_of_questions_tells_when_the_first_delta_came(caller: Caller) -> None:
    conversation = await caller.conversation()
    asked = body("hello", meta_data={"turn": "7"})
    asked["additional_messages"] = [
        {"role": "user", "content": "hello", "content_type": "text", "meta_data": {"k": "v"}}
    ]
    await caller.post("/v3/chat", asked, conversation_id=conversation)
    await caller.finished()
    [record] = caller.emulator.asked
    assert (record.text, record.user_id, record.conversation_id) == ("hello", "u1", conversation)
    assert record.meta_data == {"turn": "7"}
    assert record.message_meta_data == {"k": "v"}
    assert record.first_delta_at is not None
    assert record.first_delta_wall is not None
    assert record.finished_at is not None
    assert record.at <= record.first_delta_wall <= record.finished_at
    log = await caller.get("/_emulator/log")
    assert log["asked"] == [
        {
            "text": "hello",
            "user_id": "u1",
            "conversation_id": conversation,
            "chat_id": record.chat_id,
            "meta_data": {"turn": "7"},
            "message_meta_data": {"k": "v"},
            "at": record.at,
            "status": "completed",
            "scenario": "normal",
            "deltas": record.deltas,
            "first_delta_at": record.first_delta_at,
            "first_delta_wall": record.first_delta_wall,
            "finished_at": record.finished_at,
            "cancelled": False,
            "files": [],
            "extra": {},
            "outputs": [],
        }
    ]


async def test_agent_of_ones_own_hears_context_and_variables() -> None:
    heard: list[tuple[str, Memory]] = []

    def agent(question: str, memory: Memory) -> Answer:
        heard.append((question, memory))
        return Answer("yes")

    async with (
        serve(Emulator(agent=agent, pace=0, seed=3)) as emulator,
        aiohttp.ClientSession(
            emulator.url, headers={"Authorization": f"Bearer {DEMO_TOKEN}"}
        ) as http,
    ):
        caller = Caller(emulator, http)
        conversation = await caller.conversation()
        await caller.said("one", conversation)
        await caller.said("two", conversation)
    assert [(question, memory.said) for question, memory in heard] == [
        ("one", ()),
        ("two", ("one",)),
    ]
    assert heard[1][1].variables["plan"] == "free"
    assert heard[1][1].seed == 3


async def test_same_seed_gives_the_same_ids_and_words() -> None:
    async def tell(seed: int) -> list[str]:
        emulator = Emulator(pace=0, seed=seed, clock=lambda: 1000.0)
        emulator.install(Scenario(tokens=20))
        headers = {"Authorization": f"Bearer {DEMO_TOKEN}"}
        async with (
            serve(emulator),
            aiohttp.ClientSession(emulator.url, headers=headers) as http,
            http.post("/v3/chat", json=body(stream=True)) as response,
        ):
            return [line for line in (await response.text()).split("\n") if line]

    first = await tell(1)
    assert first == await tell(1)
    assert first != await tell(2)


async def test_long_answer_keeps_its_pace(
    emulator: Emulator, caller: Caller, loop_clock: Clock
) -> None:
    emulator.install(Scenario(tokens=100, pace=0.005))
    await caller.post("/v3/chat", body())
    for count in range(10, 100, 10):
        await emulator.until(lambda e, count=count: e.asked[0].deltas >= count)  # type: ignore[misc]
        loop_clock.advance(0.009)  # a busy machine: it wakes up 4 ms late
    await caller.finished()
    [record] = emulator.asked
    assert record.finished_at is not None
    assert record.first_delta_wall is not None
    assert record.deltas == 100
    # 99 gaps of 5 ms: late wake-ups do not add up.
    assert record.finished_at - record.first_delta_wall == pytest.approx(0.495, abs=0.01)


async def test_stopping_is_prompt_and_the_same_port_can_be_served_again() -> None:
    emulator = Emulator(pace=0.002)
    emulator.install(Scenario(match="stall", stall_after=1))
    emulator.install(Scenario(match="count", tokens=300, pace=0.004))
    headers = {"Authorization": f"Bearer {DEMO_TOKEN}"}
    loop = asyncio.get_running_loop()
    async with aiohttp.ClientSession(headers=headers) as http:
        async with serve(emulator):
            port = int(emulator.url.rpartition(":")[2])
            chat = f"{emulator.url}/v3/chat"
            stalled = await http.post(chat, json=body("stall", stream=True))
            counting = await http.post(chat, json=body("count", stream=True))
            await emulator.until(lambda e: len(e.asked) == 2 and e.asked[1].deltas > 5)
            stopping = loop.time()
        assert loop.time() - stopping < 1.0
        with pytest.raises(aiohttp.ClientError):
            await counting.read()
        with pytest.raises(aiohttp.ClientError):
            await stalled.read()
        with pytest.raises(aiohttp.ClientConnectorError):
            await http.get(chat)
        interrupted = emulator.asked[1]
        assert interrupted.status == "in_progress"

        async with serve(emulator, port=port):
            assert emulator.url.endswith(str(port))
            await emulator.until(lambda e: e.asked[1].finished_at is not None)
        assert emulator.asked[1].status == "completed"
        assert emulator.asked[1].deltas == 300
