"""The command against the emulator: what is written, when, and how it ends."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from pydantic import SecretStr

from bridge.api import Wishes, Words, call, listing
from bridge.config import CozeSettings, OAuthSettings
from bridge.coze import ClientSettings
from bridge.coze.envelope import Reply
from bridge.coze.exchange import Ask, Attachment, Exchange
from bridge.coze.oauth import OAuth, ServiceKey
from bridge.emulator import (
    DEMO_BOT_ID,
    DEMO_TOKEN,
    DEMO_WORKSPACE_ID,
    Cut,
    Drop,
    Emulator,
    OAuthApp,
    Scenario,
    Trouble,
    serve,
)
from bridge.errors import (
    BridgeError,
    Exhausted,
    Misconfigured,
    Permanent,
    Unauthorised,
    Unreachable,
)

QUESTION = {"role": "user", "content": "12*7", "content_type": "text"}
ASKING = {
    "bot_id": DEMO_BOT_ID,
    "user_id": "u",
    "stream": True,
    "additional_messages": [QUESTION],
}
CHAT = Words("POST", "/v3/chat", data=json.dumps(ASKING))
SCRIPT = Wishes(for_script=True)


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with serve(Emulator(pace=0)) as emulator:
        yield emulator


@dataclass
class Terminal:
    """What was written, and how much of the chat was over at each line."""

    emulator: Emulator
    token: str = DEMO_TOKEN
    lines: list[str] = field(default_factory=list)
    chat_was_over: list[bool] = field(default_factory=list)

    def write(self, line: str) -> None:
        self.lines.append(line)
        asked = self.emulator.asked
        self.chat_was_over.append(bool(asked) and asked[-1].finished_at is not None)

    async def call(self, words: Words, wishes: Wishes = SCRIPT) -> list[Any]:
        settings = CozeSettings(base_url=self.emulator.url, token=SecretStr(self.token))
        await call(settings, words, wishes, self.write)
        return [json.loads(line) for line in self.lines]

    async def refused(self, words: Words, wishes: Wishes = SCRIPT) -> BridgeError:
        with pytest.raises(BridgeError) as refused:
            await self.call(words, wishes)
        return refused.value


@pytest.fixture
def terminal(emulator: Emulator) -> Terminal:
    return Terminal(emulator)


async def test_an_answer_is_one_line_for_a_script_and_indented_for_a_person(
    terminal: Terminal,
) -> None:
    bot = Words("GET", f"/v1/bots/{DEMO_BOT_ID}")
    (answer,) = await terminal.call(bot)
    assert answer["data"]["bot_id"] == DEMO_BOT_ID
    assert "\n" not in terminal.lines[0]
    terminal.lines.clear()
    (again,) = await terminal.call(bot, Wishes())
    assert again["data"] == answer["data"]
    assert "\n  " in terminal.lines[0]


async def test_a_stream_is_written_as_it_arrives(terminal: Terminal) -> None:
    terminal.emulator.pace = 0.01
    events = await terminal.call(CHAT)
    assert events[0]["event"] == "conversation.chat.created"
    assert events[0]["data"]["status"] == "created"
    assert events[-1] == {"event": "done", "data": "[DONE]"}
    assert terminal.chat_was_over[0] is False


async def test_a_stream_for_a_person_has_the_name_of_each_event(terminal: Terminal) -> None:
    settings = CozeSettings(base_url=terminal.emulator.url, token=SecretStr(DEMO_TOKEN))
    await call(settings, CHAT, Wishes(), terminal.write)
    assert terminal.lines[0].startswith('conversation.chat.created: {"id":')
    assert terminal.lines[-1] == 'done: "[DONE]"'


async def test_no_is_written_and_raised(terminal: Terminal) -> None:
    error = await terminal.refused(Words("GET", "/v1/bots/77"))
    (line,) = terminal.lines
    answer = json.loads(line)
    assert answer["code"] == 4006
    assert isinstance(error, Permanent)
    assert answer["detail"]["logid"] in str(error)


@pytest.mark.parametrize(
    ("scenario", "kind", "written"),
    [
        (Scenario(refuse=Trouble(4008, "quota")), Exhausted, 1),
        (Scenario(refuse=Trouble(0, raw="<html>Bad Gateway", status=502)), Unreachable, 0),
        (Scenario(drop=Drop.UNASKED), Unreachable, 0),
        (Scenario(fail=Trouble(5000, "event interval error")), Permanent, 4),
        (Scenario(error=Trouble(5000, "oh"), fail_after=0), Permanent, 3),
        (Scenario(drop=Drop.HEADERS), Unreachable, 0),
        (Scenario(cut=Cut.RESET, cut_after=1), Unreachable, 3),
    ],
    ids=["refused", "page", "dropped", "failed", "error", "empty", "cut"],
)
async def test_every_way_to_say_no(
    terminal: Terminal, scenario: Scenario, kind: type[BridgeError], written: int
) -> None:
    terminal.emulator.install(scenario)
    assert isinstance(await terminal.refused(CHAT), kind)
    assert len(terminal.lines) >= written
    assert bool(terminal.lines) == bool(written)


async def test_nothing_is_sent_twice(terminal: Terminal) -> None:
    terminal.emulator.install(Scenario(refuse=Trouble(4009, "busy")))
    await terminal.refused(CHAT)
    assert terminal.emulator.calls["POST /v3/chat"] == 1


async def test_a_wrong_token(terminal: Terminal) -> None:
    terminal.token = "pat_wrong"
    assert isinstance(await terminal.refused(CHAT), Unauthorised)
    assert json.loads(terminal.lines[0])["code"] == 4101


async def test_a_token_that_coze_repeats_is_left_out(terminal: Terminal) -> None:
    terminal.emulator.install(Scenario(refuse=Trouble(4100, f"bad token {DEMO_TOKEN}!")))
    error = await terminal.refused(CHAT)
    assert "bad token …!" in terminal.lines[0]
    assert "bad token …!" in str(error)
    assert DEMO_TOKEN not in f"{terminal.lines} {error}"


async def test_mistakes_are_told_before_anything_is_sent(terminal: Terminal) -> None:
    for words, wishes in (
        (Words("GET", "/v1/botz"), SCRIPT),
        (Words("GET", f"/v1/bots/{DEMO_BOT_ID}"), Wishes(paginate=True)),
        (Words("GET", f"/v1/bots/{DEMO_BOT_ID}"), Wishes(user="anna")),
        (Words("POST", "/v1/audio/speech", data='{"input": "x", "voice_id": "1"}'), SCRIPT),
    ):
        assert isinstance(await terminal.refused(words, wishes), Misconfigured)
    assert sum(terminal.emulator.calls.values()) == 0


async def test_a_file_is_uploaded_under_its_name(terminal: Terminal, tmp_path: Path) -> None:
    picture = tmp_path / "冬 天.png"
    picture.write_bytes(b"\x89PNG" + bytes(300_000))
    (answer,) = await terminal.call(Words("POST", "/v1/files/upload", form=[f"file=@{picture}"]))
    assert answer["data"]["file_name"] == "冬 天.png"
    assert answer["data"]["bytes"] == 300_004


async def test_speech_goes_into_a_file(terminal: Terminal, tmp_path: Path) -> None:
    speech = Words("POST", "/v1/audio/speech", data='{"input": "hi", "voice_id": "1"}')
    output = tmp_path / "speech.mp3"
    (saved,) = await terminal.call(speech, Wishes(for_script=True, output=output))
    assert saved == {
        "code": 0,
        "file": str(output),
        "bytes": output.stat().st_size,
        "type": "audio/mpeg",
    }


async def test_all_pages_are_one_answer(terminal: Terminal) -> None:
    for number in range(5):
        body = {"space_id": DEMO_WORKSPACE_ID, "name": f"bot {number}"}
        await terminal.call(Words("POST", "/v1/bot/create", data=json.dumps(body)))
    terminal.lines.clear()
    query = [f"workspace_id={DEMO_WORKSPACE_ID}", "publish_status=all", "page_size=2"]
    words = Words("GET", "/v1/bots", query=query)
    (answer,) = await terminal.call(words, Wishes(paginate=True, for_script=True))
    assert len({item["id"] for item in answer["data"]["items"]}) == 6
    assert terminal.emulator.calls["GET /v1/bots"] == 3


async def test_all_messages_of_a_conversation(terminal: Terminal) -> None:
    await terminal.call(CHAT)
    conversation = terminal.emulator.asked[0].conversation_id
    for number in range(4):
        body = {"role": "user", "content": f"note {number}", "content_type": "text"}
        query = [f"conversation_id={conversation}"]
        words = Words("POST", "/v1/conversation/message/create", query, json.dumps(body))
        await terminal.call(words)
    terminal.lines.clear()
    words = Words("POST", "/v1/conversation/message/list", query, '{"limit": 2}')
    (answer,) = await terminal.call(words, Wishes(paginate=True, for_script=True))
    assert len(answer["data"]) == 6
    assert answer["has_more"] is False


async def test_no_on_a_later_page_is_no(terminal: Terminal) -> None:
    terminal.emulator.install(Scenario(endpoint="/v1/bots", refuse=Trouble(5000, "oh")))
    words = Words("GET", "/v1/bots", query=["workspace_id=1"])
    error = await terminal.refused(words, Wishes(paginate=True, for_script=True))
    assert "oh" in str(error)
    assert json.loads(terminal.lines[0])["code"] == 5000


# Who asks

KEY = RSAKey.generate_key(2048)
APP = OAuthApp("app-1", "fingerprint", KEY.as_pem(private=False).decode())
PEM = KEY.as_pem(private=True).decode()


async def test_a_call_on_behalf_of_one_user() -> None:
    async with serve(Emulator(pace=0, oauth_apps=[APP])) as emulator:
        oauth = OAuthSettings(
            client_id="app-1",
            public_key_id="fingerprint",
            private_key=SecretStr(PEM),
            per_user=True,
        )
        settings = CozeSettings(base_url=emulator.url, oauth=oauth)
        lines: list[str] = []
        create = Words("POST", "/v1/conversation/create")
        await call(settings, create, Wishes(for_script=True, user="anna"), lines.append)
        hers = json.loads(lines[-1])["data"]["id"]
        retrieve = Words("GET", "/v1/conversation/retrieve", query=[f"conversation_id={hers}"])
        await call(settings, retrieve, Wishes(for_script=True, user="anna"), lines.append)
        assert json.loads(lines[-1])["data"]["id"] == hers
        with pytest.raises(Permanent):
            await call(settings, retrieve, SCRIPT, lines.append)


async def test_a_refused_token_is_replaced_and_the_file_sent_again(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(b"\x89PNG")
    upload = Ask("POST", "/v1/files/upload", files=[Attachment("file", picture)])
    settings = ClientSettings()
    async with (
        serve(Emulator(pace=0, oauth_apps=[APP])) as emulator,
        aclosing(OAuth(emulator.url, ServiceKey.read("app-1", "fingerprint", PEM))) as service,
    ):
        exchange = Exchange(emulator.url, service, settings)
        emulator.keyring.revoke(await service.token())
        async with exchange.send(upload) as answer:
            assert isinstance(answer, Reply)
            assert json.loads(answer.body)["data"]["bytes"] == 4
        await exchange.aclose()
        assert emulator.calls["POST /v1/files/upload"] == 2
        assert len(set(exchange.tokens)) == 2


# The list


def test_the_list_tells_everything_in_one_line_each() -> None:
    lines = list(listing([], for_script=False))
    assert len(lines) == 83
    assert "GET    /v1/bots  List the agents of a workspace" in lines


def test_a_narrowed_list_has_the_parameters() -> None:
    (shown,) = listing(["POST", "/v1/files/upload"], for_script=False)
    assert shown == "POST   /v1/files/upload  Upload a file\n       -F file* (file)"


def test_the_list_for_a_script_is_json() -> None:
    (line,) = listing(["/v3/chat/cancel"], for_script=True)
    assert json.loads(line) == {
        "method": "POST",
        "path": "/v3/chat/cancel",
        "about": "Stop an answer",
        "query": [],
        "body": ["chat_id*", "conversation_id*"],
        "form": [],
    }


def test_a_list_of_nothing_is_a_mistake() -> None:
    with pytest.raises(Misconfigured, match="no endpoint of Coze"):
        list(listing(["nonsense"], for_script=False))
