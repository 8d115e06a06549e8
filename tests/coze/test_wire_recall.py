"""What became of a question, out of stored messages."""

import json

from bridge.coze import recall
from bridge.coze.wire import Chat, Message, Status
from bridge.upstream import (
    Cancelled,
    Failed,
    Finished,
    Needs,
    Over,
    Running,
    Said,
    Spoken,
    Suggested,
    ToolCall,
    Trace,
    Usage,
)

CALL = ToolCall("1", "weather", "{}")


def chat(status: Status, *, code: int | None = None, calls: tuple[ToolCall, ...] = ()) -> Chat:
    return Chat("t1", "c1", status, code, "", Usage(2, 1), calls, "log-1")


def said(
    text: str, message_id: str, at: int = 1, *, kind: str = "answer", role: str = "assistant"
) -> Message:
    return Message(message_id, "c1", "", role, kind, text, "text", "", "", at)


def asked(mark: str, *, chat_id: str = "", kind: str = "question") -> Message:
    return Message("q-" + mark, "c1", chat_id, "user", kind, "?", "text", "", mark, 1)


def test_a_chat_that_is_not_over_is_running() -> None:
    for status in (Status.CREATED, Status.IN_PROGRESS, Status.UNKNOWN):
        assert recall.outcome(chat(status), []) == Running()


def test_a_completed_chat_is_told_in_order_whatever_the_order_of_its_list() -> None:
    listed = [
        said("next?", "05", 3, kind="follow_up"),
        said('{"msg_type":"knowledge_recall"}', "04", 3, kind="verbose"),
        said("second", "03", 2),
        said("first", "02", 2),
        said("{}", "01", 1, kind="function_call"),
    ]
    expected = Over(
        (
            Said("02", "first"),
            Said("03", "second"),
            Spoken(),
            Suggested("next?"),
            Finished(Usage(2, 1)),
        )
    )
    assert recall.outcome(chat(Status.COMPLETED), listed) == expected
    assert recall.outcome(chat(Status.COMPLETED), listed[::-1]) == expected


def test_an_answer_listed_twice_is_told_once() -> None:
    outcome = recall.outcome(chat(Status.COMPLETED), [said("a", "1"), said("b", "1")])
    assert isinstance(outcome, Over)
    assert outcome.events[0] == Said("1", "b")
    assert len(outcome.events) == 3


def test_what_was_said_before_the_end_is_kept() -> None:
    messages = [said("so far", "1")]
    assert recall.outcome(chat(Status.CANCELED), messages) == Over(
        (Said("1", "so far"), Cancelled())
    )
    assert recall.outcome(chat(Status.REQUIRES_ACTION, calls=(CALL,)), messages) == Over(
        (Said("1", "so far"), Needs(calls=(CALL,)))
    )
    failed = recall.outcome(chat(Status.FAILED, code=4011), messages)
    assert isinstance(failed, Over)
    assert failed.events[0] == Said("1", "so far")
    last = failed.events[-1]
    assert isinstance(last, Failed)
    assert (last.error.code, last.error.logid) == (4011, "log-1")


def test_a_question_is_found_by_its_mark_with_its_own_answers_only() -> None:
    newest_first = [
        said("B2", "5", kind=""),
        asked("b", kind=""),
        said("A2", "3"),
        said("A1", "2"),
        asked("a"),
    ]
    turn = recall.turn_of(newest_first, "a")
    assert turn is not None
    assert [message.content for message in turn] == ["?", "A1", "A2"]
    assert recall.turn_of(newest_first, "x") is None


def test_without_a_mark_the_newest_question_of_ours_is_meant() -> None:
    somebody_elses = said("hello", "9", kind="question", role="user")
    turn = recall.turn_of([somebody_elses, said("B", "5", kind=""), asked("b"), asked("a")])
    assert turn is not None
    assert turn[0].mark == "b"
    assert recall.outcome_without_chat(turn) == Over((Said("5", "B"), Spoken(), Finished(None)))


def test_a_question_without_answers_is_running() -> None:
    turn = recall.turn_of([asked("a")], "a")
    assert turn is not None
    assert recall.outcome_without_chat(turn) == Running()


def test_any_message_of_the_turn_may_name_the_chat() -> None:
    assert recall.trace_of([asked("a", chat_id="t1")], "c1") == Trace("c1", "t1")
    assert recall.trace_of([asked("a"), asked("b", chat_id="t2")], "c1") == Trace("c1", "t2")
    assert recall.trace_of([asked("a")], "c1") == Trace("c1", "")


def of_chat(message_id: str, chat_id: str, role: str = "assistant") -> Message:
    return Message(message_id, "c1", chat_id, role, "", message_id, "text", "", "", 1)


def test_a_turn_is_found_by_its_chat_among_others() -> None:
    newest_first = [
        of_chat("q3", "", "user"),
        of_chat("a2", "t2"),
        of_chat("b2", "t2"),
        of_chat("q2", "t2", "user"),
        of_chat("a1", "t1"),
    ]
    assert [each.id for each in recall.turn_in(newest_first, "t2")] == ["q2", "b2", "a2"]
    assert recall.turn_in(newest_first, "t9") == []


def test_where_no_message_tells_its_chat_the_newest_turn_is_meant() -> None:
    newest_first = [
        of_chat("a2", ""),
        of_chat("q2", "", "user"),
        of_chat("a1", ""),
        of_chat("q1", "", "user"),
    ]
    assert [each.id for each in recall.turn_in(newest_first, "t2")] == ["q2", "a2"]
    assert recall.turn_in([], "t2") == []


def carded(*options: str) -> Message:
    content = json.dumps({"question": "Which?", "options": options})
    return Message("7", "c1", "", "assistant", "answer", content, "card", "", "", 1)


def test_a_lost_question_still_offers_its_options() -> None:
    over = recall.outcome(chat(Status.REQUIRES_ACTION), [carded("A", "B")])
    assert over == Over((Said("7", "Which?"), Needs(options=("A", "B"))))
    tools = recall.outcome(chat(Status.REQUIRES_ACTION, calls=(CALL,)), [carded("A")])
    assert tools == Over((Said("7", "Which?"), Needs(calls=(CALL,))))


def test_options_that_nobody_waits_for_are_suggestions() -> None:
    over = recall.outcome(chat(Status.COMPLETED), [carded("A")])
    assert over == Over((Said("7", "Which?"), Spoken(), Suggested("A"), Finished(Usage(2, 1))))
    assert recall.outcome_without_chat([asked("a"), carded("A")]) == Over(
        (Said("7", "Which?"), Spoken(), Suggested("A"), Finished(None))
    )
