"""Without the models of the Bot API the emulator would find no violation, and prove nothing."""

import os

import pytest

from tests.telegram.emulator.conformance import AVAILABLE


def test_the_models_are_there_to_check_every_request() -> None:
    if not AVAILABLE and not os.environ.get("CI"):
        pytest.skip("aiogram is missing: `make test` installs it without what it would pull in")
    assert AVAILABLE
