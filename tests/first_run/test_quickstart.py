"""docs/quickstart.md, read as a stranger does: from an empty folder until both platforms answer."""

import asyncio
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bridge.emulator import DEMO_BOT_ID, DEMO_TOKEN
from tests.first_run.beginner import init, on_slack, on_telegram
from tests.operator.installation import Installation
from tests.test_cli import coze_bridge, environment

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "quickstart.md"
INSTALLING = ("git clone", "python3 -m venv", "pip install")
"""How these commands begin; whoever runs the test has done something like it."""


def steps() -> Iterator[tuple[str, str]]:
    """Commands, and what the page says they say."""
    text = PAGE.read_text("utf-8")
    for block in re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, says = step.partition("\n")
            yield command, says


def typed(its: Installation, says: str) -> tuple[str, ...]:
    """What the test types in the place of each ‹answer› on the page."""
    mine = {
        "com": its.coze.url,
        "pat_…": DEMO_TOKEN,
        "7342866812345678901": DEMO_BOT_ID,
        "xoxb-…": its.slack.token,
        "xapp-…": its.slack.app_token,
        "123456:ABC…": its.telegram.token,
        "y": "y",
        "n": "n",
    }
    return tuple(mine[answer] for answer in re.findall(r"‹(.*?)›", says))


def masked(text: str, its: Installation) -> list[str]:
    """Make alike what differs: answers, addresses, a port, a link that is too long to show."""
    text = re.sub(r"‹.*?›", "", text)
    text = text.replace(its.coze.url, "https://api.coze.com")
    text = text.replace(its.telegram.url.removeprefix("http://"), "api.telegram.org")
    text = re.sub(r"manifest_json=\S+", "manifest_json=…", text)
    text = re.sub(r"(listens on http://127\.0\.0\.1:)\d+", r"\g<1>8080", text)
    return [line.rstrip() for line in text.strip().splitlines()]


async def test_both_platforms_answer_whoever_follows_the_page(its: Installation) -> None:
    around = {**on_telegram(its), **on_slack(its), "COZE_BRIDGE_SERVER__PORT": "0"}
    await its.telegram.person(1).chat().say("hello?")  # else the check waits for a rival
    for command, says in steps():
        if command.startswith(INSTALLING):
            continue
        _, name = shlex.split(command)
        if name == "run":
            await running_is_answering(its, says)
        elif name == "init":
            told = await init(its, answers=typed(its, says), extra=around)
            assert told.returncode == 0, told.stdout + told.stderr
            assert masked(told.stdout, its) == masked(says, its)
        else:
            told = await asyncio.to_thread(coze_bridge, name, folder=its.folder)
            assert masked(told.stdout + told.stderr, its) == masked(says, its)


def started(its: Installation) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "bridge", "run"],
        cwd=its.folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


async def running_is_answering(its: Installation, says: str) -> None:
    """Both get an answer, and SIGINT, which is Ctrl-C, ends it well."""
    process = started(its)
    try:
        assert process.stdout is not None
        shown = await asyncio.to_thread(process.stdout.readline)
        assert masked(shown, its) == masked(says, its)
        await its.slack.until(lambda it: it.sockets.usable, within=60)
        dm = its.slack.person("ben").dm()
        await dm.say("and here?")
        chat = its.telegram.person(1).chat()
        await its.telegram.until(lambda _: is_answered(its, "hello?", chat.answers), within=60)
        await its.slack.until(lambda _: is_answered(its, "and here?", dm.answers), within=60)
        process.send_signal(signal.SIGINT)
        assert await asyncio.to_thread(process.wait, 60) == 0
    finally:
        process.kill()
        process.communicate()


def is_answered(its: Installation, question: str, answers: Sequence[object]) -> bool:
    return question in [asked.text for asked in its.coze.asked] and bool(answers)


def test_ten_commands_are_enough() -> None:
    commands = [command for command, _ in steps()]
    assert commands[-1] == "coze-bridge run"
    assert len(commands) <= 10


def test_the_readme_has_the_same_commands() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [command for command, _ in steps() if command not in readme] == []
