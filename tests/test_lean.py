"""A start loads what it needs, and not what its libraries would like as well."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.lean import without

ROOT = Path(__file__).parents[1]

SPARE = "sched"  # a module that nothing else here uses

# What `run` imports for Telegram and Slack on SQLite, in its order.
START = """
import sys
import bridge.cli.main, bridge.process, bridge.store.sqlite
from importlib import import_module
from adapters.slack.settings import PLATFORM as slack
from adapters.telegram.settings import PLATFORM as telegram
for platform in (slack, telegram):
    import_module(platform.adapter.partition(":")[0])
print(*sys.modules)
"""


def test_a_start_on_sqlite_loads_neither_migrations_nor_postgresql_nor_ciphers() -> None:
    run = subprocess.run(
        [sys.executable, "-c", START], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(run.stdout.split())
    assert {"telegram", "slack_bolt", "sqlalchemy.dialects.sqlite", "structlog"} <= loaded
    assert not loaded & {
        "alembic",
        "click",
        "cryptography",
        "mako",
        "opentelemetry",
        "procrastinate",
        "psycopg",
        "rich",
        "sqlalchemy.dialects.postgresql",
        "sqlalchemy.ext.asyncio",
        "sqlalchemy.orm",
    }


def test_what_is_left_out_is_not_there_and_comes_back() -> None:
    sys.modules.pop(SPARE, None)
    with without(SPARE), pytest.raises(ImportError):
        importlib.import_module(SPARE)
    assert importlib.import_module(SPARE).__name__ == SPARE


def test_what_is_loaded_stays() -> None:
    with without("json"):
        assert importlib.import_module("json") is sys.modules["json"]
    assert sys.modules["json"] is not None


def test_it_comes_back_though_something_went_wrong() -> None:
    sys.modules.pop(SPARE, None)
    with pytest.raises(KeyError), without(SPARE):
        raise KeyError
    assert SPARE not in sys.modules
