"""docs/troubleshooting.md has everything that `check` is tried with, in the same words."""

import re
from pathlib import Path

import pytest

from tests.operator import test_checkup, test_checkup_of_settings
from tests.operator.slips import Spoil

PAGE = Path(__file__).parents[2] / "docs" / "troubleshooting.md"
CASES = [*test_checkup.ALL, *test_checkup_of_settings.ALL]


def masked(text: str) -> str:
    """Make alike what differs from place to place: where the emulators are."""
    text = re.sub(r"http://127\.0\.0\.1(:\d+)?(/api/)?", "https://…", text)
    return re.sub(r"127\.0\.0\.1:\d*", "127.0.0.1:", text)


@pytest.mark.parametrize(
    ("spoil", "cause", "cure"), CASES, ids=[case[0].__name__ for case in CASES]
)
def test_every_misconfiguration_that_is_tried_is_on_the_page(
    spoil: Spoil, cause: str, cure: str
) -> None:
    rows = [masked(line) for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    assert [row for row in rows if masked(cause) in row and masked(cure) in row], (cause, cure)


def test_twenty_misconfigurations_and_more_are_tried() -> None:
    assert len({case[0] for case in CASES}) > 50
