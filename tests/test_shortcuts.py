"""The agent's own commands, spelled out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.shortcuts import spelled_out
from bridge.upstream import Field, Shortcut

NEWS = Shortcut("News", "what happened", "Search the news about {{ topic }}.", (Field("topic"),))
TRIP = Shortcut(
    "trip",
    template="Plan a {{style}} trip to {{city}} in {{unit}}.",
    fields=(
        Field("style", "short", options=("Cheap", "Grand")),
        Field("unit", "km", is_asked=False),
        Field("city", "Rome"),
    ),
)
PLAIN = Shortcut("sum", template="Sum up what we said.")
BEHIND = Shortcut("search", template="Search:", fields=(Field("query"),))
ALL = (NEWS, TRIP, PLAIN, BEHIND)


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("/news tea and\nwater", "Search the news about tea and\nwater."),
        ("/NEWS tea", "Search the news about tea."),
        ("/news", "Search the news about ."),
        ("/trip", "Plan a short trip to Rome in km."),
        ("/trip grand", "Plan a Grand trip to Rome in km."),
        ("/trip slow New York", "Plan a slow trip to New York in km."),
        ("/sum", "Sum up what we said."),
        ("/sum\nbriefly, please", "Sum up what we said. briefly, please"),
        ("/search {{query}}", "Search: {{query}}"),
        ("/search", "Search:"),
    ],
)
def test_a_shortcut_becomes_the_question_its_author_wrote(typed: str, asked: str) -> None:
    assert spelled_out(typed, ALL) == asked


@pytest.mark.parametrize(
    "text", ["news tea", "/newsroom", "/", "/ news", " /news tea", "say /news", "//news", "你好"]
)
def test_everything_else_is_asked_as_it_is(text: str) -> None:
    assert spelled_out(text, ALL) == text


def test_what_a_user_says_is_never_read_as_a_template() -> None:
    both = Shortcut("x", template="{{a}} and {{b}}", fields=(Field("a"), Field("b", "secret")))
    assert spelled_out("/x {{b}}", [both]) == "{{b}} and secret"


def test_a_place_that_no_field_has_stays_to_be_seen() -> None:
    assert spelled_out("/x", [Shortcut("x", template="Hi {{user_name}}")]) == "Hi {{user_name}}"


def test_a_shortcut_without_a_question_is_asked_as_it_was_typed() -> None:
    assert spelled_out("/x", [Shortcut("x")]) == "/x"
    assert spelled_out("/x why", [Shortcut("x")]) == "why"


names = st.sampled_from(["a", "b", "c", "d"])
shortcuts = st.builds(
    Shortcut,
    st.just("x"),
    template=st.lists(st.sampled_from(["so ", "{{a}}", "{{ b }}", "{{z}}", "{", "}}"])).map(
        "".join
    ),
    fields=st.lists(
        st.builds(Field, names, st.text(max_size=3), is_asked=st.booleans()),
        max_size=3,
        unique_by=lambda field: field.name,
    ).map(tuple),
)


@given(shortcuts, st.text(max_size=20))
def test_nothing_a_user_says_is_lost(shortcut: Shortcut, said: str) -> None:
    question = spelled_out(f"/x {said}", [shortcut])
    assert all(word in question for word in said.split())
