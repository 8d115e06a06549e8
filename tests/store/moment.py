"""When everything happens in tests of the store, unless they say otherwise."""

from datetime import UTC, datetime

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
