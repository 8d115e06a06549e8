"""`coze-bridge init`, typed by people who make mistakes, and by scripts."""

import asyncio
import os
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.emulator import DEMO_BOT_ID, DEMO_TOKEN
from tests.first_run.beginner import PATIENCE, everything, init, on_slack, on_telegram
from tests.operator.installation import Installation, closed
from tests.telegram.emulator.webhook import Address
from tests.test_cli import environment

YES, NO, ENTER = "y", "n", ""


def of_coze(its: Installation) -> tuple[str, ...]:
    return its.coze.url, DEMO_TOKEN, DEMO_BOT_ID


def written(its: Installation) -> dict[str, dict[str, dict[str, str]]]:
    return tomllib.loads(its.path.read_text("utf-8"))


# All goes well


async def test_whoever_answers_everything_has_a_bridge_that_works(its: Installation) -> None:
    answers = (*of_coze(its), YES, NO, NO, its.slack.token, its.slack.app_token)
    told = await init(its, answers=answers, extra=on_slack(its))
    assert told.returncode == 0, told.stdout + told.stderr
    assert "ok     adapters.slack: coze in Acme" in told.stdout
    assert "Now start it: coze-bridge run" in told.stdout
    assert written(its)["adapters"]["slack"]["app_token"] == its.slack.app_token
    assert stat.S_IMODE(its.path.stat().st_mode) == 0o600
    assert [each.name for each in its.folder.iterdir()] == ["config.toml"]


async def test_it_says_how_to_come_by_each_token(its: Installation) -> None:
    told = await init(its, "--offline", answers=(*of_coze(its), YES, YES, NO, "xoxb-1", "xapp-1"))
    assert "https://t.me/BotFather" in told.stdout
    assert "https://api.slack.com/apps?new_app=1&manifest_json=" in told.stdout
    assert "connections:write" in told.stdout
    assert "channel API" in told.stdout


async def test_the_page_of_an_agent_is_as_good_as_its_number(its: Installation) -> None:
    page = f"https://www.coze.com/space/7300/bot/{DEMO_BOT_ID}?from=list"
    told = await init(its, answers=(its.coze.url, DEMO_TOKEN, page, NO, NO, YES))
    assert told.returncode == 0, told.stdout + told.stderr
    assert written(its)["agents"]["default"] == {"bot_id": DEMO_BOT_ID}
    assert written(its)["adapters"] == {"web": {"access": "token"}}


@pytest.mark.parametrize(("region", "url"), [("com", "coze.com"), ("coze.cn", "coze.cn")])
async def test_a_region_is_as_good_as_its_address(its: Installation, region: str, url: str) -> None:
    answers = (region, DEMO_TOKEN, DEMO_BOT_ID, NO, NO, YES)
    told = await init(its, "--offline", answers=answers)
    assert told.returncode == 0, told.stdout + told.stderr
    assert written(its)["coze"]["base_url"] == f"https://api.{url}"


# Mistakes


async def test_a_wrong_answer_is_told_with_its_cure_and_asked_again(its: Installation) -> None:
    answers = (
        *("ftp://coze", its.coze.url, "pat_of_somebody", ENTER, DEMO_TOKEN),
        *("404404", NO, DEMO_BOT_ID),
        *(NO, NO, NO, NO, "what?", YES, NO),
        *("123", "7000000001:revoked", its.telegram.token),
    )
    await its.telegram.person(1).chat().say("hello?")  # else the check waits for a rival
    told = await init(its, answers=answers, extra=on_telegram(its))
    assert told.returncode == 0, told.stdout + told.stderr
    for cure in (
        "wrong  coze.base_url: must be an address",
        "make a new one at Coze",
        "is bot_id right",
        "One at least, or nobody can reach it.",
        "Type y or n.",
        "wrong  adapters.telegram.token: must look like 123456:ABC…",
        "copy it from @BotFather again",
    ):
        assert cure in told.stdout, cure
    assert written(its)["adapters"]["telegram"]["token"] == its.telegram.token


async def test_an_agent_that_is_published_meanwhile_is_tried_again(its: Installation) -> None:
    its.coze.bots.get(DEMO_BOT_ID).channels.clear()
    told = await init(its, answers=(*of_coze(its), NO, ENTER, YES, NO, NO, YES))
    assert told.stdout.count("publish it at Coze, to the channel API") == 3  # the check's as well
    assert told.returncode == 1
    assert "Mend what is wrong, then: coze-bridge check" in told.stdout
    assert its.path.exists()


async def test_where_nobody_answers_the_address_is_asked_for_again(its: Installation) -> None:
    answers = (closed(its.coze.url), DEMO_TOKEN, its.coze.url, ENTER, DEMO_BOT_ID, NO, NO, YES)
    told = await init(its, answers=answers)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "wrong  coze.base_url: " in told.stdout
    assert "may this machine reach it?" in told.stdout


async def test_each_of_slacks_tokens_is_tried_by_itself(its: Installation) -> None:
    tokens = ("xapp-1", "xoxb-1", its.slack.token, "xapp-1-somebody", its.slack.app_token)
    answers = (*of_coze(its), YES, NO, NO, *tokens)
    told = await init(its, answers=answers, extra=on_slack(its))
    assert told.returncode == 0, told.stdout + told.stderr
    assert "must be the bot user OAuth token, which starts with xoxb-" in told.stdout
    assert "adapters.slack.bot_token: Slack refuses the token" in told.stdout
    assert "adapters.slack.app_token: Slack refuses the token" in told.stdout


async def test_what_another_bridge_left_behind_need_not_stop_anybody(its: Installation) -> None:
    its.telegram.webhook.set(Address("https://old.example/hook"))
    answers = (*of_coze(its), NO, YES, NO, its.telegram.token, YES)
    told = await init(its, answers=answers, extra=on_telegram(its))
    assert "a webhook is set, so messages go to https://old.example/hook" in told.stdout
    assert its.path.exists()


# Ending early


async def test_whoever_ends_early_has_written_nothing(its: Installation) -> None:
    told = await init(its, answers=of_coze(its))
    assert told.returncode == 1
    assert "nothing was written" in told.stderr
    assert list(its.folder.iterdir()) == []


@contextmanager
def on_a_terminal(folder: Path, extra: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Type it at a real terminal: a pty, which is the controlling one of the process.

    Nothing is left behind: with its terminal, the command ends as well.
    """
    spawn = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
    with subprocess.Popen(
        [sys.executable, "-c", spawn, sys.executable, "-m", "bridge", "init"],
        cwd=folder,
        env=environment(extra),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as terminal:
        try:
            yield terminal
        finally:
            terminal.kill()


def reads(terminal: subprocess.Popen[bytes]) -> bool:
    """Whether the command that has shown a prompt sleeps, which it does to read.

    Between the two, Python would hear of a Ctrl-C only with the next line.
    """
    children = Path(f"/proc/{terminal.pid}/task/{terminal.pid}/children")
    [command] = children.read_text("ascii").split()
    return Path(f"/proc/{command}/stat").read_text("utf-8").rpartition(") ")[2][0] == "S"


def read_up_to(terminal: subprocess.Popen[bytes], prompt: str) -> str:
    assert terminal.stdout is not None
    shown = b""
    while prompt.encode() not in shown:
        piece = os.read(terminal.stdout.fileno(), 4096)
        assert piece, shown.decode()
        shown += piece
    return shown.decode()


def type_in(terminal: subprocess.Popen[bytes], line: str) -> None:
    assert terminal.stdin is not None
    terminal.stdin.write(line.encode())
    terminal.stdin.flush()


async def test_on_a_terminal_tokens_are_not_shown_and_ctrl_c_writes_nothing(
    its: Installation,
) -> None:
    with on_a_terminal(its.folder, on_telegram(its)) as terminal:
        async with asyncio.timeout(PATIENCE):
            shown = ""
            for prompt, line in (
                ("an address: ", f"{its.coze.url}\n"),
                ("sat_…): ", f"{DEMO_TOKEN}\n"),
                ("number: ", "\x03"),
            ):
                shown += await asyncio.to_thread(read_up_to, terminal, prompt)
                while not reads(terminal):
                    await asyncio.sleep(0.01)
                type_in(terminal, line)
        rest, _ = await asyncio.to_thread(terminal.communicate, timeout=PATIENCE)
    assert terminal.returncode == 1
    assert "accepts it" in shown
    assert DEMO_TOKEN not in shown
    assert b"nothing was written" in rest
    assert b"Traceback" not in rest
    assert list(its.folder.iterdir()) == []


# A file that is there already


async def test_what_is_there_stays_with_its_comments_and_a_copy(its: Installation) -> None:
    before = (
        f'[coze]\nbase_url = "{its.coze.url}"  # ours\ntoken = "{DEMO_TOKEN}"\n\n'
        f'[agents.default]\nbot_id = "{DEMO_BOT_ID}"\n\n[sessions]\nbusy = "reject"  # why not\n'
    )
    its.path.write_text(before, encoding="utf-8")
    its.path.chmod(0o644)
    told = await init(its, answers=(YES, ENTER, ENTER, ENTER, NO, NO, YES))
    assert told.returncode == 0, told.stdout + told.stderr
    assert written(its)["adapters"] == {"web": {"access": "token"}}
    assert before.rstrip() in its.path.read_text("utf-8")
    assert stat.S_IMODE(its.path.stat().st_mode) == 0o600
    copy = its.folder / "config.toml.bak"
    assert copy.read_text("utf-8") == before
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


async def test_nothing_is_changed_without_a_yes(its: Installation) -> None:
    its.path.write_text("# mine\n", encoding="utf-8")
    told = await init(its, answers=(ENTER,))
    assert told.returncode == 1
    assert its.path.read_text("utf-8") == "# mine\n"
    told = await init(its, "--yes", "--on", "web", extra=everything(its))
    assert told.returncode == 2
    assert told.stderr.startswith("config.toml: is there already; move it away")
    assert its.path.read_text("utf-8") == "# mine\n"


async def test_every_copy_is_kept(its: Installation) -> None:
    its.path.write_text(f'[coze]\nbase_url = "{its.coze.url}"\n', encoding="utf-8")
    (its.folder / "config.toml.bak").write_text("# older\n", encoding="utf-8")
    await init(its, "--offline", answers=(YES, ENTER, "pat_1", "1", NO, NO, YES))
    assert (its.folder / "config.toml.bak").read_text("utf-8") == "# older\n"
    assert "[coze]" in (its.folder / "config.toml.bak1").read_text("utf-8")


async def test_a_token_that_is_in_a_file_of_its_own_stays_there(its: Installation) -> None:
    secret = its.folder / "token"
    secret.write_text(DEMO_TOKEN, encoding="utf-8")
    secret.chmod(0o600)
    its.path.write_text(f'[coze]\ntoken_file = "{secret}"\n', encoding="utf-8")
    told = await init(its, answers=(YES, its.coze.url, ENTER, DEMO_BOT_ID, NO, NO, YES))
    assert told.returncode == 0, told.stdout + told.stderr
    assert written(its)["coze"] == {"token_file": str(secret), "base_url": its.coze.url}


async def test_a_file_that_cannot_be_read_is_left_alone(its: Installation) -> None:
    its.path.write_text("[coze\n", encoding="utf-8")
    told = await init(its, answers=(YES,))
    assert told.returncode == 2
    assert "config.toml: not valid TOML" in told.stderr
    assert its.path.read_text("utf-8") == "[coze\n"


# Scripts


async def test_a_script_gives_everything_beforehand(its: Installation) -> None:
    told = await init(its, "--yes", "--on", "slack", extra=everything(its))
    assert told.returncode == 0, told.stdout + told.stderr
    assert written(its)["adapters"]["slack"]["bot_token"] == its.slack.token
    assert its.slack.token not in told.stdout + told.stderr


async def test_a_script_hears_of_all_that_is_missing(its: Installation) -> None:
    told = await init(its, "--yes", "--on", "telegram", "--set", "coze.base_url=https://x.example")
    assert told.returncode == 2
    assert [line.partition(": ")[0] for line in told.stderr.splitlines()] == [
        "coze.token",
        "agents.default.bot_id",
        "adapters.telegram.token",
    ]
    assert "set COZE_BRIDGE_COZE__TOKEN, or give --set coze.token=…" in told.stderr
    assert list(its.folder.iterdir()) == []


async def test_a_script_with_a_wrong_token_writes_nothing(its: Installation) -> None:
    wrong = everything(its) | {"COZE_BRIDGE_COZE__TOKEN": "pat_of_somebody"}
    told = await init(its, "--yes", "--on", "web", extra=wrong)
    assert told.returncode == 1
    assert "wrong  coze.token: the token is wrong" in told.stdout
    assert "nothing was written" in told.stderr
    assert list(its.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--set", "nonsense"), "--set: must be KEY=VALUE"),
        (("--on", "carrier-pigeon"), "--on: carrier-pigeon is none of slack, telegram, web"),
        (("--config", "nowhere/config.toml"), "nowhere/config.toml: there is no folder"),
    ],
)
async def test_usage_errors_name_the_remedy(
    its: Installation, arguments: tuple[str, ...], says: str
) -> None:
    told = await init(its, *arguments)
    assert told.returncode == 2
    assert says in told.stderr
