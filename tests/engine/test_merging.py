"""Which messages are parts of one. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.engine.merging import MOST_PARTS, burst, settles_in
from bridge.events import ALBUM_WINDOW, User
from bridge.store.turns import Turn, TurnKind, TurnState
from tests.engine.test_verdict import NOW, turn

WINDOW = 0.3


def said(text: str, at: float, *, user: str = "u", album: str = "", **changes: object) -> Turn:
    event = replace(turn().event, text=text, user=User(user), album=album)
    made = replace(turn(), events=(event,), attempts=0, created_at=NOW + timedelta(seconds=at))
    return replace(made, **changes)  # type: ignore[arg-type]  # each test knows its fields


def texts(parts: Sequence[Turn]) -> list[str]:
    return [part.text for part in parts]


def test_parts_of_a_paste_come_close_together() -> None:
    waiting = [said("a", 0), said("b", 0.2), said("c", 0.45), said("d", 1.0)]
    assert texts(burst(waiting, WINDOW)) == ["a", "b", "c"]


@pytest.mark.parametrize("window", [0, -1])
def test_without_a_window_nothing_is_merged(window: float) -> None:
    assert texts(burst([said("a", 0), said("b", 0)], window)) == ["a"]


def test_two_people_are_not_one() -> None:
    assert texts(burst([said("a", 0), said("b", 0, user="v"), said("c", 0)], WINDOW)) == ["a"]


@pytest.mark.parametrize("window", [0, WINDOW])
def test_parts_of_an_album_have_more_time(window: float) -> None:
    waiting = [
        said("a", 0, album="1"),
        said("b", 1.0, album="1"),
        said("c", 2.0, album="1"),
        said("d", 3.0, album="2"),
    ]
    assert texts(burst(waiting, window)) == ["a", "b", "c"]
    assert settles_in(waiting[:1], window, NOW) == ALBUM_WINDOW
    assert settles_in(waiting[:1], 9, NOW) == 9
    assert texts(burst([said("a", 0, album="1"), said("b", 1.6, album="1")], window)) == ["a"]


def test_words_after_an_album_belong_to_it_if_they_follow_at_once() -> None:
    album = [said("", 0, album="1"), said("", 1, album="1")]
    assert len(burst([*album, said("what is it?", 1.2)], WINDOW)) == 3
    assert len(burst([*album, said("what is it?", 1.6)], WINDOW)) == 2
    assert len(burst([*album, said("what is it?", 1)], 0)) == 2


@pytest.mark.parametrize(
    "other",
    [
        said("/new", 0.1),
        said("b", 0.1, kind=TurnKind.BUSY),
        said("b", 0.1, attempts=1),
        said("b", 0.1, retries=1),
        said("b", 0.1, state=TurnState.ASKED),
    ],
)
def test_a_command_a_notice_and_what_was_begun_are_no_parts(other: Turn) -> None:
    assert len(burst([said("a", 0), other], WINDOW)) == 1
    assert len(burst([other, said("a", 0.1)], WINDOW)) == 1
    assert settles_in([other], WINDOW, NOW) == 0


def test_a_word_for_the_agent_is_a_part_like_any_other() -> None:
    assert texts(burst([said("/weather", 0), said("Berlin", 0.1)], WINDOW)) == [
        "/weather",
        "Berlin",
    ]


def test_a_flood_is_cut_somewhere() -> None:
    flood = [said(str(n), n / 100) for n in range(200)]
    parts = burst(flood, WINDOW)
    assert len(parts) == MOST_PARTS
    assert settles_in(parts, WINDOW, NOW) == 0


def test_one_waits_for_the_rest_of_the_window_after_the_last_part() -> None:
    parts = [said("a", 0), said("b", 0.2)]
    assert settles_in(parts, WINDOW, NOW + timedelta(seconds=0.3)) == pytest.approx(0.2)
    assert settles_in(parts, WINDOW, NOW + timedelta(seconds=0.6)) == 0


def test_a_clock_that_was_set_back_makes_nobody_wait() -> None:
    assert settles_in([said("a", 0)], WINDOW, NOW - timedelta(days=1)) == 0


def test_what_was_said_before_the_clock_was_set_back_is_no_part_of_what_comes_after() -> None:
    assert texts(burst([said("a", 0), said("b", -3600)], WINDOW)) == ["a"]


def test_a_clock_a_little_behind_makes_nobody_wait_longer_than_the_window() -> None:
    assert settles_in([said("a", 0)], WINDOW, NOW - timedelta(seconds=0.1)) == pytest.approx(0.2)


def test_without_a_window_nobody_waits() -> None:
    assert settles_in([said("a", 0)], 0, NOW) == 0
