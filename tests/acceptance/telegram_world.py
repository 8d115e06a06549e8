"""The daemon between a Telegram and a Coze, both emulated over real HTTP."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from daemon_process import ASK, PATIENCE, Daemon, Stage, answer_to, eventually

from tests.platforms.worlds import free_port
from tests.telegram.emulator import Call, Chat, Emulator, Message

Mode = Literal["polling", "webhook"]


@dataclass
class TelegramWorld(Stage):
    """Telegram on the other side, which judges as well."""

    telegram: Emulator

    def daemon(self, mode: Mode = "polling", **settings: str) -> Daemon:
        """A daemon of this world, not started yet. `settings`: A__B="c"."""
        port = free_port() if mode == "webhook" else 0
        account = {
            "adapters__telegram__token": self.telegram.token,
            "adapters__telegram__api_base_url": self.telegram.url,
            "adapters__telegram__mode": mode,
        }
        return self.add({**account, **settings}, port=port)

    def chat(self, number: int) -> Chat:
        """The private chat of a person."""
        return self.telegram.person(number).chat()

    async def say(self, number: int, *texts: str) -> None:
        for text in texts:
            await self.telegram.person(number).chat().say(text)

    async def answered(self, number: int, *questions: str, within: float = PATIENCE) -> None:
        """Wait until exactly the answers to these stand in the chat, finished."""
        wanted = [answer_to(question) for question in questions]
        chat = self.chat(number)
        try:
            await eventually(lambda: finished(chat.answers) == wanted, within=within)
        except AssertionError as error:
            raise AssertionError(f"after {within:.0f} s: {chat}") from error

    def calls(self, *methods: str, chat: int | None = None) -> list[Call]:
        return self.telegram.journal.of(*methods, chat=chat)

    def told(self) -> int:
        """How many updates the bot has not confirmed."""
        return len(self.telegram.inbox.pending)


def is_growing(message: Message) -> bool:
    """Whether it still has its stop button; other buttons stay."""
    return any(button.data == "/stop" for button in message.buttons)


def finished(messages: Iterable[Message]) -> list[str]:
    """The texts, with an ellipsis after those that still have their stop button."""
    return [f"{m.text} …" if is_growing(m) else m.text for m in messages]


async def readiness(daemon: Daemon) -> dict[str, str]:
    """What /readyz complains about; empty when all is well."""
    status, body = await daemon.get("/readyz")
    problems: dict[str, str] = json.loads(body).get("problems", {})
    assert bool(problems) == (status == 503), body
    return problems


async def until_ready(daemon: Daemon, *, within: float) -> None:
    """Wait for /readyz to be content. Raises `TimeoutError`."""
    async with asyncio.timeout(within):
        await daemon.ready()
        while await readiness(daemon):
            await asyncio.sleep(ASK)
