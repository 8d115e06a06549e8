"""`sessions`, `dead` and `usage` as scripts and people use them: real processes on a database."""

import asyncio
import json
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from bridge.events import ChatKind, ChatRef, Inbound, Page, User
from bridge.lanes import lanes_of_chat
from bridge.store import open_store
from bridge.store.inbox import accept
from bridge.store.ledger import Ledger
from bridge.store.outbox import Pages
from bridge.store.sessions import Known, Session, begin_conversation, remember_user
from bridge.store.turns import TurnState
from bridge.upstream import Usage
from tests.test_cli import SMALLEST, coze_bridge, write_config

NOW = datetime.now(UTC).replace(microsecond=0)
ANNA = User("12345", name="Anna \x1b[31mKarenina", username="anna")
LI = User("T1/U9", name="李雷")
SECRET = "my secret question"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place with a bridge that has answered, and failed to."""
    folder = tmp_path_factory.mktemp("bridge")
    write_config(folder, SMALLEST)
    asyncio.run(history(folder / "coze-bridge.db"))
    return folder


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    """The same place, to change things in."""
    with closing(sqlite3.connect(folder / "coze-bridge.db")) as database:
        database.execute("VACUUM INTO ?", (str(tmp_path / "coze-bridge.db"),))
    write_config(tmp_path, SMALLEST)
    return tmp_path


async def history(path: Path) -> None:
    store = await open_store(f"sqlite:///{path}")
    ledger = Ledger(store, lambda: NOW)
    places = {
        ChatRef("telegram", "bot", "12345"): ANNA,
        ChatRef("slack", "slack", "C1", "17.5", ChatKind.THREAD): LI,
    }
    for number, (chat, user) in enumerate(places.items()):
        lane = lanes_of_chat(chat.platform, chat.account, chat.chat) + chat.thread
        uid = f"{number:032x}"
        session = Session(lane, "default", uid)
        at = NOW - timedelta(hours=number)
        await store.write(remember_user(Known(chat, user, uid), at))
        await store.write(begin_conversation(session, f"conv-{number}", SECRET, at))
        for text, error in (("fine", None), (SECRET, "the agent is not published, code 4015")):
            event = Inbound(f"{text}{number}", chat, user, text, at, title="Tea" if number else "")
            await store.write(accept(event, lane, at))
            _, [turn] = await ledger.take_over(lane)
            page = Page("An answer that is secret.", final=True)
            spent = Usage(1_000 * (number + 1), 20)
            turn = await ledger.answered(
                turn, session, [page], text=page.text, spent=spent, error=error
            )
            await Pages(store).posted(turn, 0, "m1")
            await ledger.ended(turn, TurnState.DEAD if error else TurnState.DELIVERED)
    await store.close()


def told(*arguments: str, folder: Path) -> CompletedProcess[str]:
    """A command that goes well."""
    done = coze_bridge(*arguments, folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    return done


def data(*arguments: str, folder: Path) -> object:
    return json.loads(told(*arguments, "--json", folder=folder).stdout)


# sessions


def test_conversations_are_listed_in_columns(folder: Path) -> None:
    lines = told("sessions", "list", folder=folder).stdout.splitlines()
    assert re.fullmatch(r"last used +agent +who +lane", lines[0])
    assert lines[1].endswith("  default  Anna  [31mKarenina  telegram/bot/12345/")
    assert lines[2].endswith("  default  李雷 in Tea         slack/slack/C1/17.5")
    assert all(len(line) <= 80 for line in lines)


@pytest.mark.parametrize("where", ["--platform", "--agent", "--search"])
def test_a_search_that_finds_nothing_does_not_say_that_there_is_nothing(
    folder: Path, where: str
) -> None:
    assert told("sessions", "list", where, "nope", folder=folder).stdout == (
        "No conversation is like that.\n"
    )


def test_conversations_for_scripts_are_complete(folder: Path) -> None:
    found = data("sessions", "list", "--search", "ANNA", folder=folder)
    assert found == [
        {
            "lane": "telegram/bot/12345/",
            "platform": "telegram",
            "account": "bot",
            "agent": "default",
            "conversation_id": "conv-0",
            "used_at": NOW.isoformat(),
            "open_turns": 0,
            "user_id": "12345",
            "user_name": "Anna \x1b[31mKarenina",
            "chat_id": "12345",
            "chat_kind": "private",
            "chat_title": "",
        }
    ]


def test_a_conversation_is_shown_without_what_was_said(folder: Path) -> None:
    shown = told("sessions", "show", "telegram/bot/12345", folder=folder).stdout
    assert "conversation  conv-0" in shown
    assert "(telegram:12345), connector_uid 00000000000000000000000000000000" in shown
    assert re.search(r"^00002  dead ", shown, re.MULTILINE)
    assert "       the agent is not published, code 4015" in shown
    assert "secret" not in shown + repr(
        data("sessions", "show", "telegram/bot/12345", folder=folder)
    )


def test_what_was_said_is_shown_only_when_asked_for(folder: Path) -> None:
    lane = "telegram/bot/12345/"
    shown = told("sessions", "show", lane, "--text", folder=folder).stdout
    assert f"       > {SECRET}" in shown
    assert "       An answer that is secret." in shown
    found = data("sessions", "show", lane, "--text", "--limit", "1", folder=folder)
    assert isinstance(found, dict)
    assert [turn["question"] for turn in found["turns"]] == [SECRET]
    assert found["conversations"][0]["title"] == SECRET


def test_after_a_reset_the_next_question_begins_a_new_conversation(copy: Path) -> None:
    done = told("sessions", "reset", "slack/slack/C1/17.5", folder=copy)
    assert done.stdout == (
        "slack/slack/C1/17.5: the next question begins anew; conv-1 stays in its history\n"
    )
    found = data("sessions", "show", "slack/slack/C1/17.5", folder=copy)
    assert isinstance(found, dict)
    assert found["conversation_id"] is None
    assert [each["conversation_id"] for each in found["conversations"]] == ["conv-1"]


@pytest.mark.parametrize("command", ["show", "reset"])
def test_a_lane_that_is_not_there_is_the_answer_no(folder: Path, command: str) -> None:
    done = coze_bridge("sessions", command, "telegram/bot/9/", folder=folder)
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("telegram/bot/9/: no such lane; `coze-bridge sessions list")


# usage


def test_costs_are_added_up_by_person(folder: Path) -> None:
    lines = told("usage", "--by", "user", folder=folder).stdout.splitlines()
    assert lines == [
        "answers  tokens in  out  together  user",
        "      2      4,000   40     4,040  李雷 (slack:T1/U9)",
        "      2      2,000   40     2,040  Anna  [31mKarenina (telegram:12345)",
        "      4      6,000   80     6,080  all",
    ]


def test_costs_for_scripts_have_a_total(folder: Path) -> None:
    found = data("usage", "--by", "agent", "--since", "1d", folder=folder)
    assert isinstance(found, dict)
    assert found["total"] == {
        "of": "all",
        "answers": 4,
        "input_tokens": 6_000,
        "output_tokens": 80,
    }
    assert [row["of"] for row in found["rows"]] == ["default"]


def test_days_are_those_of_this_machine(folder: Path) -> None:
    lines = told("usage", folder=folder).stdout.splitlines()
    assert lines[-1].split()[-1] in {"all", NOW.astimezone().date().isoformat()}


@pytest.mark.parametrize("since", ["yesterday", "never", "-1d", "1000000000000d", ""])
def test_a_span_that_is_none_is_a_usage_error(folder: Path, since: str) -> None:
    done = coze_bridge("usage", f"--since={since}", folder=folder)
    assert done.returncode == 2
    assert done.stderr.startswith("--since: must be such as")


# dead


def test_the_dead_are_listed_with_their_reasons(folder: Path) -> None:
    lines = told("dead", "list", folder=folder).stdout.splitlines()
    assert re.fullmatch(r"turn +state +ended +ago +who", lines[0])
    assert re.match(r"00004  dead ", lines[1])
    assert lines[2] == "       the agent is not published, code 4015"
    assert re.match(r"00002  dead ", lines[3])
    assert all(len(line) <= 80 for line in lines)
    found = data("dead", "list", folder=folder)
    assert isinstance(found, list)
    assert [(each["id"], each["user_id"]) for each in found] == [(4, "T1/U9"), (2, "12345")]
    assert "secret" not in repr(found) + "".join(lines)


@pytest.mark.parametrize(
    "arguments", [["requeue"], ["drop"], ["requeue", "1", "--all"], ["requeue", "x1"]]
)
def test_which_turns_must_be_said(folder: Path, arguments: list[str]) -> None:
    done = coze_bridge("dead", *arguments, folder=folder)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_what_is_dead_can_be_requeued_and_dropped(copy: Path) -> None:
    done = coze_bridge("dead", "requeue", "00002", "#1", "77", folder=copy)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "00002: requeued",
        "No bridge works on this database just now; it will when one does.",
    ]
    assert done.stderr.splitlines() == [
        "00001: is delivered, so it is left alone",
        "00077: there is no such turn",
    ]
    assert told("dead", "drop", "--all", folder=copy).stdout == "00004: dropped\n"
    assert told("dead", "list", folder=copy).stdout == "Nothing is dead.\n"
    assert told("dead", "requeue", "--all", folder=copy).stdout == "Nothing is dead.\n"
    assert data("dead", "drop", "--all", folder=copy) == {"dropped": [], "left": []}
    found = data("sessions", "list", folder=copy)
    assert isinstance(found, list)
    assert [each["open_turns"] for each in found] == [1, 0]


# Where there is nothing to look at


@pytest.mark.parametrize(
    "arguments",
    [["sessions", "list"], ["dead", "list"], ["usage"], ["vars", "get", "telegram:1"]],
)
def test_without_a_database_one_line_says_so(tmp_path: Path, arguments: list[str]) -> None:
    write_config(tmp_path, SMALLEST)
    done = coze_bridge(*arguments, folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "there is no database coze-bridge.db yet; `coze-bridge run` makes it\n"
    assert [each.name for each in tmp_path.iterdir()] == ["config.toml"]
