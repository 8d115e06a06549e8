"""Three sides: the file, Coze, and what both had when they last met."""

import pytest

from bridge.agentfile.fields import Change, Fields, Value, changes, completed, same
from bridge.agentfile.merge import Base, Draft, merged, met, overwritten

BOT = "1"


def base(update_time: int = 0, icon_url: str = "", **fields: Value) -> Base:
    return Base(BOT, fields, update_time, icon_url)


# Pulling


@pytest.mark.parametrize(
    ("mine", "common", "theirs", "result", "clash"),
    [
        ("a", "a", "b", "b", False),  # changed at Coze
        ("b", "a", "a", "b", False),  # changed in the file
        ("b", "a", "b", "b", False),  # changed alike
        ("b", "a", "c", "c", True),
        ("a", None, "b", "b", True),  # never met
        ("a", "a", None, "a", False),  # Coze does not show it
        (None, None, "b", "b", False),  # new at Coze
        (None, "a", "a", None, False),  # removed from the file
        (None, "a", "b", None, False),
    ],
)
def test_pull(
    mine: str | None, common: str | None, theirs: str | None, result: str | None, clash: bool
) -> None:
    def only(value: str | None) -> Fields:
        return {} if value is None else {"name": value}

    found = merged(only(mine), Base(BOT, only(common)), Draft(only(theirs)))
    assert found.fields.get("name") == result
    assert found.clashes == (("name",) if clash else ())


def test_change_of_mode_at_coze_takes_the_right_prompts_along() -> None:
    standard: Fields = {"prompt_mode": "standard", "prompt": "x"}
    cached: Fields = {"prompt_mode": "prefix", "prefix_prompt": "p", "dynamic_prompt": "d"}
    at_coze = Draft({**cached, "prompt": "p d"})
    found = merged(standard, Base(BOT, standard), at_coze)
    assert found == type(found)(cached)
    common = met(BOT, found.fields, Base(BOT, standard), at_coze)
    assert common.fields == cached
    back = merged(found.fields, common, Draft({**standard, "prefix_prompt": ""}))
    assert back == type(back)(standard)


def test_what_coze_does_not_show_is_as_it_was_pushed() -> None:
    before = base(voice_calls=False, name="a")
    after = met(BOT, {"name": "b", "voice_calls": True}, before, Draft({"name": "b"}, 7))
    assert after == base(7, voice_calls=False, name="b")


def test_base_of_another_agent_is_none() -> None:
    assert met("2", {}, base(voice_calls=False), Draft({"name": "a"})).fields == {"name": "a"}


# Pushing


def test_somebody_elses_change_is_not_undone() -> None:
    mine: Fields = {"name": "mine", "prologue": "old", "description": "same"}
    draft = Draft({"name": "theirs", "prologue": "new", "description": "same"})
    common = base(name="old", prologue="old", description="other")
    assert list(overwritten(mine, common, draft)) == [
        "name, prologue: changed at Coze since the last pull"
    ]


def test_prompt_is_not_pushed_over_the_halves_of_a_cached_one() -> None:
    common = base(prompt_mode="standard", prompt="old")
    cached = Draft({"prompt_mode": "prefix", "prompt": "", "prefix_prompt": "p"})
    assert list(overwritten({"prompt": "new"}, common, cached)) == [
        "prompt_mode: changed at Coze since the last pull"
    ]
    assert list(overwritten({"prompt": "new"}, common, Draft(common.fields))) == []


def test_own_changes_undo_nobodys() -> None:
    common = base(5, name="old", prologue="old")
    draft = Draft({"name": "old", "prologue": "old"}, 5)
    assert list(overwritten({"name": "new", "prologue": "newer"}, common, draft)) == []


def test_change_that_the_file_does_not_manage_is_left_alone() -> None:
    draft = Draft({"name": "old", "prologue": "theirs"}, 9)
    assert list(overwritten({"name": "new"}, base(5, name="old"), draft)) == []


def test_file_that_was_never_pulled_overwrites_nothing_it_does_not_know() -> None:
    assert list(overwritten({"name": "mine"}, None, Draft({"name": "theirs"}))) == [
        "name: differs at Coze, and this file was never pulled"
    ]
    assert list(overwritten({"name": "same"}, None, Draft({"name": "same"}))) == []


def test_edit_that_cannot_be_seen_is_suspected_where_it_could_be_undone() -> None:
    common = base(5, name="old", voice_calls=True)
    mine: Fields = {"name": "new", "voice_calls": True}
    (reason,) = overwritten(mine, common, Draft({"name": "old"}, 6))
    assert reason.startswith("voice_calls: may have changed")
    assert list(overwritten(mine, common, Draft({"name": "old"}, 5))) == []
    assert list(overwritten(mine, common, Draft({"name": "old"}, 0))) == []
    assert list(overwritten({"name": "new"}, common, Draft({"name": "old"}, 6))) == []


def test_another_icon_at_coze_is_kept_only_from_a_new_icon_in_the_file() -> None:
    common = base(0, "https://a.example/1.png?sign=1", icon_file="sha256:1")
    same_picture = Draft({}, 0, "https://b.example/1.png?sign=2")
    another = Draft({}, 0, "https://a.example/2.png?sign=1")
    assert list(overwritten({"icon_file": "sha256:2"}, common, same_picture)) == []
    assert list(overwritten({"icon_file": "sha256:1"}, common, another)) == []
    assert list(overwritten({"icon_file": "sha256:2"}, common, another)) == [
        "icon_file: the icon was changed at Coze since the last pull"
    ]


# Comparing and filling


@pytest.mark.parametrize(
    ("key", "one", "other", "alike"),
    [
        ("model.temperature", 0.7, 0.699999988079071, True),  # single precision
        ("model.temperature", 1, 1.0, True),
        ("model.temperature", 0.7, 0.71, False),
        ("model.top_k", 0, False, False),
        ("knowledge.auto_call", True, 1, False),
        ("workflows", ["1", "2"], ("2", "1"), True),
        ("workflows", ["1", "1"], ["1"], False),
        ("suggested_questions", ["a", "b"], ["b", "a"], False),
        (
            "plugins",
            [{"plugin_id": "1", "api_id": "2"}],
            ({"api_id": "2", "plugin_id": "1"},),
            True,
        ),
        ("name", "a", None, False),
    ],
)
def test_same(key: str, one: Value, other: Value | None, alike: bool) -> None:
    assert same(key, one, other) is alike
    assert same(key, one, one)


def test_changes_come_in_the_order_of_the_file() -> None:
    mine: Fields = {"prologue": "b", "name": "a", "description": "x"}
    assert changes(mine, {"name": "n", "description": "x"}) == [
        Change("prologue", None, "b"),
        Change("name", "n", "a"),
    ]


def test_parts_are_sent_whole() -> None:
    coze: Fields = {
        "name": "n",
        "prologue": "hello",
        "suggested_questions": ["a"],
        "model.model_id": "1",
        "model.temperature": 0.5,
    }
    assert completed({"suggested_questions": []}, coze) == {
        "prologue": "hello",
        "suggested_questions": [],
    }
    mine: Fields = {"model.model_id": "2", "model.top_p": 0.1}
    assert completed(mine, coze) == {**mine, "model.temperature": 0.5}


def test_prompts_of_another_mode_are_not_sent_along() -> None:
    cached: Fields = {"prompt_mode": "prefix", "prefix_prompt": "p", "dynamic_prompt": "d"}
    assert completed({"prompt": "x"}, cached) == {"prompt": "x"}
    mine: Fields = {"prompt_mode": "prefix", "prefix_prompt": "new"}
    assert completed(mine, {**cached, "prompt": "x"}) == {**mine, "dynamic_prompt": "d"}
