"""Moving to PostgreSQL with a conversation under way; and being forgotten by a real daemon."""

import asyncio
import os
import pty
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from daemon_process import ROOT, eventually
from sqlalchemy.engine import URL
from telegram_world import TelegramWorld, until_ready

from bridge.emulator import Scenario
from bridge.testing import postgres

ANNA = 1
READY_WITHIN = 60.0  # seconds; the machine may be busy, and this is not what is tried here


@pytest.fixture
def database(pg_server: URL) -> Iterator[str]:
    """An empty database."""
    with postgres.database(pg_server) as url:
        yield url


def environment(database: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "COZE_BRIDGE_COZE__TOKEN": "pat_demo",
        "COZE_BRIDGE_AGENTS__DEFAULT__BOT_ID": "1",
        "COZE_BRIDGE_ADAPTERS__WEB__ACCESS": "open",
        "COZE_BRIDGE_DATABASE__URL": database,
    }


def command(source: Path) -> list[str]:
    return [sys.executable, "-m", "bridge", "migrate", "--from", f"sqlite:///{source}"]


async def move(source: Path, database: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(
        subprocess.run,
        command(source),
        env=environment(database),
        cwd=source.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.postgres
async def test_what_was_being_answered_is_finished_on_the_other_database(
    telegram: TelegramWorld, database: str
) -> None:
    telegram.coze.install(Scenario(match="^tea", pace=0.3))
    old = telegram.daemon()
    await until_ready(old, within=READY_WITHIN)
    await telegram.say(ANNA, "milk")
    await telegram.answered(ANNA, "milk")
    await telegram.say(ANNA, "tea", "water")
    await eventually(lambda: len(telegram.chat(ANNA).answers) == 2)
    await asyncio.sleep(0.3)  # the id of what was posted is stored
    refused = await move(telegram.database, database)
    assert (refused.returncode, refused.stdout.count("\n")) == (1, 1)
    assert "stop it first" in refused.stderr
    old.kill()
    moved = await move(telegram.database, database)
    assert moved.returncode == 0, moved.stderr
    assert "inbox: 3 rows\n" in moved.stdout
    assert "as many as before" in moved.stdout
    new = telegram.daemon(database__url=database)
    await until_ready(new, within=READY_WITHIN)
    await telegram.answered(ANNA, "milk", "tea", "water", within=60)
    assert telegram.questions() == ["milk", "tea", "water"]
    conversations = {asked.conversation_id for asked in telegram.coze.asked}
    assert len(conversations) == 1
    again = await move(telegram.database, database)
    assert again.returncode == 1
    assert "not empty" in again.stderr


@pytest.mark.postgres
async def test_a_terminal_is_shown_a_bar(telegram: TelegramWorld, database: str) -> None:
    old = telegram.daemon()
    await until_ready(old, within=READY_WITHIN)
    await telegram.say(ANNA, "milk")
    await telegram.answered(ANNA, "milk")
    old.signal()
    assert await old.exit_code() == 0
    shown = await asyncio.to_thread(on_a_terminal, command(telegram.database), database)
    assert "100%" in shown
    assert "as many as before" in shown


def on_a_terminal(arguments: list[str], database: str) -> str:
    here, there = pty.openpty()
    process = subprocess.Popen(arguments, env=environment(database), stdout=there, stderr=there)
    os.close(there)
    shown = b""
    try:
        while piece := os.read(here, 4096):
            shown += piece
    except OSError:  # Linux tells so that the other end was closed
        pass
    os.close(here)
    assert process.wait(timeout=60) == 0, shown
    return shown.decode()


async def test_meant_for_nothing_else(telegram: TelegramWorld) -> None:
    refused = await move(telegram.database, "sqlite:///other.db")
    assert refused.returncode == 2
    assert refused.stderr.startswith("database.url: with --from it names")
    assert not (telegram.folder / "other.db").exists()


async def test_forgotten_here_and_at_coze(telegram: TelegramWorld) -> None:
    daemon = telegram.daemon()
    await until_ready(daemon, within=READY_WITHIN)
    await telegram.say(ANNA, "milk")
    await telegram.answered(ANNA, "milk")
    assert len(telegram.coze.archive.conversations) == 1
    await telegram.say(ANNA, "/forget")
    asked = "Yes, forget me"
    await eventually(lambda: asked in [b.label for b in telegram.chat(ANNA).answers[-1].buttons])
    assert len(telegram.coze.archive.conversations) == 1
    telegram.chat(ANNA).press(telegram.chat(ANNA).answers[-1], asked, None)
    await eventually(lambda: telegram.chat(ANNA).answers[-1].text.startswith("Forgotten."))
    assert len(telegram.coze.archive.conversations) == 0
    with closing(sqlite3.connect(telegram.database)) as database:
        for table in ("identities", "conversations", "sessions", "farewells"):
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def rows(telegram: TelegramWorld, table: str) -> int:
    with closing(sqlite3.connect(telegram.database)) as database:
        return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def age(telegram: TelegramWorld, days: int, **times: tuple[str, ...]) -> None:
    """Let rows be so much older. times: columns, by table."""
    with closing(sqlite3.connect(telegram.database)) as database:
        for table, columns in times.items():
            for column in columns:
                older = f"strftime('%Y-%m-%d %H:%M:%f', {column}, '-{days} days')"
                database.execute(f"UPDATE {table} SET {column} = {older}")
        database.commit()


async def test_a_daemon_takes_out_what_is_old(telegram: TelegramWorld) -> None:
    daemon = telegram.daemon()
    await until_ready(daemon, within=READY_WITHIN)
    await telegram.say(ANNA, "milk")
    await telegram.answered(ANNA, "milk")
    daemon.signal()
    assert await daemon.exit_code() == 0
    age(telegram, 31, inbox=("received_at",), turns=("ended_at", "created_at"))
    daemon.start()
    await until_ready(daemon, within=READY_WITHIN)
    await eventually(lambda: rows(telegram, "inbox") + rows(telegram, "outbox") == 0)
    await telegram.say(ANNA, "tea")
    await telegram.answered(ANNA, "milk", "tea")
    assert len({asked.conversation_id for asked in telegram.coze.asked}) == 1


async def test_a_daemon_goes_on_forgetting(telegram: TelegramWorld) -> None:
    daemon = telegram.daemon()
    await until_ready(daemon, within=READY_WITHIN)
    await telegram.say(ANNA, "milk")
    await telegram.answered(ANNA, "milk")
    await telegram.say(ANNA, "/forget yes")
    await eventually(lambda: telegram.chat(ANNA).answers[-1].text.startswith("Forgotten."))
    await eventually(lambda: rows(telegram, "turns WHERE ended_at IS NULL") == 0)
    daemon.kill()
    assert rows(telegram, "inbox WHERE payload LIKE '%milk%'") == 1
    age(telegram, 2, forgettings=("asked_at",), turns=("ended_at",), identities=("seen_at",))
    daemon.start()
    await eventually(lambda: rows(telegram, "forgettings") == 0)
    assert rows(telegram, "inbox WHERE payload LIKE '%milk%' OR payload LIKE '%forget%'") == 0
    assert rows(telegram, "turns WHERE lane <> 'forgotten' OR answer IS NOT NULL") == 0
    assert rows(telegram, "inbox") == 2
