"""Somebody who calls tools."""

from datetime import UTC, datetime

import pytest

from bridge.tools import Caller


@pytest.fixture
def caller() -> Caller:
    now = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    return Caller("uid", "fake", "default", "en", now, timezone="Asia/Shanghai")
