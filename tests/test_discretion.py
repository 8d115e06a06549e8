"""The watch over the logs of the tests: it finds what it is there for."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.discretion import entrusted, is_telling, leaks, pieces

ROOT = Path(__file__).parent.parent

INDISCREET = """
import sqlite3
import sys
import subprocess

from bridge.logs import get


class Process:
    environment = {"COZE_BRIDGE_SERVER__ADMIN_TOKEN": "open sesame"}


class World:
    daemons = [Process()]


def said(folder, text):
    with sqlite3.connect(folder / "bridge.db") as database:
        database.execute("CREATE TABLE turns (question TEXT, answer TEXT)")
        database.execute("INSERT INTO turns VALUES (NULL, ?)", [text])
    database.close()


def test_own_process(tmp_path):
    said(tmp_path, "between you and me")
    get("x").debug("answered", error="Coze said: between you and me")


def test_another_process(tmp_path):
    said(tmp_path, "between you and me")
    (tmp_path / "daemon0-0.log").write_text('{"error": "between you and me"}')


def test_secret(tmp_path, world):
    (tmp_path / "daemon0-0.log").write_text('{"error": "GET /admin?token=open sesame"}')


def test_discreet(tmp_path, world):
    said(tmp_path, "between you and me")
    get("x").info("answered", turn=7)
"""


def test_what_leaks_is_found_after_the_test_that_did_it(tmp_path: Path) -> None:
    test = tmp_path / "test_it.py"
    test.write_text(
        INDISCREET + "\n\nimport pytest\n\n\n@pytest.fixture\ndef world():\n    return World()\n",
        encoding="utf-8",
    )
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.discretion", "-c", "/dev/null", str(test)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert "4 passed, 3 errors" in run.stdout
    for name in ("own_process", "another_process", "secret"):
        assert f"ERROR at teardown of test_{name}" in run.stdout
    assert "3 tests leaked" in run.stdout


def test_a_line_says_too_much_in_json_too() -> None:
    line = r'{"error": "he said \"never\" and left"}'
    assert leaks([line], ['he said "never" and left'], [])
    assert not leaks([line], ["she said nothing"], [])


def test_part_of_a_long_text_gives_it_away() -> None:
    text = " ".join(f"word{number}" for number in range(100))
    assert leaks([f"refused: {text[:60]}…"], [text], [])
    assert leaks([f"refused: …{text[-50:]}"], [text], [])
    assert all(len(piece) == 40 for piece in pieces(text))


def test_a_token_is_found_whosever_it_is() -> None:
    assert leaks(["GET /bot7012345678:AAEhBP0av28wWq9k3TtCGgxyz0123456789/getMe"], [], [])


@pytest.mark.parametrize(
    ("text", "telling"),
    [
        ("ok", False),
        ("hello", False),
        ("hello there", True),
        ("Supercalifragilistic", True),
        ("李雷", True),
        ("  ", False),
    ],
)
def test_what_may_be_a_coincidence_is_not_looked_for(text: str, telling: bool) -> None:
    assert is_telling(text) is telling


def test_secrets_are_known_by_the_names_of_their_settings() -> None:
    environment = {
        "COZE_BRIDGE_ADAPTERS__SLACK__SIGNING_SECRET": "one",
        "COZE_BRIDGE_COZE__TOKEN_FILE": "/run/secrets/x",
        "COZE_BRIDGE_DATABASE__URL": "postgresql://me:two@db/x",
        "COZE_BRIDGE_LOG__LEVEL": "info",
    }
    world = SimpleNamespace(daemons=[SimpleNamespace(environment=environment)])
    assert sorted(entrusted(world)) == ["one", "two"]
