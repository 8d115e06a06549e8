"""Far sides for somebody who begins with nothing."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.operator.installation import Installation, installed


@pytest.fixture
async def its(tmp_path: Path) -> AsyncIterator[Installation]:
    async with installed(tmp_path) as installation:
        yield installation


@pytest.fixture
def folder(its: Installation) -> Path:
    """Where somebody begins; nothing is in it."""
    return its.folder
