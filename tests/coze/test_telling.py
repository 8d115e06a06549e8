"""A stream of frames becomes the walk of events."""

import json
from collections import defaultdict
from collections.abc import Iterable

import pytest
from frames import CHAT, STARTED, completed, created, delta, ended, failure, frame, verbose, walked
from hypothesis import given
from hypothesis import strategies as st

from bridge.coze.sse import Frame
from bridge.coze.telling import Telling
from bridge.errors import Exhausted, Permanent, Rejected, Transient, Unreachable
from bridge.upstream import (
    AnswerEvent,
    Cancelled,
    Delta,
    Finished,
    Needs,
    Said,
    Spoken,
    Started,
    Suggested,
    ToolCall,
    Usage,
)


def test_a_normal_turn_walks_from_started_to_finished() -> None:
    assert walked(
        created(status="created"),
        frame(CHAT + "in_progress", id="t1", conversation_id="c1"),
        delta("Hel"),
        delta("lo"),
        completed("Hello"),
        verbose("generate_answer_finish"),
        completed("And you?", "f1", type="follow_up"),
        ended(usage={"token_count": 3, "output_count": 1, "input_count": 2}),
        Frame("done", '"[DONE]"'),
    ) == [
        STARTED,
        Delta("m1", "Hel"),
        Delta("m1", "lo"),
        Said("m1", "Hello"),
        Spoken(),
        Suggested("And you?"),
        Finished(Usage(2, 1)),
    ]


def test_started_is_told_once_by_whatever_comes_first() -> None:
    assert walked(frame(CHAT + "in_progress", id="t1", conversation_id="c1"), created()) == [
        STARTED
    ]
    assert walked(delta("a", chat_id="t9"), created())[0] == Started("asked-in", "t9")
    assert walked(created(id=None, conversation_id=None)) == [Started("asked-in", "")]


def test_several_answers_stay_apart_and_in_order() -> None:
    assert walked(
        created(), delta("a"), completed("A"), delta("b", "m2"), completed("B", "m2")
    ) == [
        STARTED,
        Delta("m1", "a"),
        Said("m1", "A"),
        Delta("m2", "b"),
        Said("m2", "B"),
    ]


def test_interleaved_answers_keep_their_own_deltas() -> None:
    events = walked(created(), delta("a"), delta("x", "m2"), delta("b"), ended())
    assert events[4:] == [Said("m1", "ab"), Said("m2", "x"), Spoken(), Finished(None)]


@pytest.mark.parametrize(
    "kind", ["function_call", "tool_response", "tool_output", "knowledge", "verbose", "novel"]
)
def test_intermediates_never_leak(kind: str) -> None:
    secret = json.dumps({"msg_type": "knowledge_recall", "data": "secret"})
    assert walked(created(), completed(secret, "x", type=kind), delta(secret, "x", type=kind)) == [
        STARTED
    ]


def test_an_untyped_message_is_shown_only_if_its_deltas_were() -> None:
    assert walked(created(), completed("note", "x", type=None)) == [STARTED]
    assert walked(created(), delta("a", type=None), completed("ab", type=None))[1:] == [
        Delta("m1", "a"),
        Said("m1", "ab"),
    ]
    assert walked(created(), delta("a", None, type=None), completed("ab", None, type=None))[1:] == [
        Delta("answer-1", "a"),
        Said("answer-1", "ab"),
    ]


def test_what_the_user_or_a_tool_says_is_no_answer() -> None:
    assert walked(
        created(), delta("a", role="user", type=""), delta("a", role="tool", type="")
    ) == [STARTED]


def test_reasoning_stays_apart_from_the_text() -> None:
    assert walked(
        created(),
        delta("", reasoning_content="hm"),
        delta(None, reasoning_content=" so"),
        delta("yes", reasoning_content=None),
        completed("yes"),
    )[1:] == [
        Delta("m1", "", "hm"),
        Delta("m1", "", " so"),
        Delta("m1", "yes"),
        Said("m1", "yes", "hm so"),
    ]


def test_empty_deltas_say_nothing() -> None:
    assert walked(created(), delta(""), delta(None), delta({"a": 1})) == [STARTED]


def test_the_completed_text_replaces_the_deltas() -> None:
    assert walked(created(), delta("50$\\%$"), completed("50%"))[-1] == Said("m1", "50%")


def test_a_completed_message_told_twice_is_said_once() -> None:
    assert walked(created(), completed("a"), completed("a"), completed("b"))[1:] == [
        Said("m1", "a"),
        Said("m1", "b"),
    ]


def test_without_a_completed_text_the_deltas_stand() -> None:
    assert walked(created(), delta("ab"), completed(None))[-1] == Said("m1", "ab")
    assert walked(created(), delta("ab"), verbose("generate_answer_finish"))[2:] == [
        Said("m1", "ab"),
        Spoken(),
    ]


def test_a_late_delta_does_not_undo_the_whole_text() -> None:
    assert walked(created(), completed("ab"), delta("b"))[1:] == [Said("m1", "ab")]


def test_a_relay_that_changes_the_id_at_the_end_says_it_once() -> None:
    whole = "The quick brown fox jumps over it's dog"
    events = walked(created(), delta("The quick brown fox "), delta("jumps over its dog"))
    assert events[1] == Delta("m1", "The quick brown fox ")
    assert walked(
        created(),
        delta("The quick brown fox "),
        delta("jumps over its dog"),
        completed(whole, "other"),
        ended(),
    )[3:] == [Said("m1", whole), Spoken(), Finished(None)]


def test_another_answer_does_not_end_the_one_still_streaming() -> None:
    events = walked(created(), delta("I think"), completed("I know better than that", "m2"))
    assert events[-1] == Said("m2", "I know better than that")


def test_half_a_character_waits_for_the_other_half() -> None:
    assert walked(created(), delta("a\ud83d"), delta("\ude00b"), ended())[1:4] == [
        Delta("m1", "a"),
        Delta("m1", "😀b"),
        Said("m1", "a😀b"),
    ]
    assert walked(created(), completed("a\ud83db\x00c"))[-1] == Said("m1", "a\ufffdbc")


@pytest.mark.parametrize(
    "data", ["", '{"finish_reason":0,"FinData":""}', {"finish_reason": 0}, None]
)
def test_generate_answer_finish_ends_the_visible_text(data: object) -> None:
    assert (
        walked(created(), completed("a"), verbose("generate_answer_finish", data))[-1] == Spoken()
    )


def test_an_interrupted_answer_is_not_spoken() -> None:
    note = verbose("generate_answer_finish", '{"finish_reason":1}')
    assert Spoken() not in walked(created(), completed("a"), note)


def test_other_notes_do_not_end_the_text() -> None:
    note = verbose("knowledge_recall", "about generate_answer_finish")
    assert walked(created(), note, verbose("empty result")) == [STARTED]


def test_spoken_is_supplied_before_suggestions_and_before_the_end() -> None:
    assert walked(created(), completed("a"), completed("q", "f", type="follow_up"), ended())[
        2:
    ] == [
        Spoken(),
        Suggested("q"),
        Finished(None),
    ]
    assert walked(created(), completed("a"), ended())[2:] == [Spoken(), Finished(None)]


def test_suggestions_are_told_once_and_never_empty() -> None:
    events = walked(*(completed(text, type="follow_up") for text in ("q", " q ", "", None)))
    assert [event for event in events if isinstance(event, Suggested)] == [Suggested("q")]


@pytest.mark.parametrize("usage", [None, {}, {"token_count": 0, "output_count": 0}, "many", 3])
def test_usage_may_be_missing(usage: object) -> None:
    assert walked(created(), completed("a"), ended(usage=usage))[-1] == Finished(None)


def test_a_failed_chat_carries_code_and_logid() -> None:
    error = failure(
        walked(created(), ended("failed", last_error={"code": 5000, "msg": "event interval error"}))
    ).error
    assert isinstance(error, Transient)
    assert (error.code, error.logid, error.happened) == (5000, "log-1", True)
    assert "event interval error" in error.message


@pytest.mark.parametrize(
    "chat", [{"last_error": {"code": 4011, "msg": ""}}, {"code": 4011, "msg": "error"}]
)
def test_a_failure_is_read_from_the_chat_or_in_its_place(chat: dict[str, object]) -> None:
    assert isinstance(failure(walked(created(), frame(CHAT + "failed", **chat))).error, Exhausted)


@pytest.mark.parametrize("last_error", [None, {}, {"code": None, "msg": ""}, "broken"])
def test_a_failure_without_a_reason_is_still_a_failure(last_error: object) -> None:
    assert isinstance(
        failure(walked(created(), ended("failed", last_error=last_error))).error, Permanent
    )


@pytest.mark.parametrize("how", ["canceled", "cancelled"])
def test_cancelled_is_read_in_both_spellings(how: str) -> None:
    assert walked(created(), delta("a"), ended(how))[1:] == [Delta("m1", "a"), Cancelled()]


def test_the_status_of_a_chat_outranks_the_name_of_its_event() -> None:
    assert walked(created(), ended("completed", status="cancelled"))[-1] == Cancelled()


def calls(*types: str) -> dict[str, object]:
    tool_calls = [{"id": "", "type": kind, "function": None} for kind in types]
    return {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": tool_calls}}


@pytest.mark.parametrize("how", ["requires_action", "required_action"])
@pytest.mark.parametrize(
    ("action", "what"),
    [
        (calls("function"), Needs(calls=(ToolCall("", "", ""),))),
        (calls("reply_message"), Needs()),
        (calls("reply_message", "function"), Needs(calls=(ToolCall("", "", ""),))),
        (None, Needs()),
    ],
)
def test_a_waiting_chat_says_what_it_needs(how: str, action: object, what: Needs) -> None:
    assert walked(created(), ended(how, required_action=action))[-1] == what


def test_a_skeleton_of_required_action_means_nothing() -> None:
    skeleton = {"type": "", "submit_tool_outputs": {"tool_calls": [{"type": "", "function": {}}]}}
    assert walked(created(), completed("a"), ended(required_action=skeleton))[-1] == Finished(None)


def test_an_error_event_fails_with_its_code() -> None:
    for key in ("msg", "message"):
        error = failure(walked(created(), frame("error", **{"code": 4014, key: "no"}))).error
        assert isinstance(error, Rejected)
        assert "no" in error.message


@pytest.mark.parametrize(("code", "happened"), [(4009, False), (4016, False), (5000, True)])
def test_an_error_before_anything_began_refuses_the_question(code: int, happened: bool) -> None:
    with pytest.raises(Transient) as caught:
        walked(frame("error", code=code))
    assert (caught.value.code, caught.value.happened) == (code, happened)
    later = failure(walked(created(), frame("error", code=code))).error
    assert isinstance(later, Transient)
    assert later.happened


def test_an_error_event_may_be_plain_text_or_empty() -> None:
    told = failure(walked(created(), Frame("error", "workflow broke")))
    assert "workflow broke" in told.error.message
    for data in ("{}", "", "null"):
        assert isinstance(failure(walked(created(), Frame("error", data))).error, Permanent)


@pytest.mark.parametrize(
    "end",
    [
        Frame("done", '"[DONE]"'),
        Frame("done", "[DONE]"),
        Frame("done", "{}"),
        Frame("done", '{"debug_url":"x"}'),
        Frame("Done", ""),
        Frame("conversation.stream.done", ""),
        Frame("message", "[DONE]"),
    ],
)
def test_done_alone_is_enough_after_a_whole_answer(end: Frame) -> None:
    assert walked(created(), completed("a"), end)[2:] == [Spoken(), Finished(None)]
    for before in ([], [created()], [created(), delta("a")]):
        with pytest.raises(Unreachable) as caught:
            walked(*before, end)
        assert caught.value.happened


def test_nothing_follows_the_end() -> None:
    late = [delta("late", "m9"), ended("failed"), Frame("done", ""), frame("error", code=1)]
    assert walked(created(), completed("a"), ended(), *late)[-1] == Finished(None)


@pytest.mark.parametrize(
    "odd",
    [
        Frame("PING", ""),
        Frame("conversation.audio.delta", "x" * 100),
        Frame("conversation.chat.novel", "{}"),
        Frame("conversation.message.delta", '{"cut'),
        Frame("conversation.message.delta", "[]"),
        Frame("conversation.message.completed", "[" * 100_000),
        Frame("conversation.message.completed", '{"created_at":' + "9" * 5000 + "}"),
        Frame("", ""),
    ],
)
def test_what_cannot_be_read_is_skipped(odd: Frame) -> None:
    events = walked(odd, created(), odd, completed("a"), ended())
    assert events[-3:] == [Said("m1", "a"), Spoken(), Finished(None)]


def test_a_card_is_told_in_words_and_never_streamed_as_json() -> None:
    card = json.dumps(
        {
            "card_type": 3,
            "template_url": "https://example.org/template",
            "data": json.dumps({"title": "Which size?", "options": [{"name": "S"}, {"name": "L"}]}),
        }
    )
    events = walked(
        created(), delta(card[:20], content_type="card"), completed(card, content_type="card")
    )
    assert events[1:] == [Said("m1", "Which size?")]


def test_sound_is_no_text() -> None:
    assert walked(created(), delta("UklGRg==", content_type="audio")) == [STARTED]
    assert walked(created(), completed("UklGRg==", content_type="audio")) == [STARTED]


def test_where_a_workflow_is_seen_step_by_step_is_told_at_the_end() -> None:
    telling = Telling("c1")
    url = "https://coze.example/run?id=1"
    told = [created(), delta('not "debug_url" itself'), completed("Hi"), ended()]
    assert list(telling.take(told))
    assert telling.debug_url == ""
    assert telling.is_over
    assert list(telling.take([frame("done", debug_url=url)])) == []
    assert telling.debug_url == url


def test_what_arrives_together_is_told_together() -> None:
    said = [
        delta("Hi"),
        delta(" you", reasoning_content="so"),
        delta("!", "m2"),
        completed("Hi you"),
    ]
    assert list(Telling("c1").take([created(), *said])) == [
        STARTED,
        Delta("m1", "Hi you", "so"),
        Delta("m2", "!"),
        Said("m1", "Hi you", "so"),
    ]


def test_what_was_said_before_an_error_was_said() -> None:
    told = Telling("c1").take([created(), delta("Hi"), delta(" you"), Frame("done", "")])
    assert [next(told), next(told)] == [STARTED, Delta("m1", "Hi you")]
    with pytest.raises(Unreachable):
        next(told)


FRAMES = [
    created(),
    delta("Hi"),
    delta("\ud83d"),
    delta("\ude00", None),
    delta("", reasoning_content="so"),
    delta("!", "m2"),
    delta("{", content_type="card"),
    delta(None),
    verbose("generate_answer_finish"),
    completed("Hi"),
    ended(),
    Frame("conversation.message.delta", "odd"),
]


@given(st.lists(st.sampled_from(FRAMES), max_size=12))
def test_how_frames_arrive_makes_no_difference(frames: list[Frame]) -> None:
    def told(events: Iterable[AnswerEvent]) -> tuple[list[AnswerEvent], dict[object, str]]:
        """The events, and all that increments say, of which there may be more or fewer."""
        whole, words = [], defaultdict(str)
        for event in events:
            if isinstance(event, Delta):
                words[event.message_id] += event.text
                words[event.message_id, "thoughts"] += event.reasoning
            else:
                whole.append(event)
        return whole, words

    assert told(Telling("asked-in").take(frames)) == told(walked(*frames))
