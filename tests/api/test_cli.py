"""`coze-bridge api` as a real process: exit codes, and who gets which words."""

import asyncio
import json
import os
import re
import shlex
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.api.asking import Words, understood
from bridge.emulator import DEMO_BOT_ID, DEMO_TOKEN, Emulator, Scenario, Trouble, serve

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Ended:
    code: int | None
    out: str
    err: str


async def api(*arguments: str, emulator: Emulator, shell: str = "") -> Ended:
    kept = {name: its for name, its in os.environ.items() if not name.startswith("COZE_BRIDGE")}
    command = [sys.executable, "-m", "bridge", "api", *arguments]
    process = await asyncio.create_subprocess_shell(
        f"{shlex.join(command)} {shell}",
        env={
            **kept,
            "PYTHONPATH": str(ROOT),
            "COZE_BRIDGE_COZE__BASE_URL": emulator.url,
            "COZE_BRIDGE_COZE__TOKEN": DEMO_TOKEN,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return Ended(process.returncode, out.decode(), err.decode())


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with serve(Emulator(pace=0)) as emulator:
        yield emulator


async def test_yes_is_0_and_only_coze_needs_to_be_configured(emulator: Emulator) -> None:
    ended = await api("GET", f"/v1/bots/{DEMO_BOT_ID}", "--json", emulator=emulator)
    assert (ended.code, ended.err) == (0, "")
    assert json.loads(ended.out)["data"]["bot_id"] == DEMO_BOT_ID


async def test_no_is_1_with_the_answer_and_one_line_about_it(emulator: Emulator) -> None:
    emulator.install(Scenario(endpoint="/v1/bots/*", refuse=Trouble(4200, "no such thing")))
    ended = await api("GET", f"/v1/bots/{DEMO_BOT_ID}", emulator=emulator)
    assert ended.code == 1
    assert json.loads(ended.out)["code"] == 4200
    assert re.fullmatch(r"the resource does not exist: .*, logid \w+\n", ended.err)


async def test_a_mistake_is_2_and_nothing_is_printed(emulator: Emulator) -> None:
    ended = await api("GET", "/v1/bots", "-q", "workspce_id=1", emulator=emulator)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.endswith("did you mean workspace_id?\n")


async def test_without_a_path_it_says_how_to_go_on(emulator: Emulator) -> None:
    ended = await api(emulator=emulator)
    assert ended.code == 2
    assert ended.err == "api: needs METHOD and PATH; --list shows what there is\n"


async def test_the_list_needs_no_configuration(emulator: Emulator) -> None:
    ended = await api("--list", "voices", "--config", "/nowhere/config.toml", emulator=emulator)
    assert ended.code == 0
    assert ended.out.startswith("GET    /v1/audio/voices  List the voices for speech\n")


async def test_a_reader_who_has_had_enough_sees_no_traceback(emulator: Emulator) -> None:
    ended = await api("--list", emulator=emulator, shell="| head -n 1")
    assert ended.out.count("\n") == 1
    assert ended.err == ""


# The page about it


def examples() -> list[str]:
    text = (ROOT / "docs" / "api.md").read_text("utf-8")
    return [line for line in text.splitlines() if re.match(r"coze-bridge api [A-Z]", line)]


def test_the_page_has_examples() -> None:
    assert len(examples()) >= 6


@pytest.mark.parametrize("line", examples())
def test_an_example_of_the_page_is_understood(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photo.png").write_bytes(b"\x89PNG")
    (tmp_path / "question.json").write_text('{"bot_id": "1", "user_id": "me"}', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    method, path, *rest = shlex.split(line, comments=True)[2:]
    options: dict[str, list[str]] = {"-q": [], "-d": [], "-F": [], "-o": []}
    words = iter(rest)
    for word in words:
        if word in options:
            options[word].append(next(words))
    data = next(iter(options["-d"]), None)
    assert understood(Words(method, path, options["-q"], data, options["-F"])).path == path
