"""What one edit costs: from a snapshot of an answer to the platform's word that it is shown.

    python -m bench.edit

CPU of this process alone. The platform is another process, which says yes to everything; each
snapshot is five characters longer than the one before, and no limit is in the way. Beside it the
least that shows a text: one POST through aiohttp, as in `bench/floor.py`.
"""

import argparse
import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
import uvloop
from aiohttp import web

from adapters.slack.adapter import SlackAdapter
from adapters.slack.settings import SlackSettings
from adapters.telegram.adapter import TelegramAdapter
from adapters.telegram.settings import TelegramSettings
from bench.processes import free_port, module, wait_for
from bench.text import answer
from bridge.adapter import Adapter
from bridge.config import AgentSettings
from bridge.events import ChatKind, ChatRef, Inbound, User
from bridge.flow.pacing import Pacer, Priority
from bridge.line import Line
from bridge.render import Renderer
from bridge.store.sessions import Session
from bridge.store.turns import Turn, TurnKind, TurnState
from bridge.testing.transcript import FakeHost
from bridge.text.reply import Answer, Reply, State
from bridge.verbs import verbs

LONGEST = 1_200  # characters
EDITS = 100
NOW = datetime(2026, 11, 1, tzinfo=UTC)
TOKEN = "123456:bench"
TELEGRAM = ChatRef("telegram", "telegram", "5")
SLACK = ChatRef("slack", "slack", "T1/D1", thread="1.1", kind=ChatKind.PRIVATE, reply_to="1.2")
SHOWN = {"message_id": 7, "date": 1, "chat": {"id": 5, "type": "private"}, "text": answer(LONGEST)}
YES = json.dumps(
    {"ok": True, "result": SHOWN, "ts": "1.3", "team_id": "T1", "user_id": "U1", "bot_id": "B1"}
).encode()


def turn(chat: ChatRef) -> Turn:
    event = Inbound(event_id="1", chat=chat, user=User("5"), text="?", sent_at=NOW)
    return Turn(
        id=1,
        lane="lane",
        fence=1,
        kind=TurnKind.MESSAGE,
        state=TurnState.RECEIVED,
        events=(event,),
        question=None,
        trace=None,
        attempts=1,
        failures=0,
        retries=0,
        created_at=NOW,
        asked_at=None,
    )


class Growing:
    """One answer in one chat, shown as the screen shows it."""

    def __init__(self, adapter: Adapter, chat: ChatRef) -> None:
        self._moment = 0.0
        self._line = Line(verbs(adapter), chat, Pacer(lambda: self._moment))
        self._agents = {"default": AgentSettings.model_validate({"bot_id": "1"})}
        self._render = Renderer(self._agents, {chat.account: adapter.caps})
        self._turn, self._session = turn(chat), Session("lane", "default", "uid")
        self._message: str | None = None

    async def show(self, text: str, state: State = State.STREAMING) -> None:
        """Post or edit, some minutes after the time before."""
        self._moment += 600
        reply = Reply(answers=(Answer("m", text),), state=state)
        (page,) = self._render(self._turn, self._session, reply)
        if await self._line.claim(Priority.FIRST, self._message, final=page.final) > 0:
            raise RuntimeError("a limit is in the way")
        if self._message is None:
            self._message = await self._line.send(page, "turn-1/0")
        else:
            await self._line.edit(self._message, page)


async def milliseconds(show: Callable[[str], Awaitable[object]]) -> float:
    """CPU of an edit, the median of many."""
    took = []
    for number in range(EDITS):
        text = answer(LONGEST - 5 * (EDITS - number))
        began = time.process_time()
        await show(text)
        took.append(time.process_time() - began)
    return sorted(took)[EDITS // 2] * 1000


@asynccontextmanager
async def telegram(url: str) -> AsyncIterator[Growing]:
    settings = TelegramSettings.model_validate({"token": TOKEN, "api_base_url": url})
    adapter = TelegramAdapter("telegram", settings, FakeHost())
    await adapter.open()
    yield Growing(adapter, TELEGRAM)
    await adapter.close()


@asynccontextmanager
async def slack(url: str, stream: str) -> AsyncIterator[Growing]:
    given = {"bot_token": "xoxb-bench", "app_token": "xapp-bench", "stream": stream}
    settings = SlackSettings.model_validate({**given, "api_base_url": f"{url}/api/"})
    adapter = SlackAdapter("slack", settings, FakeHost())
    await adapter.open()
    yield Growing(adapter, SLACK)
    await adapter.close()


async def floor(url: str) -> float:
    async with aiohttp.ClientSession() as session:

        async def show(text: str) -> None:
            asked = {"chat_id": 5, "message_id": 7, "text": text}
            async with session.post(f"{url}/bot{TOKEN}/editMessageText", json=asked) as response:
                await response.json()

        return await milliseconds(show)


async def main(url: str) -> None:
    least = await floor(url)
    print(f"{'milliseconds of CPU an edit':30}{least:8.3f} at least")
    for name, opened in (
        ("Telegram", telegram(url)),
        ("Slack, a stream", slack(url, "auto")),
        ("Slack, edits", slack(url, "edit")),
    ):
        async with opened as growing:
            took = await milliseconds(growing.show)
            began = time.process_time()
            await growing.show(answer(LONGEST), State.COMPLETE)
            last = (time.process_time() - began) * 1000
        print(f"{name:30}{took:8.3f}{took / least:6.1f} times that{last:10.3f} the last one")


async def agree(request: web.BaseRequest) -> web.Response:
    await request.read()
    return web.Response(body=YES, content_type="application/json")


async def serve(port: int) -> None:
    runner = web.ServerRunner(web.Server(agree))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


@contextmanager
def platform() -> Any:
    port = free_port()
    with module("bench.edit", "--serve", str(port)):
        url = f"http://127.0.0.1:{port}"
        wait_for(url)
        yield url


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--serve", type=int, metavar="PORT")
    if port := parser.parse_args().serve:
        uvloop.run(serve(port))
    else:
        with platform() as url:
            uvloop.run(main(url))
