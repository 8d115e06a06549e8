"""Cards are read into a question and what may be replied, whoever wrote them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.coze.cards import Card, card
from bridge.emulator.cards import input_card, question_card

WHERE = Card("Where to?", ("Rome", "Paris"))


@pytest.mark.parametrize("workflow", [False, True], ids=["agent", "chatflow"])
def test_the_two_known_forms_of_a_question_read_alike(workflow: bool) -> None:
    assert card(question_card(WHERE.text, WHERE.options, workflow=workflow)) == WHERE


@pytest.mark.parametrize("workflow", [False, True], ids=["agent", "chatflow"])
def test_an_input_node_shows_how_it_wants_its_reply(workflow: bool) -> None:
    assert card(input_card(("city", "date"), workflow=workflow)) == Card("city: …\n\ndate: …")


@pytest.mark.parametrize(
    "options",
    [
        ["Rome", "Paris"],
        [{"name": "Rome"}, {"name": "Paris"}],
        [{"label": " Rome "}, {"text": "Paris"}, {"label": "Rome"}],
        [{"value": "Rome"}, {"Key": "Paris"}, 7, None, {}],
    ],
)
def test_options_are_found_however_they_are_spelled(options: list[object]) -> None:
    assert card(json.dumps({"data": [{"title": "Where to?", "Options": options}]})) == WHERE


def test_the_text_never_repeats_the_options() -> None:
    content = {
        "content": {"options": ["Rome", "Paris"]},
        "description": "Rome",
        "label": "Where to?",
    }
    assert card(json.dumps(content)) == WHERE


def test_a_question_without_words_still_has_its_options() -> None:
    found = card(json.dumps({"options": ["Rome"]}))
    assert found.text
    assert found.options == ("Rome",)


def test_options_beyond_number_are_text() -> None:
    many = [f"option {number}" for number in range(21)]
    found = card(json.dumps({"question": "Which?", "options": many}))
    assert found.options == ()
    assert found.text.split("\n\n") == ["Which?", *many]


@pytest.mark.parametrize("odd", [{"options": []}, {"options": {"a": 1}}, {"options": "Rome"}])
def test_what_offers_nothing_is_a_card_like_any_other(odd: dict[str, object]) -> None:
    assert card(json.dumps({"title": "News", **odd})) == Card("News")


@given(
    st.text()
    | st.recursive(
        st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    ["options", "name", "content", "content_type", "input_card_data", "title"]
                ),
                inner,
            )
        ),
    ).map(json.dumps)
)
def test_anything_is_read_as_something(content: str) -> None:
    found = card(content)
    assert isinstance(found.text, str)
    assert all(option.strip() == option for option in found.options)


def test_a_card_within_a_card_ends_somewhere() -> None:
    deep: object = "end"
    for _ in range(200):
        deep = {"content": deep}
    assert card(json.dumps(deep)).text
