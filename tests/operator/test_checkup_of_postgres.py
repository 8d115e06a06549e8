"""What `check` finds of a PostgreSQL."""

from collections.abc import Iterator

import pytest
from sqlalchemy.engine import URL

from bridge.store import migrate
from bridge.testing import postgres
from tests.operator.installation import Installation
from tests.operator.slips import findings
from tests.store.conftest import pg_server

__all__ = ["pg_server"]

pytestmark = pytest.mark.postgres


@pytest.fixture
def url(pg_server: URL) -> Iterator[str]:
    with postgres.database(pg_server) as made:
        yield made


async def test_an_old_schema_is_to_be_migrated_by_hand(its: Installation, url: str) -> None:
    its.database["url"] = url
    [line] = findings(await its.check(), "wrong")
    assert line == "database: the database schema is old: run `coze-bridge migrate`"
    await migrate(url)
    assert findings(await its.check(), "wrong") == []
