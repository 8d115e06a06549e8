"""Paces as arithmetic; the clock is moved by hand."""

import random

import pytest

from bridge.flow.crowd import LINGER
from bridge.flow.pacing import Pacer, Priority
from bridge.limits import Pace, Quota


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def claim(pacer: Pacer, key: str, priority: Priority) -> float:
    return pacer.claim([Pace(key, 1.0)], priority)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pacer(clock: Clock) -> Pacer:
    return Pacer(clock)


def test_the_first_call_goes_at_once_and_the_next_waits_an_interval(
    pacer: Pacer, clock: Clock
) -> None:
    assert claim(pacer, "chat", Priority.EDIT) == 0
    assert claim(pacer, "chat", Priority.EDIT) == pytest.approx(1.0)
    clock.now += 1.0
    assert claim(pacer, "chat", Priority.EDIT) == 0


def test_a_refused_claim_takes_nothing(pacer: Pacer, clock: Clock) -> None:
    claim(pacer, "chat", Priority.EDIT)
    for _ in range(10):
        claim(pacer, "chat", Priority.EDIT)
    clock.now += 1.0
    assert claim(pacer, "chat", Priority.EDIT) == 0


def test_a_final_edit_uses_the_call_kept_in_reserve(pacer: Pacer) -> None:
    claim(pacer, "chat", Priority.EDIT)
    assert claim(pacer, "chat", Priority.FINAL) == 0


def test_what_a_final_edit_took_ahead_later_edits_give_back(pacer: Pacer, clock: Clock) -> None:
    claim(pacer, "chat", Priority.EDIT)
    claim(pacer, "chat", Priority.FINAL)
    clock.now += 1.0
    assert claim(pacer, "chat", Priority.EDIT) == pytest.approx(1.0)


def test_in_the_long_run_even_finals_keep_the_pace(pacer: Pacer, clock: Clock) -> None:
    granted = 0
    for _ in range(1000):
        granted += claim(pacer, "chat", Priority.FINAL) == 0
        clock.now += 0.01
    assert granted <= 10 + Priority.FINAL.ahead + 1


def test_typing_goes_only_where_nobody_else_wants_to(pacer: Pacer, clock: Clock) -> None:
    claim(pacer, "chat", Priority.EDIT)
    clock.now += 1.5
    assert claim(pacer, "chat", Priority.TYPING) == pytest.approx(0.5)


def test_one_chat_does_not_slow_another(pacer: Pacer) -> None:
    claim(pacer, "a", Priority.EDIT)
    assert claim(pacer, "b", Priority.EDIT) == 0


def test_a_retry_after_holds_even_a_final_and_only_its_own_chat(pacer: Pacer, clock: Clock) -> None:
    pacer.hold("a", 60)
    assert claim(pacer, "a", Priority.FINAL) == pytest.approx(60)
    assert claim(pacer, "b", Priority.EDIT) == 0
    clock.now += 60
    assert claim(pacer, "a", Priority.FINAL) == 0


def test_after_a_refusal_a_chat_is_paced_slower_until_it_was_calm(
    pacer: Pacer, clock: Clock
) -> None:
    pacer.hold("a", 5)
    clock.now += 5
    assert claim(pacer, "a", Priority.EDIT) == 0
    assert claim(pacer, "a", Priority.EDIT) == pytest.approx(1.5)
    clock.now += 60
    assert claim(pacer, "a", Priority.EDIT) == 0
    assert claim(pacer, "a", Priority.EDIT) == pytest.approx(1.0)


def test_however_often_it_is_refused_a_chat_is_still_written_to(pacer: Pacer, clock: Clock) -> None:
    for _ in range(20):
        pacer.hold("a", 1)
        clock.now += 1
    assert claim(pacer, "a", Priority.EDIT) == 0
    assert claim(pacer, "a", Priority.EDIT) == pytest.approx(4.0)


def test_edits_leave_most_of_a_quota_to_what_matters_more(pacer: Pacer, clock: Clock) -> None:
    quota = [Quota("bot", 10, 1.0)]
    edits = sum(pacer.claim(quota, Priority.EDIT) == 0 for _ in range(20))
    finals = sum(pacer.claim(quota, Priority.FINAL) == 0 for _ in range(20))
    assert (edits, finals) == (4, 6)
    assert pacer.claim(quota, Priority.FINAL) == pytest.approx(1.0)
    clock.now += 1.0
    assert pacer.claim(quota, Priority.EDIT) == 0


def test_no_stretch_of_time_sees_more_calls_than_its_quota(pacer: Pacer, clock: Clock) -> None:
    made: list[float] = []
    for _ in range(3000):
        if pacer.claim([Quota("bot", 10, 1.0)], Priority.FINAL) == 0:
            made.append(clock.now)
        clock.now += 0.003
    assert max(sum(start <= at < start + 1.0 for at in made) for start in made) == 10


def test_no_stretch_is_overfull_however_late_calls_arrive(pacer: Pacer, clock: Clock) -> None:
    """The far side counts a call at any moment between its claim and its answer."""
    quota = [Quota("bot", 10, 1.0)]
    dice = random.Random(5)
    arrived: list[float] = []
    under_way: list[tuple[float, float]] = []  # answered, arrived
    for _ in range(5000):
        if pacer.claim(quota, Priority.FINAL) == 0:
            delay = dice.uniform(0, 0.4)
            under_way.append((clock.now + delay, clock.now + delay * dice.random()))
        for answered, counted in sorted(under_way):
            if answered <= clock.now:
                under_way.remove((answered, counted))
                arrived.append(counted)
                pacer.answered(quota)
        clock.now += 0.003
    assert max(sum(start <= at < start + 1.0 for at in arrived) for start in arrived) <= 10
    assert len(arrived) > 5000 * 0.003 * 7


def test_a_claim_that_is_given_back_was_never_made(pacer: Pacer, clock: Clock) -> None:
    limits = [Pace("chat", 1.0), Quota("bot", 1, 1.0)]
    assert pacer.claim(limits, Priority.FIRST) == 0
    pacer.give_back(limits)
    assert pacer.claim(limits, Priority.EDIT) == 0
    assert pacer.claim(limits, Priority.EDIT) == pytest.approx(1.0)


def test_an_edit_that_is_given_back_leaves_its_call_to_another(pacer: Pacer) -> None:
    quota = Quota("bot", 5, 1.0)
    for stream in range(10):
        limits = [Pace(stream, 1.0), quota]
        assert pacer.claim(limits, Priority.EDIT) == 0
        pacer.give_back(limits)


def test_typing_uses_up_a_quota_but_no_pace(pacer: Pacer, clock: Clock) -> None:
    limits = [Pace("chat", 1.0), Quota("bot", 10, 1.0)]
    assert pacer.claim(limits, Priority.TYPING) == 0
    assert pacer.claim([limits[0]], Priority.EDIT) == 0
    assert sum(pacer.claim([limits[1]], Priority.FINAL) == 0 for _ in range(20)) == 9


def edits_of(
    pacer: Pacer, clock: Clock, streams: int, seconds: float, dice: random.Random
) -> list[int]:
    """How many edits each of many answers gets that all grow at once; each asks when told."""
    quota = Quota("bot", 30, 1.0)
    edits = [0] * streams
    due = [clock.now + dice.random() for _ in range(streams)]
    end = clock.now + seconds
    while clock.now < end:
        clock.now = min(due)
        one = due.index(clock.now)
        wait = pacer.claim([Pace(one, 1.1), quota], Priority.EDIT)
        edits[one] += wait <= 0
        due[one] = clock.now + (wait or 0.02)  # text comes every 20 ms
    return edits


@pytest.mark.parametrize("streams", [2, 10, 50, 200])
def test_many_answers_get_an_even_part_of_the_edits(
    pacer: Pacer, clock: Clock, streams: int
) -> None:
    edits = edits_of(pacer, clock, streams, 120.0, random.Random(streams))
    assert max(edits) - min(edits) <= 2
    most = min(120 * 12, streams * 120 / 1.1)
    assert sum(edits) >= most * 0.85


def test_a_single_answer_waits_for_nobody(pacer: Pacer, clock: Clock) -> None:
    [edits] = edits_of(pacer, clock, 1, 110.0, random.Random(1))
    assert edits >= 98


def test_who_has_ended_or_fallen_silent_takes_no_turns(pacer: Pacer, clock: Clock) -> None:
    quota = Quota("bot", 10, 1.0)
    for stream in range(20):
        pacer.claim([Pace(stream, 1.1), quota], Priority.EDIT)
    clock.now += 1.0
    busy = pacer.claim([Pace(0, 1.1), quota], Priority.EDIT)
    assert busy > 1.1
    pacer.claim([Pace(1, 1.1), quota], Priority.FINAL)
    assert pacer.claim([Pace(0, 1.1), quota], Priority.EDIT) < busy
    clock.now += 2 * LINGER
    assert pacer.claim([Pace(0, 1.1), quota], Priority.EDIT) == 0
    clock.now += 1.1
    assert pacer.claim([Pace(0, 1.1), quota], Priority.EDIT) == 0


def test_edits_give_way_where_others_need_much_of_a_quota(pacer: Pacer, clock: Clock) -> None:
    quota = [Quota("bot", 10, 1.0)]
    finals = sum(pacer.claim(quota, Priority.FINAL) == 0 for _ in range(5))
    edits = sum(pacer.claim(quota, Priority.EDIT) == 0 for _ in range(20))
    assert (finals, edits) == (5, 2)


def test_a_quota_tells_when_to_ask_again(pacer: Pacer, clock: Clock) -> None:
    quota = [Quota("bot", 4, 1.0)]
    for _ in range(4):
        pacer.claim(quota, Priority.FINAL)
        clock.now += 0.1
    wait = pacer.claim(quota, Priority.FINAL)
    clock.now += wait
    assert wait == pytest.approx(0.6)
    assert pacer.claim(quota, Priority.FINAL) == 0


def test_a_shorter_hold_does_not_shorten_a_longer_one(pacer: Pacer) -> None:
    pacer.hold("a", 60)
    pacer.hold("a", 1)
    assert claim(pacer, "a", Priority.FINAL) == pytest.approx(60)


def test_idle_buckets_are_forgotten_and_busy_ones_kept(pacer: Pacer, clock: Clock) -> None:
    claim(pacer, "idle", Priority.EDIT)
    pacer.hold("held", 60)
    clock.now += 2
    pacer.forget_idle()
    assert claim(pacer, "held", Priority.EDIT) == pytest.approx(58)
    assert set(pacer._paced) == {"held"}


def test_no_limit_never_waits(pacer: Pacer) -> None:
    assert all(pacer.claim([Pace("x", 0.0)], Priority.EDIT) == 0 for _ in range(100))


def test_a_call_needs_every_limit_and_a_refused_one_takes_from_none(
    pacer: Pacer, clock: Clock
) -> None:
    chat, account = Pace("chat", 10.0), Pace("account", 1.0)
    assert pacer.claim([account], Priority.EDIT) == 0
    assert pacer.claim([chat, account], Priority.EDIT) == pytest.approx(1.0)
    assert pacer.claim([chat], Priority.EDIT) == 0
    clock.now += 1.0
    assert pacer.claim([chat, account], Priority.EDIT) == pytest.approx(9.0)
    assert pacer.claim([account], Priority.EDIT) == 0
