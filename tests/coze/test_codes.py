"""What an error code means, by what to do about it."""

import pytest

from bridge.coze.codes import MEANINGS, error_for, may_have_run
from bridge.errors import (
    BridgeError,
    Exhausted,
    Gone,
    Occupied,
    Permanent,
    RateLimited,
    Rejected,
    Transient,
    Unauthorised,
    Unreachable,
)
from bridge.upstream import ConversationLost

EXPECTED: dict[type[BridgeError], tuple[int, ...]] = {
    Occupied: (4016,),
    RateLimited: (4020,),
    Transient: (4009, 4013, 4102, 5000, 103100001),
    Exhausted: (4008, 4011, 4019, 4022),
    Rejected: (4010, 4014, 4105, 4302),
    ConversationLost: (4002, 103000002),
    Gone: (4001, 4005, 4006, 4200, 103200001, 103200003),
    Unauthorised: (4100, 4101, 700012006, 103000001),
    Permanent: (4000, 4003, 4004, 4007, 4012, 4015, 4021, 702242002, 103000000),
}


@pytest.mark.parametrize(
    ("kind", "code"), [(kind, code) for kind, codes in EXPECTED.items() for code in codes]
)
def test_a_code_has_its_class(kind: type[BridgeError], code: int) -> None:
    assert type(error_for(code, "why", "log", http_status=200)) is kind


@pytest.mark.parametrize("code", MEANINGS)
def test_every_error_keeps_code_words_and_logid(code: int) -> None:
    error = error_for(code, "why", "log-9")
    assert (error.code, error.logid) == (code, "log-9")
    assert MEANINGS[code].says in error.message
    assert "why" in error.message


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Permanent),
        (401, Unauthorised),
        (403, Unauthorised),
        (404, Permanent),
        (429, RateLimited),
        (500, Unreachable),
        (503, Unreachable),
        (200, Permanent),
        (None, Permanent),
    ],
)
@pytest.mark.parametrize("code", [None, 4999, -7])
def test_an_unknown_code_is_judged_by_the_status(
    status: int | None, kind: type[BridgeError], code: int | None
) -> None:
    assert type(error_for(code, "", None, http_status=status)) is kind


def test_a_known_code_outranks_the_status() -> None:
    assert type(error_for(4016, "", None, http_status=500)) is Occupied


@pytest.mark.parametrize("msg", ["You have exceeded your free quota", "余额不足", "账户欠费"])
def test_an_unknown_code_about_money_is_known_by_its_words(msg: str) -> None:
    assert type(error_for(4028, msg, None, http_status=200)) is Exhausted


def test_retry_after_and_happened_reach_transient_errors() -> None:
    error = error_for(None, "", None, http_status=429, happened=True, retry_after=7.0)
    assert isinstance(error, RateLimited)
    assert (error.retry_after, error.happened) == (7.0, True)


@pytest.mark.parametrize(
    ("code", "status", "ran"),
    [
        (4009, 200, False),
        (4016, 200, False),
        (4020, 429, False),
        (5000, 200, True),
        (4013, 200, True),
        (None, 502, True),
        (None, 503, True),
        (None, 504, True),
        (None, 429, False),
        (None, 404, False),
        (None, 200, True),
        (4999, 200, False),
    ],
)
def test_only_a_clear_refusal_proves_that_nothing_ran(
    code: int | None, status: int, ran: bool
) -> None:
    assert may_have_run(code, status) is ran
