import time

import pytest

from bridge.errors import Permanent, Transient
from bridge.events import Button, Wanted
from bridge.text.reply import MAX_SUGGESTIONS, Answer, Reply, State, fold
from bridge.upstream import (
    MADE_UP,
    AnswerEvent,
    Cancelled,
    Delta,
    Failed,
    Finished,
    Needs,
    Said,
    Sounded,
    Spoken,
    Started,
    Suggested,
    ToolCall,
    Trace,
    Usage,
    Using,
)


def folded(*events: AnswerEvent, reply: Reply | None = None) -> Reply:
    """The snapshot after all the events."""
    reply = reply or Reply()
    for event in events:
        reply = fold(reply, event)
    return reply


def test_a_whole_turn_from_start_to_usage() -> None:
    reply = folded(
        Started("conv", "chat"),
        Delta("m", "Hel"),
        Delta("m", "lo"),
        Said("m", "Hello!"),
        Spoken(),
        Suggested("More?"),
        Finished(Usage(3, 4)),
    )
    assert reply.text == "Hello!"
    assert reply.trace == Trace("conv", "chat")
    assert reply.suggestions == ("More?",)
    assert (reply.state, reply.usage) == (State.COMPLETE, Usage(3, 4))


def test_deltas_are_joined_as_they_come() -> None:
    assert folded(Delta("m", "a"), Delta("m", ""), Delta("m", " b\n")).text == "a b\n"


def test_the_whole_text_replaces_deltas_that_differ() -> None:
    assert folded(Delta("m", "50$\\%$"), Said("m", "50%")).text == "50%"


def test_several_answers_in_one_turn_are_a_blank_line_apart() -> None:
    reply = folded(Delta("a", "one"), Said("a", "one"), Delta("b", "tw"), Said("b", "two"))
    assert reply.text == "one\n\ntwo"
    assert [each.message_id for each in reply.answers] == ["a", "b"]


def test_interleaved_answers_stay_apart() -> None:
    reply = folded(Delta("a", "1"), Delta("b", "x"), Delta("a", "2"), Delta("b", "y"))
    assert reply.text == "12\n\nxy"


def test_blank_answers_are_left_out() -> None:
    assert folded(Said("a", " \n"), Said("b", "text"), Said("c", "")).text == "text"


def test_reasoning_never_becomes_text() -> None:
    reply = folded(Delta("m", reasoning="hm, "), Delta("m", reasoning="yes"), Delta("m", "Yes."))
    assert (reply.text, reply.reasoning) == ("Yes.", "hm, yes")


def test_reasoning_survives_a_whole_text_that_does_not_repeat_it() -> None:
    assert folded(Delta("m", reasoning="hm"), Said("m", "Yes.")).reasoning == "hm"
    assert folded(Delta("m", reasoning="hm"), Said("m", "Yes.", "hm, yes")).reasoning == "hm, yes"


@pytest.mark.parametrize("streamed", ["", "Hel", "Hello"])
@pytest.mark.parametrize("first_id", ["", "temporary"])
def test_a_whole_text_under_a_new_id_does_not_double_its_deltas(
    streamed: str, first_id: str
) -> None:
    reply = folded(Delta(first_id, streamed, "why"), Said("real", "Hello"))
    assert reply.answers == (Answer("real", "Hello", "why", complete=True),)


def test_two_different_whole_texts_both_stay() -> None:
    assert folded(Said("a", "Hello"), Said("b", "Hello again")).text == "Hello\n\nHello again"
    assert folded(Said("", "Hello"), Said("", "Hello again")).text == "Hello\n\nHello again"
    assert folded(Said("a", "OK"), Said("b", "OK")).text == "OK\n\nOK"


def test_a_growing_answer_with_other_words_is_kept_beside_a_whole_one() -> None:
    assert folded(Delta("a", "red"), Said("b", "blue")).text == "red\n\nblue"


def test_messages_without_ids_follow_each_other() -> None:
    reply = folded(Delta("", "one"), Said("", "one"), Delta("", "tw"), Delta("", "o"))
    assert reply.text == "one\n\ntwo"


def test_a_late_delta_of_a_whole_message_changes_nothing() -> None:
    before = folded(Delta("m", "Hel"), Said("m", "Hello"))
    assert fold(before, Delta("m", "lo")) == before


def test_spoken_means_urgent_but_not_ended_and_may_come_twice() -> None:
    once = folded(Delta("m", "Hi"), Spoken())
    assert (once.urgent, once.ended, once.state) == (True, False, State.SPOKEN)
    assert fold(once, Spoken()) == once


def test_text_that_comes_after_spoken_is_not_lost() -> None:
    assert folded(Said("a", "one"), Spoken(), Said("b", "two")).text == "one\n\ntwo"


def test_streaming_is_neither_urgent_nor_ended() -> None:
    assert not folded(Started("c", "x"), Delta("m", "Hi")).urgent
    assert not Reply().ended


def test_suggestions_are_trimmed_deduplicated_and_bounded() -> None:
    questions = [Suggested(f" question {n % 7} ") for n in range(20)]
    reply = folded(Suggested("  "), *questions)
    assert reply.suggestions == tuple(f"question {n}" for n in range(MAX_SUGGESTIONS))


def test_a_failure_keeps_the_text_so_far_and_its_reason() -> None:
    error = Transient("event interval error", code=5000)
    reply = folded(Delta("m", "so far"), Failed(error))
    assert (reply.text, reply.state, reply.error) == ("so far", State.FAILED, error)
    assert reply.ended


def test_cancelling_keeps_the_text_so_far() -> None:
    reply = folded(Delta("m", "so far"), Cancelled())
    assert (reply.text, reply.state, reply.ended) == ("so far", State.STOPPED, True)


def test_a_question_back_waits_for_the_user() -> None:
    reply = folded(Said("m", "Which city?"), Needs(options=("Rome", "Oslo")))
    assert (reply.state, reply.ended, reply.error) == (State.WAITING, True, None)
    assert reply.options == ("Rome", "Oslo")


def test_what_waits_for_our_tools_has_not_ended() -> None:
    call = ToolCall("1", "weather", "{}")
    reply = folded(Said("m", "I will look."), Needs(calls=(call,)))
    assert (reply.state, reply.ended, reply.urgent) == (State.ACTING, False, False)
    assert reply.calls == (call,)
    assert reply.acting().using == "weather"
    assert reply.acted() == folded(Said("m", "I will look."))


def test_what_tools_offer_is_offered_once() -> None:
    button = Button("Where?", "Where?", Wanted.LOCATION)
    assert Reply().acted((button,)).acted((button,)).buttons == (button,)


def test_a_tool_is_in_use_until_the_agent_talks() -> None:
    reply = folded(Using("weather"))
    assert reply.using == "weather"
    assert folded(Delta("m", "It"), reply=reply).using == ""
    assert folded(Spoken(), reply=reply).using == ""
    assert folded(Finished(), reply=reply).using == ""


def test_what_is_heard_is_kept_in_order() -> None:
    assert folded(Sounded(b"a"), Sounded(b"b"), Finished()).sounds == (b"a", b"b")


def test_what_is_used_stays_one_short_line_whatever_a_model_calls_it() -> None:
    calls = (ToolCall("1", "a\nb", ""), ToolCall("2", "x" * 10_000, ""))
    using = folded(Needs(calls)).acting().using
    assert (using[:6], len(using)) == ("a b, x", 200)


def test_an_id_that_was_made_up_is_not_told_as_coze_s() -> None:
    assert folded(Said("m", "whole"), Finished()).answer_id == "m"
    assert folded(Said(f"{MADE_UP}call-1-1", "whole"), Finished()).answer_id == ""


@pytest.mark.parametrize("end", [Finished(), Cancelled(), Failed(Permanent("no")), Needs()])
def test_nothing_changes_after_the_end(end: AnswerEvent) -> None:
    reply = folded(Said("m", "whole"), end)
    more: list[AnswerEvent] = [
        Delta("x", "y"),
        Said("z", "z"),
        Suggested("?"),
        Spoken(),
        Finished(Usage(9, 9)),
    ]
    assert folded(*more, reply=reply) == reply


def test_a_recovered_answer_folds_onto_what_was_streamed_before() -> None:
    cut = folded(Started("c", "x"), Delta("m", "Hello wor"))
    assert folded(Said("m", "Hello world"), Finished(), reply=cut).text == "Hello world"


def test_ten_thousand_deltas_fold_in_a_blink() -> None:
    reply = Reply()
    began = time.process_time()
    for _ in range(10_000):
        reply = fold(reply, Delta("m", "字字字 "))
    assert len(reply.text) == 40_000
    assert time.process_time() - began < 1.0  # about 0.1 s; generous for a busy machine
