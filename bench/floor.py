"""The least that does the bridge's work: what everything else is measured against.

    python -m bench.floor TELEGRAM_URL COZE_URL [--interval 1.1]

Raw aiohttp on uvloop. It receives, asks `/v3/chat`, posts the first text, edits once per
interval, and edits a last time at the end. It has no database, no limits, no retries and no
rendering, and it forgets everything when it ends; so nobody can be faster, and nobody should
run it.
"""

import argparse
import asyncio
import json
from contextlib import suppress
from typing import Any

import aiohttp
import uvloop

from bench.world import BOT_TOKEN

ANSWER = b"event:conversation.message.delta"


class Floor:
    """interval: seconds between two edits of an answer."""

    def __init__(
        self, session: aiohttp.ClientSession, telegram: str, coze: str, interval: float
    ) -> None:
        self._session = session
        self._telegram = f"{telegram}/bot{BOT_TOKEN}"
        self._coze = coze
        self._interval = interval
        self._conversations: dict[int, str] = {}

    async def run(self) -> None:
        """Receive for ever; each message is a task."""
        offset, tasks = 0, set()
        while True:
            for update in await self._call("getUpdates", offset=offset, timeout=50):
                offset = update["update_id"] + 1
                message = update["message"]
                task = asyncio.create_task(self._answer(message["chat"]["id"], message["text"]))
                tasks.add(task)
                task.add_done_callback(tasks.discard)

    async def _call(self, method: str, **asked: object) -> Any:
        async with self._session.post(f"{self._telegram}/{method}", json=asked) as response:
            return (await response.json())["result"]

    async def _answer(self, chat: int, text: str) -> None:
        screen = Screen(self, chat, self._interval)
        conversation = await self._conversation(chat)
        body = {
            "bot_id": "1",
            "user_id": str(chat),
            "stream": True,
            "additional_messages": [{"role": "user", "content": text, "content_type": "text"}],
        }
        url, query = f"{self._coze}/v3/chat", {"conversation_id": conversation}
        async with self._session.post(url, params=query, json=body) as response:
            rest = b""
            async for chunk in response.content.iter_any():
                *blocks, rest = (rest + chunk).split(b"\n\n")
                for block in blocks:
                    name, _, data = block.partition(b"\ndata:")
                    if name == ANSWER:
                        screen.add(json.loads(data)["content"])
        await screen.end()

    async def _conversation(self, chat: int) -> str:
        if chat not in self._conversations:
            url = f"{self._coze}/v1/conversation/create"
            async with self._session.post(url, json={"bot_id": "1"}) as response:
                self._conversations[chat] = (await response.json())["data"]["id"]
        return self._conversations[chat]

    async def show(self, chat: int, message: int, text: str) -> int:
        """Post or edit; returns the message's number."""
        if not message:
            return int((await self._call("sendMessage", chat_id=chat, text=text))["message_id"])
        await self._call("editMessageText", chat_id=chat, message_id=message, text=text)
        return message


class Screen:
    """One message. It is shown at the first word, once per interval, and at the end."""

    def __init__(self, floor: Floor, chat: int, interval: float) -> None:
        self._floor = floor
        self._chat = chat
        self._interval = interval
        self._text = ""
        self._over = asyncio.Event()
        self._showing: asyncio.Task[None] | None = None

    def add(self, text: str) -> None:
        """Take a delta."""
        self._text += text
        if self._showing is None:
            self._showing = asyncio.create_task(self._show())

    async def end(self) -> None:
        """Show the whole text."""
        self._over.set()
        if self._showing is not None:
            await self._showing

    async def _show(self) -> None:
        message = shown = 0
        while not self._over.is_set() or shown < len(self._text):
            shown = len(self._text)
            message = await self._floor.show(self._chat, message, self._text)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._interval):
                    await self._over.wait()


async def main(options: argparse.Namespace) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        await Floor(session, options.telegram, options.coze, options.interval).run()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("telegram")
    parser.add_argument("coze")
    parser.add_argument("--interval", type=float, default=1.1)
    uvloop.run(main(parser.parse_args()))
