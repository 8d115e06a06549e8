"""`coze-bridge access` as an operator uses it: real processes on a database."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.store import open_store
from bridge.store.guests import Guest, Standing, knock
from tests.test_cli import SMALLEST, coze_bridge, write_config

NOW = datetime.now(UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A place where somebody waits with the code BCDF-GHJK."""
    write_config(tmp_path, SMALLEST)

    async def come() -> None:
        store = await open_store(f"sqlite:///{tmp_path / 'coze-bridge.db'}")
        wei = Guest("telegram", "77", "\x1b[31mWei", Standing.UNKNOWN, NOW)
        await store.write(knock(wei, NOW, lambda: "BCDFGHJK"))
        await store.close()

    asyncio.run(come())
    return tmp_path


def listed(folder: Path) -> list[dict[str, str]]:
    done = coze_bridge("access", "list", "--json", folder=folder)
    found: list[dict[str, str]] = json.loads(done.stdout)
    return found


def test_who_waits_is_listed_with_their_code(folder: Path) -> None:
    done = coze_bridge("access", "list", folder=folder)
    assert "unknown   telegram:77" in done.stdout
    assert "BCDF-GHJK" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_code_is_approved_and_then_good_for_nothing(folder: Path) -> None:
    done = coze_bridge("access", "approve", "bcdf ghjk", folder=folder)
    assert (done.returncode, done.stdout) == (0, "telegram:77 may talk to the agents now\n")
    [guest] = listed(folder)
    assert (guest["standing"], guest["decided_by"]) == ("admitted", "command line")
    again = coze_bridge("access", "approve", "BCDF-GHJK", folder=folder)
    assert again.returncode == 1
    assert "nobody has this code" in again.stderr


def test_somebody_is_blocked_and_it_is_taken_back(folder: Path) -> None:
    blocked = coze_bridge("access", "block", "slack:T1/U1", "--json", folder=folder)
    assert json.loads(blocked.stdout)["standing"] == "blocked"
    assert {guest["person"] for guest in listed(folder)} == {"telegram:77", "slack:T1/U1"}
    coze_bridge("access", "revoke", "slack:T1/U1", folder=folder)
    assert [guest["person"] for guest in listed(folder)] == ["telegram:77"]


def test_what_is_no_person_is_a_slip(folder: Path) -> None:
    done = coze_bridge("access", "admit", "somebody", folder=folder)
    assert done.returncode == 2
    assert "telegram:12345" in done.stderr
