"""From a reply to the pages that show it. Pure."""

from dataclasses import replace

import pytest

from bridge.adapter import Capabilities
from bridge.config import AgentSettings
from bridge.errors import (
    BridgeError,
    Exhausted,
    Gone,
    Occupied,
    Permanent,
    RateLimited,
    Rejected,
    Unreachable,
)
from bridge.events import Button, Page
from bridge.phrases import Phrase, say
from bridge.render import Renderer, apology
from bridge.store.sessions import Session
from bridge.store.turns import Turn
from bridge.text.reply import Answer, Reply, State
from tests.engine.test_verdict import turn
from tests.stages.world import ANNA, LI

TURN = turn()
SESSION = Session("lane", "default", "uid", "c1")
CAPS = Capabilities(max_text=100, edit_interval=1, edit_interval_group=3, buttons=3)


def pages(
    reply: Reply,
    *,
    caps: Capabilities = CAPS,
    language: str = "en",
    **settings: object,
) -> list[Page]:
    event = replace(TURN.event, user=replace(ANNA, language=language))
    turn, render = replace(TURN, events=(event,)), renderer(caps, **settings)
    shown = render(turn, SESSION, reply)
    assert render.shows(turn, SESSION, reply) is bool(shown) or reply.is_silent
    return shown


def renderer(caps: Capabilities, **settings: object) -> Renderer:
    agent = AgentSettings.model_validate({"bot_id": "1", **settings})
    return Renderer({"default": agent}, {"fake": caps})


def so_far(text: str, **changes: object) -> Reply:
    return replace(Reply((Answer("m", text),)), **changes)  # type: ignore[arg-type]


def texts(shown: list[Page]) -> list[str]:
    return [page.text for page in shown]


def test_nothing_said_yet_is_no_page() -> None:
    assert pages(Reply()) == []


def test_while_it_streams_only_the_last_page_may_change() -> None:
    shown = pages(so_far("word " * 60))
    assert len(shown) > 2
    assert [page.final for page in shown] == [*[True] * (len(shown) - 1), False]


def test_once_it_has_ended_every_page_is_final() -> None:
    assert all(page.final for page in pages(so_far("word " * 60, state=State.COMPLETE)))


@pytest.mark.parametrize("state", [State.STREAMING, State.SPOKEN])
def test_suggestions_are_no_buttons_before_the_end(state: State) -> None:
    assert pages(so_far("hi", state=state, suggestions=("And?",)))[-1].buttons == ()


def test_suggestions_become_buttons_of_the_last_page() -> None:
    shown = pages(so_far("word " * 60, state=State.COMPLETE, suggestions=("And?", "Why?")))
    assert shown[-1].buttons == (Button("And?", "And?"), Button("Why?", "Why?"))
    assert not any(page.buttons for page in shown[:-1])


def test_suggestions_can_be_switched_off_and_our_own_buttons_cannot() -> None:
    ours = Button("Cats", "/history c1")
    reply = so_far("hi", state=State.COMPLETE, suggestions=("And?",), buttons=(ours,))
    assert pages(reply, suggestions=False)[-1].buttons == (ours,)


@pytest.mark.parametrize("room", [0, 1, 2])
def test_no_more_buttons_than_the_platform_has_room_for(room: int) -> None:
    reply = so_far("hi", state=State.COMPLETE, suggestions=("a", "b", "c"))
    assert len(pages(reply, caps=replace(CAPS, buttons=room))[-1].buttons) == room


def test_reasoning_is_hidden() -> None:
    reply = Reply((Answer("m", "Paris.", "Let me think."),), state=State.COMPLETE)
    assert texts(pages(reply)) == ["Paris."]


def test_reasoning_alone_is_nothing_to_show_while_it_streams() -> None:
    assert pages(Reply((Answer("m", "", "Let me think."),))) == []


def test_reasoning_is_quoted_where_the_operator_wants_it() -> None:
    reply = Reply((Answer("m", "Paris.", "Let me\n\nthink."),), state=State.COMPLETE)
    assert texts(pages(reply, reasoning="quote")) == ["> Let me\n>\n> think.\n\nParis."]


@pytest.mark.parametrize("error", [Gone("x"), Unreachable("x"), Permanent("x"), None])
def test_a_question_that_may_be_answered_next_time_can_be_asked_again(
    error: BridgeError | None,
) -> None:
    reply = so_far("Once upon", state=State.FAILED, error=error, suggestions=("And?",))
    assert pages(reply)[-1].buttons == (Button("Try again", "/retry 00001"),)
    assert pages(reply, language="zh")[-1].buttons == (Button("重试", "/retry 00001"),)
    assert pages(reply, caps=replace(CAPS, buttons=0))[-1].buttons == ()


def test_a_command_that_failed_is_no_question_to_be_asked_again() -> None:
    event = replace(TURN.event, text="/vars")
    shown = renderer(CAPS)(replace(TURN, events=(event,)), SESSION, Reply().failed(Permanent("x")))
    assert shown[-1].buttons == ()


@pytest.mark.parametrize("error", [Rejected("x"), Exhausted("x")])
def test_nobody_is_asked_to_try_again_in_vain(error: BridgeError) -> None:
    assert pages(so_far("Once upon", state=State.FAILED, error=error))[-1].buttons == ()


@pytest.mark.parametrize("state", [State.COMPLETE, State.WAITING])
def test_an_empty_answer_says_so(state: State) -> None:
    assert texts(pages(Reply(state=state))) == ["The agent had nothing to say."]
    assert texts(pages(Reply(state=state), language="zh-Hans")) == ["智能体没有给出回答。"]


@pytest.mark.parametrize("text", [" \n ", "\u3000", ""])
def test_a_blank_answer_is_an_empty_one(text: str) -> None:
    assert texts(pages(so_far(text, state=State.COMPLETE))) == ["The agent had nothing to say."]


def test_a_stopped_answer_keeps_what_was_said() -> None:
    assert texts(pages(so_far("Once upon").stopped())) == ["Once upon\n\n*(stopped)*"]
    assert texts(pages(Reply().stopped())) == ["*(stopped)*"]


def test_a_failed_answer_keeps_what_was_said_and_gives_a_reference() -> None:
    assert texts(pages(so_far("Once upon").failed(Permanent("x")))) == [
        "Once upon\n\nSorry, something went wrong with this answer. (Reference 00001)"
    ]


@pytest.mark.parametrize(
    ("error", "phrase"),
    [
        (Rejected("x"), Phrase.REFUSED),
        (Exhausted("x"), Phrase.EXHAUSTED),
        (Gone("x"), Phrase.LOST),
        (Unreachable("x"), Phrase.UNREACHABLE),
        (RateLimited("x"), Phrase.UNREACHABLE),
        (Occupied("x"), Phrase.UNREACHABLE),
        (Permanent("x"), Phrase.FAILED),
        (None, Phrase.FAILED),
    ],
)
def test_every_class_of_error_has_its_apology(error: BridgeError | None, phrase: Phrase) -> None:
    assert apology(error) is phrase
    for language in ("en", "zh-CN", "fr", ""):
        assert "00042" in say(phrase, language, reference="00042")


@pytest.mark.parametrize(
    ("language", "begins"),
    [("zh-CN", "抱歉"), ("ZH", "抱歉"), ("en-GB", "Sorry"), ("fr", "Sorry"), ("", "Sorry")],
)
def test_an_apology_speaks_the_language_of_the_user(language: str, begins: str) -> None:
    [page] = pages(Reply().failed(Permanent("x")), language=language)
    assert page.text.startswith(begins)


def test_what_the_operator_needs_is_not_told_to_the_user() -> None:
    error = Permanent("secret detail", code=5000, logid="2025ABC")
    [page] = pages(Reply().failed(error))
    assert not any(word in page.text for word in ("secret", "5000", "2025ABC"))


@pytest.mark.parametrize(("utf16", "most"), [(True, 50), (False, 100)])
def test_lengths_are_counted_as_the_platform_does(utf16: bool, most: int) -> None:
    shown = pages(so_far("🦊" * 300, state=State.COMPLETE), caps=replace(CAPS, utf16=utf16))
    assert max(len(page.text) for page in shown) <= most
    assert max(len(page.text) for page in shown) > most // 2
    assert "".join(texts(shown)).count("🦊") == 300


def test_every_phrase_exists_in_both_languages_and_can_be_said() -> None:
    values = {"comma_name": ", Bo", "title": "Cats", "reference": "00001"}
    values |= {"code": "BCDF-GHJK", "minutes": "10", "name": "mood", "names": "mood, plan"}
    values |= {"tool": "maps", "answers": "3", "tokens": "1,000", "limit": "20"}
    for phrase in Phrase:
        assert say(phrase, LI.language, **values) != say(phrase, ANNA.language, **values)
        assert "{" not in say(phrase, LI.language, **values)


def pressed(text: str) -> Turn:
    return replace(TURN, events=(replace(TURN.event, text=text, pressed=True),))


def rendered_for(turn: Turn, reply: Reply) -> list[str]:
    render = Renderer({"default": AgentSettings(bot_id="1")}, {"fake": CAPS})
    return texts(render(turn, SESSION, reply))


def test_question_of_a_button_is_quoted_above_its_answer() -> None:
    assert rendered_for(pressed("Why?\nWhy now?"), so_far("Because.")) == [
        "> Why?\n> Why now?\n\nBecause."
    ]
    assert rendered_for(pressed("Why?"), Reply()) == []
    assert rendered_for(pressed("/history 7"), so_far("Back.")) == ["Back."]


def test_commands_are_written_as_the_platform_lets_people_write_them() -> None:
    caps = replace(CAPS, command_sign="!")
    render = Renderer({"default": AgentSettings(bot_id="1")}, {"fake": caps})
    ours = "Send /new, or (/stop). A path is /etc/help, a word /newer, a fraction 1/new."
    spelled = "Send !new, or (!stop). A path is /etc/help, a word /newer, a fraction 1/new."
    assert texts(render(TURN, SESSION, Reply.saying(ours))) == [spelled]
    its = Reply((Answer("m", ours, complete=True),), state=State.COMPLETE)
    assert texts(render(TURN, SESSION, its)) == [ours]
    [lost] = texts(render(TURN, SESSION, Reply().failed(Gone("forgotten"))))
    assert "!retry" in lost
