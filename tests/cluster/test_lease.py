"""A replica that was away must not speak."""

import pytest

from bridge.engine.cluster.lease import Lease
from bridge.errors import Unreachable


def test_it_lasts_as_long_as_it_says_after_the_last_sign_of_life() -> None:
    now = [100.0]
    lease = Lease(5.0, lambda: now[0])
    now[0] = 104.0
    lease.check()
    lease.renew(103.0)
    now[0] = 107.9
    lease.check()
    now[0] = 108.1
    with pytest.raises(Unreachable):
        lease.check()


def test_an_old_sign_of_life_shortens_nothing() -> None:
    now = [100.0]
    lease = Lease(5.0, lambda: now[0])
    lease.renew(90.0)
    now[0] = 104.9
    lease.check()


def test_who_was_cut_off_itself_does_not_judge_the_silence_of_others() -> None:
    now = [100.0]
    lease = Lease(5.0, lambda: now[0])
    assert lease.has_lasted(10.0)
    now[0] = 106.0
    assert not lease.has_lasted(10.0)
    lease.renew(106.0)
    lease.check()
    assert not lease.has_lasted(10.0)
    for now[0] in range(110, 117, 3):
        lease.renew(now[0])
    assert lease.has_lasted(10.0)
