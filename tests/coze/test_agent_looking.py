"""What the agent looks up and does beside an answer, against a server that plays bytes."""

import pytest
from wire_agent import agent

from bridge.coze import CozeAgent
from bridge.errors import Gone, Permanent, Unauthorised
from bridge.testing.wire_server import Scene, WireServer, reply
from bridge.upstream import (
    Cancelled,
    Failed,
    Finished,
    Needs,
    Over,
    Profile,
    Running,
    Said,
    Spoken,
    Suggested,
    Trace,
    Usage,
)

__all__ = ["agent"]


def ok(data: object, **more: object) -> Scene:
    return reply({"code": 0, "msg": "", "data": data, **more})


QUESTIONED = {
    "id": "q1",
    "role": "user",
    "type": "question",
    "content": "hello",
    "chat_id": "t1",
    "meta_data": {"bridge_turn": "turn-1"},
}
ANSWERED = {"id": "m1", "role": "assistant", "type": "answer", "content": "Hi", "created_at": 2}


async def test_a_question_is_found_by_its_mark(server: WireServer, agent: CozeAgent) -> None:
    server.plays(ok([ANSWERED, QUESTIONED]), ok([ANSWERED]), ok(None))
    assert await agent.find("c1", "turn-1") == Trace("c1", "t1")
    assert await agent.find("c1", "turn-1") is None
    assert await agent.find("c1", "turn-1") is None
    asked = server.asked[0]
    assert asked.path == "/v1/conversation/message/list"
    assert asked.query == {"conversation_id": "c1"}
    assert asked.body == {"order": "desc", "limit": 50}


@pytest.mark.parametrize("status", ["created", "in_progress"])
async def test_an_outcome_can_be_pending(server: WireServer, agent: CozeAgent, status: str) -> None:
    server.plays(ok({"id": "t1", "status": status, "required_action": {"type": ""}}))
    assert await agent.outcome(Trace("c1", "t1")) == Running()
    asked = server.asked[0]
    assert (asked.method, asked.path) == ("GET", "/v3/chat/retrieve")
    assert asked.query == {"conversation_id": "c1", "chat_id": "t1"}


async def test_a_completed_outcome_has_the_whole_answer(
    server: WireServer, agent: CozeAgent
) -> None:
    follow_up = {"id": "f1", "role": "assistant", "type": "follow_up", "content": "And?"}
    usage = {"input_count": 2, "output_count": 1}
    server.plays(ok({"status": "completed", "usage": usage}), ok([follow_up, ANSWERED]))
    assert await agent.outcome(Trace("c1", "t1")) == Over(
        (Said("m1", "Hi"), Spoken(), Suggested("And?"), Finished(Usage(2, 1)))
    )


async def test_other_ends_keep_what_was_said(server: WireServer, agent: CozeAgent) -> None:
    server.plays(ok({"status": "cancelled"}), ok([ANSWERED]))
    assert await agent.outcome(Trace("c1", "t1")) == Over((Said("m1", "Hi"), Cancelled()))
    server.plays(ok({"status": "requires_action"}), reply({"code": 4000, "msg": "no list"}))
    assert await agent.outcome(Trace("c1", "t1")) == Over((Needs(),))
    failed = {"status": "failed", "last_error": {"code": 4008, "msg": "quota"}}
    server.plays(reply({"code": 0, "data": failed, "detail": {"logid": "log-5"}}), ok([]))
    outcome = await agent.outcome(Trace("c1", "t1"))
    assert isinstance(outcome, Over)
    last = outcome.events[-1]
    assert isinstance(last, Failed)
    assert (last.error.code, last.error.logid) == (4008, "log-5")


@pytest.mark.parametrize("code", [4001, 4200, 103200003])
async def test_a_forgotten_chat_is_gone(server: WireServer, agent: CozeAgent, code: int) -> None:
    server.plays(reply({"code": code, "msg": "not found"}, status="404 Not Found"))
    with pytest.raises(Gone):
        await agent.outcome(Trace("c1", "t1"))


async def test_without_a_chat_id_the_history_tells(server: WireServer, agent: CozeAgent) -> None:
    nameless = {**QUESTIONED, "chat_id": ""}
    server.plays(ok([nameless]))
    assert await agent.outcome(Trace("c1", "")) == Running()
    server.plays(ok([ANSWERED, nameless]))
    assert await agent.outcome(Trace("c1", "")) == Over(
        (Said("m1", "Hi"), Spoken(), Finished(None))
    )
    server.plays(ok([{**ANSWERED, "chat_id": "t1"}, nameless]), ok({"status": "in_progress"}))
    assert await agent.outcome(Trace("c1", "")) == Running()
    server.plays(ok([]))
    with pytest.raises(Gone):
        await agent.outcome(Trace("c1", ""))


@pytest.mark.parametrize("code", [0, 4104, 103200005])
async def test_cancelling_what_has_ended_is_no_error(
    server: WireServer, agent: CozeAgent, code: int
) -> None:
    server.plays(reply({"code": code, "msg": ""}))
    await agent.cancel(Trace("c1", "t1"))
    assert server.asked[0].body == {"conversation_id": "c1", "chat_id": "t1"}


async def test_cancelling_can_fail_and_cannot_without_an_id(
    server: WireServer, agent: CozeAgent
) -> None:
    server.plays(reply({"code": 4000, "msg": "bad"}))
    with pytest.raises(Permanent):
        await agent.cancel(Trace("c1", "t1"))
    await agent.cancel(Trace("c1", ""))
    assert len(server.asked) == 1


async def test_a_conversation_begins_and_is_cleared(server: WireServer, agent: CozeAgent) -> None:
    server.plays(ok({"id": "c9"}), ok({"id": "s2", "conversation_id": "c9"}))
    assert await agent.begin("n" * 200) == "c9"
    await agent.clear("c9")
    assert server.asked[0].body == {"bot_id": "b1", "name": "n" * 100}
    assert server.asked[1].path == "/v1/conversations/c9/clear"


async def test_an_agent_that_may_be_asked_but_not_read_is_fit(
    server: WireServer, agent: CozeAgent
) -> None:
    server.plays(reply({"code": 4101, "msg": "no permission"}))
    await agent.check()
    server.plays(reply({"code": 700012006, "msg": "access token invalid"}, status="401 No"))
    with pytest.raises(Unauthorised):
        await agent.check()
    server.plays(reply({"code": 4006, "msg": "no such bot"}))
    with pytest.raises(Gone):
        await agent.check()


async def test_the_profile_is_the_published_bot(server: WireServer, agent: CozeAgent) -> None:
    greeting = {"prologue": "Hi {{user_name}}", "suggested_questions": ["a"]}
    server.plays(ok({"name": "Bot", "onboarding_info": greeting}))
    assert await agent.profile() == Profile("Bot", "Hi {{user_name}}", ("a",))
    assert server.asked[0].path == "/v1/bots/b1"
