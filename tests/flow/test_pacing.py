"""Paces as arithmetic; the clock is moved by hand."""

import pytest

from bridge.flow.pacing import Pace, Pacer, Priority, Quota


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


def test_edits_leave_half_of_a_quota_to_what_matters_more(pacer: Pacer, clock: Clock) -> None:
    quota = [Quota("bot", 10, 1.0)]
    edits = sum(pacer.claim(quota, Priority.EDIT) == 0 for _ in range(20))
    finals = sum(pacer.claim(quota, Priority.FINAL) == 0 for _ in range(20))
    assert (edits, finals) == (5, 5)
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
