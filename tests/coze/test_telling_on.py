"""Tools, sounds and questions in the walk of events, and a chat that goes on after them."""

import json

import pytest
from frames import CHAT, STARTED, completed, created, delta, ended, frame, walked

from bridge.coze.sse import Frame
from bridge.coze.telling import Telling
from bridge.errors import Transient
from bridge.upstream import (
    AnswerEvent,
    Delta,
    Finished,
    Needs,
    Said,
    Sounded,
    Spoken,
    Suggested,
    ToolCall,
    Using,
)

# --- tools, sounds, questions


def call(**content: object) -> Frame:
    return completed(json.dumps(content), "f1", type="function_call")


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ({"api_name": "search_web", "plugin_name": "bing", "name": "ts-x"}, "search_web"),
        ({"api_name": "", "plugin_name": "必应搜索"}, "必应搜索"),
        ({"name": "toutiaosousuo-search"}, "toutiaosousuo-search"),
        ({"api_name": " look\n\n up "}, "look up"),
        ({"api_name": "x" * 200}, "x" * 60),
    ],
)
def test_a_tool_is_told_by_its_name_and_never_what_for(names: dict[str, str], shown: str) -> None:
    told = walked(created(), call(**names, arguments={"q": "SECRET"}, thought="SECRET"))
    assert told == [STARTED, Using(shown)]


@pytest.mark.parametrize("content", ["not JSON", "[]", "{}", '{"api_name": 0.5}'])
def test_a_tool_without_a_name_is_not_told(content: str) -> None:
    assert walked(created(), completed(content, "f1", type="function_call")) == [STARTED]


def test_what_a_tool_answered_stays_with_the_agent() -> None:
    secret = completed("SECRET", "r1", type="tool_response")
    assert walked(created(), call(api_name="a"), secret) == [STARTED, Using("a")]


def sound(content: object) -> Frame:
    return frame("conversation.audio.delta", id="a1", content=content, content_type="audio")


def test_sounds_are_decoded_and_broken_ones_skipped() -> None:
    told = walked(created(), sound("T3Bz"), sound("T3B"), sound("Ä"), sound(None), sound(""))
    assert told == [STARTED, Sounded(b"Ops")]


def test_the_last_sounds_come_after_the_end_of_the_chat() -> None:
    early = walked(created(), sound("T3Bz"), completed("Hi"), ended(), sound("T3Bz"))
    assert early[-2:] == [Finished(None), Sounded(b"Ops")]
    silent = walked(created(), completed("Hi"), ended(), sound("T3Bz"))
    assert silent[-1] == Finished(None)
    expecting = Telling("c1", sounds=True)
    assert list(expecting.take([created(), completed("Hi"), ended()]))
    assert list(expecting.take([sound("T3Bz")])) == [Sounded(b"Ops")]


def reply_message() -> dict[str, object]:
    calls = [{"id": "", "type": "reply_message", "function": None}]
    return {"submit_tool_outputs": {"tool_calls": calls}}


CARD = json.dumps({"content_type": "option", "content": {"question": "Which?", "options": ["A"]}})


def test_a_question_offers_its_options_when_the_chat_waits_for_a_reply() -> None:
    told = walked(
        created(),
        completed(CARD, content_type="card"),
        ended("requires_action", required_action=reply_message()),
    )
    assert told == [STARTED, Said("m1", "Which?"), Needs(options=("A",))]


def test_options_of_a_card_that_nobody_waits_for_are_suggestions() -> None:
    told = walked(created(), completed(CARD, content_type="card"), ended())
    assert told == [STARTED, Said("m1", "Which?"), Spoken(), Suggested("A"), Finished(None)]


def test_a_chat_that_waits_for_tools_offers_no_options() -> None:
    calls = [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    action = {"submit_tool_outputs": {"tool_calls": calls}}
    told = walked(
        created(),
        completed(CARD, content_type="card"),
        ended("requires_action", required_action=action),
    )
    assert told[-1] == Needs(calls=(ToolCall("1", "f", "{}"),))


# --- a chat that goes on


def gone_on(*frames: Frame) -> list[AnswerEvent]:
    walk = Telling("c1", after="call-1-")
    return [event for frame in frames for event in walk.take([frame])]


def test_a_chat_that_goes_on_does_not_start_again() -> None:
    in_progress = frame(CHAT + "in_progress", id="t1", conversation_id="c1")
    told = gone_on(
        in_progress, completed("80%", "r1", type="tool_response"), delta("Rain."), ended()
    )
    assert told == [Delta("m1", "Rain."), Said("m1", "Rain."), Spoken(), Finished(None)]


def test_messages_without_an_id_differ_from_those_of_the_step_before() -> None:
    (first,) = [e for e in walked(created(), delta("a", None)) if isinstance(e, Delta)]
    (second,) = gone_on(delta("b", None))
    assert isinstance(second, Delta)
    assert first.message_id != second.message_id


def test_an_error_before_a_chat_goes_on_is_raised() -> None:
    with pytest.raises(Transient):
        gone_on(frame("error", code=4009, msg="busy"))
