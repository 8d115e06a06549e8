"""The least that does the bridge's work: what everything else is measured against.

    python -m bench.floor PLATFORM_URL COZE_URL [--platform slack] [--interval 1.1]

Raw aiohttp on uvloop. It receives, asks `/v3/chat`, posts the first text, edits once per
interval, and edits a last time at the end; on Slack these are the beginning of a stream, additions
to it, and its end. It has no database, no limits, no retries and no rendering, and it forgets
everything when it ends; so nobody can be faster, and nobody should run it.
"""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import aiohttp
import uvloop

from bench import slack_world, telegram_world

ANSWER = b"event:conversation.message.delta"

Place: TypeAlias = tuple[str, str]  # a chat, and a thread in it if the platform has any


class Mouth(Protocol):
    """One platform."""

    def messages(self) -> AsyncIterator[tuple[Place, str]]: ...

    async def show(self, place: Place, message: str, text: str, shown: int, over: bool) -> str:
        """Post, or change the message of that number; returns its number.

        shown: how much of the text stands there already. over: nothing will follow.
        """


@dataclass(frozen=True)
class Telegram:
    session: aiohttp.ClientSession
    url: str

    async def messages(self) -> AsyncIterator[tuple[Place, str]]:
        offset = 0
        while True:
            for update in await self._call("getUpdates", offset=offset, timeout=50):
                offset = update["update_id"] + 1
                message = update["message"]
                yield (str(message["chat"]["id"]), ""), message["text"]

    async def _call(self, method: str, **asked: object) -> Any:
        url = f"{self.url}/bot{telegram_world.BOT_TOKEN}/{method}"
        async with self.session.post(url, json=asked) as response:
            return (await response.json())["result"]

    async def show(self, place: Place, message: str, text: str, shown: int, over: bool) -> str:
        if message and shown == len(text):
            return message
        if message:
            await self._call("editMessageText", chat_id=place[0], message_id=message, text=text)
            return message
        return str((await self._call("sendMessage", chat_id=place[0], text=text))["message_id"])


@dataclass(frozen=True)
class Slack:
    session: aiohttp.ClientSession
    url: str

    async def messages(self) -> AsyncIterator[tuple[Place, str]]:
        url = (await self._call("apps.connections.open", slack_world.APP_TOKEN))["url"]
        async with self.session.ws_connect(url) as socket:
            async for frame in socket:
                envelope = json.loads(frame.data)
                if "envelope_id" not in envelope:
                    continue
                await socket.send_str(json.dumps({"envelope_id": envelope["envelope_id"]}))
                event = envelope["payload"]["event"]
                place = event["channel"], event.get("thread_ts", event["ts"])
                yield place, event["text"]

    async def _call(self, method: str, token: str = slack_world.BOT_TOKEN, **asked: str) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{self.url}/api/{method}"
        async with self.session.post(url, json=asked, headers=headers) as response:
            return await response.json()

    async def show(self, place: Place, message: str, text: str, shown: int, over: bool) -> str:
        channel, thread = place
        if not message:
            method = "chat.postMessage" if over else "chat.startStream"
            told = await self._call(method, channel=channel, thread_ts=thread, markdown_text=text)
            return str(told["ts"])
        method = "chat.stopStream" if over else "chat.appendStream"
        await self._call(method, channel=channel, ts=message, markdown_text=text[shown:])
        return message


class Floor:
    """interval: seconds between two edits of an answer."""

    def __init__(
        self, session: aiohttp.ClientSession, mouth: Mouth, coze: str, interval: float
    ) -> None:
        self._session = session
        self._mouth = mouth
        self._coze = coze
        self._interval = interval
        self._conversations: dict[Place, str] = {}

    async def run(self) -> None:
        """Receive for ever; each message is a task."""
        tasks = set()
        async for place, text in self._mouth.messages():
            task = asyncio.create_task(self._answer(place, text))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    async def _answer(self, place: Place, text: str) -> None:
        screen = Screen(self._mouth, place, self._interval)
        conversation = await self._conversation(place)
        body = {
            "bot_id": "1",
            "user_id": place[0],
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

    async def _conversation(self, place: Place) -> str:
        if place not in self._conversations:
            url = f"{self._coze}/v1/conversation/create"
            async with self._session.post(url, json={"bot_id": "1"}) as response:
                self._conversations[place] = (await response.json())["data"]["id"]
        return self._conversations[place]


class Screen:
    """One message. It is shown at the first word, once per interval, and at the end."""

    def __init__(self, mouth: Mouth, place: Place, interval: float) -> None:
        self._mouth = mouth
        self._place = place
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
        message, shown, over = "", 0, False
        while not over:
            over, text = self._over.is_set(), self._text
            message = await self._mouth.show(self._place, message, text, shown, over)
            shown = len(text)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._interval):
                    await self._over.wait()


async def main(options: argparse.Namespace) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        mouth = PLATFORMS[options.platform](session, options.url)
        await Floor(session, mouth, options.coze, options.interval).run()


PLATFORMS: Mapping[str, Callable[[aiohttp.ClientSession, str], Mouth]] = {
    "telegram": Telegram,
    "slack": Slack,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url", help="of the platform")
    parser.add_argument("coze")
    parser.add_argument("--platform", choices=PLATFORMS, default="telegram")
    parser.add_argument("--interval", type=float, default=1.1)
    uvloop.run(main(parser.parse_args()))
