"""Every feature that is promised names a test that there is."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/features.md").read_text("utf-8")
NAMED = re.findall(r"`([\w/]+\.py(?:::\w+)*)`", PAGE)
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ")]


@pytest.mark.parametrize("named", NAMED)
def test_the_test_exists(named: str) -> None:
    path, *names = named.split("::")
    source = (ROOT / "tests" / path).read_text("utf-8")
    for name in names:
        assert re.search(rf"^\s*(async def|def|class) {name}\b", source, re.MULTILINE), name


def test_every_row_names_one() -> None:
    rows = [row for row in ROWS if not row.endswith("| test |")]
    assert len(rows) > 50
    assert [row for row in rows if not re.search(r"`[\w/]+\.py", row)] == []
