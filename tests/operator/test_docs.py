"""docs/operating.md, read as an operator does: every command is typed, in this order."""

import asyncio
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bridge.cli.operator import dead, sessions, variables
from bridge.events import ChatKind, ChatRef, Inbound, Page, User
from bridge.lanes import lanes_of_chat
from bridge.store import open_store
from bridge.store.inbox import accept
from bridge.store.ledger import Ledger
from bridge.store.sessions import Known, Session, begin_conversation, remember_user
from bridge.store.turns import TurnState
from bridge.upstream import Usage
from tests.operator.installation import Installation
from tests.test_cli import coze_bridge

PAGE = Path(__file__).parents[2] / "docs" / "operating.md"

ANNA, LI = User("12345", name="Anna Karenina"), User("9", name="李雷")
OF_ANNA = "7d0f3c51a7a24c54b2a8d0c7c2a51b11"


def steps() -> Iterator[tuple[str, str]]:
    """Commands, and what the page says they say."""
    text = PAGE.read_text("utf-8")
    for block in re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, says = step.partition("\n")
            yield command, says


async def past(url: str) -> None:
    """What happened before the page begins."""
    began = datetime.now(UTC) - timedelta(seconds=40)
    store = await open_store(url)
    ledger = Ledger(store, lambda: began + timedelta(seconds=10))
    group = ChatRef("telegram", "telegram", "-4001", kind=ChatKind.GROUP)
    anna = ChatRef("telegram", "telegram", "12345")
    failed = "the agent is not published to the API channel, code 4015"
    for number, (chat, user, error) in enumerate(
        [(anna, ANNA, None), (group, LI, None), (anna, ANNA, failed)]
    ):
        now = began + timedelta(seconds=number)
        lane = lanes_of_chat(chat.platform, chat.account, chat.chat)
        lane += user.id if chat.kind is ChatKind.GROUP else ""
        uid = OF_ANNA if user is ANNA else "1" * 32
        title = "Tea" if chat.kind is ChatKind.GROUP else ""
        session = Session(lane, "default", uid)
        await store.write(remember_user(Known(chat, user, uid), now))
        await store.write(
            begin_conversation(session, f"736125000000000000{1 + number % 2}", "?", now)
        )
        event = Inbound(f"e{number}", chat, user, "?", now, title=title)
        await store.write(accept(event, lane, now))
        _, [turn] = await ledger.take_over(lane)
        spent = Usage(1_200, 120) if user is ANNA else Usage(800, 80)
        page = [Page("!", final=True)]
        turn = await ledger.answered(turn, session, page, text="!", spent=spent, error=error)
        await ledger.ended(turn, TurnState.FAILED if error else TurnState.DELIVERED)
    await store.close()


def masked(text: str, its: Installation) -> str:
    """Make alike what differs from run to run, and from place to place."""
    text = text.replace(its.telegram.url.removeprefix("http://"), "api.telegram.org")
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "2026-11-20 08:30", text)
    text = re.sub(r"logid\s+[0-9A-F]+", "logid X", text)
    text = re.sub(r"schema \d+", "schema 0005", text)
    text = re.sub(r" +\d+ (s|min)\b", " 40 s", text)
    return re.sub(r"(?<=\S)  +", "  ", text)  # columns are as wide as what is in them


async def typed(command: str, its: Installation) -> str:
    done = await asyncio.to_thread(coze_bridge, *shlex.split(command)[1:], folder=its.folder)
    ended = f"[exit {done.returncode}]\n" if done.returncode else ""
    return done.stdout + done.stderr + ended


async def test_every_command_says_what_the_page_says(its: Installation) -> None:
    its.on_telegram()
    its.variables(user_name="user.name", retired="constant:x")
    its.tables["database"] = {"url": f"sqlite:///{its.folder / 'coze-bridge.db'}"}
    await past(its.settings().database.url)
    await its.telegram.person(1).chat().say("hello?")  # else the check would wait for a rival
    seen = 0
    for command, says in steps():
        said = await typed(command, its)
        assert masked(said, its).rstrip("\n") == masked(says, its).rstrip("\n"), command
        seen += 1
    assert seen >= 9


def test_every_command_is_on_the_page() -> None:
    page = PAGE.read_text("utf-8")
    for name, group in (("sessions", sessions), ("dead", dead), ("vars", variables)):
        assert f"## {name}\n" in page
        for each in group.registered_commands:
            called = each.name or (each.callback.__name__ if each.callback else "")
            assert re.search(rf"`{called}`|{name} {called}", page), f"{name} {called}"
