"""What ends up in the log, and what must not."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from telegram.error import TelegramError
from telegram.request import BaseRequest

from bridge import logs

COZE = "pat_AbCdEfGh1234567890"
TELEGRAM = "7012345678:AAEhBP0av28wWq9k3TtCGgxyz0123456789"
SLACK = "xoxb-1234567890-abcdefghij"
SLACK_APP = "xapp-1-A0123-456789-abcdef"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """A fresh log, and the test runner's own logging back in place afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = io.StringIO()
    logs.configure("info", "json", stream)
    yield stream
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def events(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_has_its_time_in_utc_its_level_and_its_module(stream: io.StringIO) -> None:
    logs.get("bridge.turn").info("turn.ended", turn=7)
    (event,) = events(stream)
    assert (event["event"], event["turn"]) == ("turn.ended", 7)
    assert (event["level"], event["logger"]) == ("info", "bridge.turn")
    assert event["timestamp"].endswith("Z")


def test_libraries_take_the_same_way_out(stream: io.StringIO) -> None:
    logging.getLogger("some.library").warning("%s of %s", 1, 2)
    (event,) = events(stream)
    assert (event["event"], event["level"]) == ("1 of 2", "warning")


@pytest.mark.parametrize("token", [COZE, TELEGRAM, SLACK, SLACK_APP])
def test_tokens_are_hidden_wherever_they_are(stream: io.StringIO, token: str) -> None:
    log = logs.get("x")
    log.info(f"asked with {token}.", header=token, nested={"list": [f"<{token}>"]})
    logging.getLogger("httpcore").warning("GET /token/%s/x", token)
    try:
        raise ValueError(f"refused: {token}")
    except ValueError as error:
        log.exception("failed", error=error)
    assert len(events(stream)) == 3
    assert token not in stream.getvalue()
    assert stream.getvalue().count(logs.HIDDEN) >= 6


def test_telegrams_addresses_carry_the_token_and_lose_it_here(stream: io.StringIO) -> None:
    logs.get("x").warning("failed", url=f"https://api.telegram.org/bot{TELEGRAM}/getMe")
    assert events(stream)[0]["url"] == f"https://api.telegram.org/bot{logs.HIDDEN}/getMe"


def test_unknown_tokens_are_hidden_behind_bearer(stream: io.StringIO) -> None:
    logs.get("x").info("sent", headers="{'authorization': 'Bearer hunter2', 'host': 'x'}")
    assert "hunter2" not in stream.getvalue()
    assert "'host': 'x'" in stream.getvalue()


@pytest.mark.parametrize("who", ["user:hunter2", ":hunter2", "user:hunt@er2", "user:hunter2:@"])
def test_passwords_in_database_urls_are_hidden(who: str) -> None:
    assert logs.redact(f"postgresql://{who}@db/x") == f"postgresql://{logs.HIDDEN}@db/x"


@pytest.mark.parametrize(
    "harmless",
    [
        "conversation 7342866812345678901",
        "2026-11-20T03:54:49.694650Z",
        "http://127.0.0.1:8080/web/chat",
        "the path_of_least_resistance",
        "telegram:12345",
    ],
)
def test_what_only_resembles_a_token_stays(harmless: str) -> None:
    assert logs.redact(harmless) == harmless


def test_requests_of_http_libraries_are_not_news(stream: io.StringIO) -> None:
    for name in ("httpx", "httpcore.connection", "aiohttp.access"):
        logging.getLogger(name).info("GET /")
    assert stream.getvalue() == ""


def test_what_people_wrote_is_not_logged_where_an_answer_was_cut_short(
    stream: io.StringIO,
) -> None:
    with pytest.raises(TelegramError):
        BaseRequest.parse_json_payload(b'{"result": [{"message": {"text": "between us')
    assert stream.getvalue() == ""


def test_level_holds_for_loggers_made_earlier(stream: io.StringIO) -> None:
    log = logs.get("early")
    log.debug("unseen")
    logs.configure("error", "json", stream)
    log.warning("unseen")
    log.error("seen")
    assert [event["event"] for event in events(stream)] == ["seen"]


def test_auto_is_json_where_nobody_watches(stream: io.StringIO) -> None:
    logs.configure("info", "auto", stream)
    logs.get("x").info("hello")
    assert events(stream)


def test_console_is_for_people(stream: io.StringIO) -> None:
    logs.configure("info", "console", stream)
    logs.get("x").info("hello", turn=7)
    assert "hello" in stream.getvalue()
    assert "turn=7" in stream.getvalue()
    assert "{" not in stream.getvalue()


class Terminal(io.StringIO):
    """Somebody who watches."""

    def isatty(self) -> bool:
        return True


@pytest.mark.usefixtures("stream")  # it puts things back
@pytest.mark.parametrize(("no_color", "colours"), [("", True), ("1", False)])
def test_who_wants_no_colours_gets_none(
    monkeypatch: pytest.MonkeyPatch, no_color: str, colours: bool
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    terminal = Terminal()
    logs.configure("info", "auto", terminal)
    logs.get("x").info("hello")
    assert "hello" in terminal.getvalue()
    assert ("\x1b[" in terminal.getvalue()) is colours


async def test_every_line_about_a_turn_has_its_number_also_in_tasks_begun_meanwhile(
    stream: io.StringIO,
) -> None:
    async def part() -> None:
        logging.getLogger("some.library").warning("slow")

    with logs.about(turn=7):
        logs.get("x").info("begun")
        await asyncio.create_task(part())
    logs.get("x").info("idle")
    assert [(each["event"], each.get("turn")) for each in events(stream)] == [
        ("begun", 7),
        ("slow", 7),
        ("idle", None),
    ]


def test_the_level_changes_while_it_runs(stream: io.StringIO) -> None:
    log = logs.get("x")
    logs.set_level("debug")
    log.debug("seen")
    logging.getLogger("httpx").debug("GET /")  # whose lines may hold a token stay out
    logs.set_level("warning")
    log.info("unseen")
    assert [each["event"] for each in events(stream)] == ["seen"]
