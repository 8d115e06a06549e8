"""The command line as scripts and people use it: real processes, exit codes, what is printed."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest

SMALLEST = """
[coze]
token = "pat_secret_of_mine"
[agents.default]
bot_id = "7342866812345678901"
[adapters.web]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty working directory."""
    return tmp_path


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    kept = {name: its for name, its in os.environ.items() if not name.startswith("COZE_BRIDGE")}
    return {**kept, "PYTHONPATH": str(Path(__file__).parent.parent), **(extra or {})}


def coze_bridge(
    *arguments: str, folder: Path, extra: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bridge", *arguments],
        cwd=folder,
        env=environment(extra),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def signed_in(admin: str, token: str) -> str:
    """What the admin page shows first to who has the token."""
    browser = build_opener(HTTPCookieProcessor())
    origin = admin.removesuffix("/admin")
    form = urlencode({"token": token}).encode()
    enter = Request(f"{admin}/login", form, {"Origin": origin})
    with browser.open(enter, timeout=60) as page:
        return str(page.read(), "utf-8")


@contextmanager
def running(*arguments: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "bridge", *arguments],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def write_config(folder: Path, text: str = SMALLEST, mode: int = 0o600) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# Asking for help, and asking for nonsense


def test_help_lists_the_commands(folder: Path) -> None:
    result = coze_bridge("--help", folder=folder)
    assert result.returncode == 0
    for command in (
        "demo",
        "run",
        "emulate",
        "migrate",
        "check",
        "sessions",
        "dead",
        "usage",
        "vars",
    ):
        assert re.search(rf"^  {command} ", result.stdout, re.MULTILINE)


@pytest.mark.parametrize("group", ["agent", "vars", "sessions", "dead", "access", "slack"])
def test_no_command_is_cut_short_in_the_help_of_its_group(folder: Path, group: str) -> None:
    listed = coze_bridge(group, "-h", folder=folder, extra={"COLUMNS": "80"}).stdout
    assert "Commands:" in listed
    assert not re.search(r"\.\.\.$", listed.partition("Commands:")[2], re.MULTILINE)


def test_a_reader_that_has_had_enough_is_told_nothing(folder: Path) -> None:
    gone, ours = os.pipe()
    os.close(gone)
    result = subprocess.run(
        [sys.executable, "-m", "bridge", "slack", "manifest"],
        cwd=folder,
        env=environment(),
        stdout=ours,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(ours)
    assert (result.returncode, result.stderr) == (1, "")


def test_version_is_one_line(folder: Path) -> None:
    result = coze_bridge("--version", folder=folder)
    assert result.returncode == 0
    assert re.fullmatch(r"coze-bridge.*\n", result.stdout)


def test_help_imports_nothing_heavy(folder: Path) -> None:
    code = (
        "import sys, typer.testing, bridge.cli;"
        "typer.testing.CliRunner().invoke(bridge.cli.app, ['--help']);"
        "print([name for name in ('pydantic_settings', 'aiohttp', 'sqlalchemy', 'structlog')"
        " if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == "[]\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["bogus"],
        ["run", "--bogus"],
        ["demo", "--port", "0"],
        ["demo", "--port", "x"],
        ["demo", "--say", " "],
        ["demo", "--say", "\udcff"],  # a byte that is no character
        ["check", "--bogus"],
    ],
)
def test_usage_errors_exit_2_on_stderr(folder: Path, arguments: list[str]) -> None:
    result = coze_bridge(*arguments, folder=folder)
    assert result.returncode == 2
    assert result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


# run, before it runs


def test_run_reports_every_problem_and_exits_2(folder: Path) -> None:
    write_config(folder, SMALLEST.replace("token", "tokn") + "[server]\nport = 'x'\n")
    result = coze_bridge("run", folder=folder)
    assert result.returncode == 2
    assert result.stderr.splitlines() == [
        "coze.tokn: unknown key; did you mean token?",
        "server.port: must be a whole number",
        "coze.token: missing; create one at Coze, or give token_file or [coze.oauth]",
    ]
    assert "pat_secret_of_mine" not in result.stderr + result.stdout


def test_run_without_any_configuration_says_how_to_begin(folder: Path) -> None:
    result = coze_bridge("run", folder=folder)
    assert result.returncode == 2
    assert result.stderr.startswith("config.toml: not found; `coze-bridge init` writes it")
    assert len(result.stderr.splitlines()) == 1


# check


def test_check_of_a_good_installation_exits_0(folder: Path) -> None:
    write_config(folder)
    result = coze_bridge("check", "--offline", folder=folder)
    assert result.returncode == 0
    assert result.stdout.splitlines() == [
        "ok     configuration: config.toml (1 agent, 1 adapter)",
        "ok     database: coze-bridge.db will be created",
    ]
    assert not (folder / "coze-bridge.db").exists()


def test_check_lists_what_is_wrong_and_exits_1(folder: Path) -> None:
    write_config(folder, SMALLEST.replace("token", "tokn"))
    result = coze_bridge("check", "--offline", folder=folder)
    assert result.returncode == 1
    assert result.stdout.splitlines() == [
        "wrong  coze.tokn: unknown key; did you mean token?",
        "wrong  coze.token: missing; create one at Coze, or give token_file or [coze.oauth]",
    ]


def test_check_minds_a_token_that_others_can_read(folder: Path) -> None:
    path = write_config(folder, mode=0o644)
    result = coze_bridge("check", "--offline", folder=folder)
    assert result.returncode == 1
    assert "wrong  config.toml: others may read its tokens; chmod 600 config.toml" in result.stdout
    path.chmod(0o600)
    assert coze_bridge("check", "--offline", folder=folder).returncode == 0


def test_check_does_not_mind_a_public_file_without_tokens(folder: Path) -> None:
    write_config(folder, SMALLEST.replace('token = "pat_secret_of_mine"', ""), mode=0o644)
    result = coze_bridge(
        "check", "--offline", folder=folder, extra={"COZE_BRIDGE_COZE__TOKEN": "pat_elsewhere"}
    )
    assert result.returncode == 0


def test_check_misses_the_folder_of_the_database(folder: Path) -> None:
    write_config(folder, SMALLEST + '[database]\nurl = "sqlite:///nowhere/x.db"\n')
    result = coze_bridge("check", "--offline", folder=folder)
    assert result.returncode == 1
    assert "wrong  database: there is no folder nowhere; create it" in result.stdout


def test_check_recognises_a_file_that_is_no_database(folder: Path) -> None:
    write_config(folder)
    (folder / "coze-bridge.db").write_text("not a database, whatever its name says" * 99)
    result = coze_bridge("check", "--offline", folder=folder)
    assert result.returncode == 1
    assert "wrong  database: coze-bridge.db is another kind of file" in result.stdout


def test_check_for_scripts_is_a_list(folder: Path) -> None:
    write_config(folder, SMALLEST.replace("token", "tokn"))
    result = coze_bridge("check", "--json", folder=folder)
    assert result.returncode == 1
    found = json.loads(result.stdout)
    assert found[0] == {
        "verdict": "wrong",
        "text": "coze.tokn: unknown key; did you mean token?",
    }
    assert len(found) == 2


# migrate


def test_migrate_makes_the_schema_that_check_finds(folder: Path) -> None:
    write_config(folder)
    result = coze_bridge("migrate", folder=folder)
    assert (result.returncode, result.stderr) == (0, "")
    revision = re.fullmatch(r"The database schema is (\w+)\.\n", result.stdout)
    assert revision
    found = coze_bridge("check", "--offline", folder=folder)
    assert f"ok     database: schema {revision[1]} is up to date" in found.stdout
    assert coze_bridge("migrate", folder=folder).stdout == result.stdout


def test_schema_of_a_later_version_is_refused_in_one_line(folder: Path) -> None:
    write_config(folder)
    coze_bridge("migrate", folder=folder)
    with sqlite3.connect(folder / "coze-bridge.db") as database:
        database.execute("UPDATE alembic_version SET version_num = 'future'")
    database.close()
    result = coze_bridge("migrate", folder=folder)
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert "newer" in result.stderr
    assert coze_bridge("check", "--offline", folder=folder).returncode == 1


# emulate


def test_emulator_runs_until_it_is_asked_to_stop(folder: Path) -> None:
    port = free_port()
    with running("emulate", "--port", str(port), folder=folder) as process:
        assert process.stdout is not None
        assert f"http://127.0.0.1:{port}" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0


def test_port_that_is_taken_is_one_line_and_exit_1(folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        write_config(folder, f"{SMALLEST}[server]\nport = {port}\n")
        for command in (["emulate", "--port", port], ["demo", "--port", port], ["run"]):
            result = coze_bridge(*command, folder=folder)
            assert result.returncode == 1
            said = result.stderr.splitlines()[-1]
            assert port in said
            assert "choose another" in said
            assert "error while" not in said
            assert "Traceback" not in result.stderr


# demo


def test_a_file_in_the_way_is_named(folder: Path) -> None:
    (folder / ".demo").touch()
    done = coze_bridge("demo", "--port", "1024", folder=folder)
    assert done.returncode == 1
    assert done.stderr == ".demo: File exists\n"


def test_demo_says_and_exits_0(folder: Path) -> None:
    result = coze_bridge("demo", "--say", "hello", folder=folder)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.strip()
    assert list(folder.iterdir()) == []


def test_demo_prints_where_to_go_and_stops_when_asked(folder: Path) -> None:
    port = free_port()
    with running("demo", "--port", str(port), folder=folder) as process:
        assert process.stdout is not None
        assert f"http://127.0.0.1:{port}/" in process.stdout.readline()
        found = re.search(r"(http://\S+/admin) \(token: (\S+)\)", process.stdout.readline())
        assert found
        assert "Overview" in signed_in(found[1], found[2])
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
    assert (folder / ".demo").is_dir()


# what may be printed


def test_a_link_with_a_token_is_not_printed_into_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    from bridge.cli.main import _tell_where

    _tell_where("coze-bridge listens on http://127.0.0.1:8080/\nweb: http://x/#token=secret")
    assert capsys.readouterr().out == "coze-bridge listens on http://127.0.0.1:8080/\n"
