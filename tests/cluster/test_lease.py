"""A replica that was away must not speak."""

import pytest

from bridge.engine.cluster.lease import Lease
from bridge.store.turns import Fenced


def test_it_lasts_as_long_as_it_says_after_the_last_sign_of_life() -> None:
    now = [100.0]
    lease = Lease(5.0, lambda: now[0])
    now[0] = 104.0
    lease.check()
    lease.renew(103.0)
    now[0] = 107.9
    lease.check()
    now[0] = 108.1
    with pytest.raises(Fenced):
        lease.check()


def test_an_old_sign_of_life_shortens_nothing() -> None:
    now = [100.0]
    lease = Lease(5.0, lambda: now[0])
    lease.renew(90.0)
    now[0] = 104.9
    lease.check()
