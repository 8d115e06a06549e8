"""Paces as arithmetic; the clock is moved by hand."""

import pytest

from bridge.flow.pacing import Limit, Pacer, Priority


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def claim(pacer: Pacer, key: str, priority: Priority) -> float:
    return pacer.claim([Limit(key, 1.0)], priority)


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
    assert granted <= 10 + Priority.FINAL + 1


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
    assert set(pacer._buckets) == {"held"}


def test_no_limit_never_waits(pacer: Pacer) -> None:
    assert all(pacer.claim([Limit("x", 0.0)], Priority.EDIT) == 0 for _ in range(100))


def test_a_call_needs_every_limit_and_a_refused_one_takes_from_none(
    pacer: Pacer, clock: Clock
) -> None:
    chat, account = Limit("chat", 10.0), Limit("account", 1.0)
    assert pacer.claim([account], Priority.EDIT) == 0
    assert pacer.claim([chat, account], Priority.EDIT) == pytest.approx(1.0)
    assert pacer.claim([chat], Priority.EDIT) == 0
    clock.now += 1.0
    assert pacer.claim([chat, account], Priority.EDIT) == pytest.approx(9.0)
    assert pacer.claim([account], Priority.EDIT) == 0
