"""An installation where all is well, with every far side emulated."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.operator.installation import Installation, installed


@pytest.fixture
async def its(tmp_path: Path) -> AsyncIterator[Installation]:
    async with installed(tmp_path) as installation:
        yield installation
