"""The daemon between a Telegram and a Coze, both emulated over real HTTP."""

import asyncio
import json
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from daemon_process import LOOK, PATIENCE, Daemon, answer_to, eventually, variables

from bridge.emulator import DEMO_BOT_ID, DEMO_TOKEN
from bridge.emulator import Emulator as Coze
from tests.telegram.emulator import Call, Chat, Emulator, Message

Mode = Literal["polling", "webhook"]
DATABASE = "bridge.db"


@dataclass
class TelegramWorld:
    """Both far sides, which judge, and the daemons a test starts between them."""

    telegram: Emulator
    coze: Coze
    folder: Path
    daemons: list[Daemon] = field(default_factory=list)

    @property
    def database(self) -> Path:
        return self.folder / DATABASE

    def daemon(self, mode: Mode = "polling", **settings: str) -> Daemon:
        """A daemon of this world, not started yet. `settings`: A__B="c"."""
        port = free_port() if mode == "webhook" else 0
        defaults = {
            "coze__base_url": self.coze.url,
            "coze__token": DEMO_TOKEN,
            "agents__default__bot_id": DEMO_BOT_ID,
            "adapters__telegram__token": self.telegram.token,
            "adapters__telegram__api_base_url": self.telegram.url,
            "adapters__telegram__mode": mode,
            "sessions__merge_window": "0",
            "database__url": f"sqlite:///{self.database}",
            "server__port": str(port),
            "server__public_url": f"http://127.0.0.1:{port}" if port else "",
            "log__format": "json",
        }
        name = f"daemon{len(self.daemons)}"
        daemon = Daemon(name, self.folder, variables({**defaults, **settings}))
        self.daemons.append(daemon)
        return daemon

    def chat(self, number: int) -> Chat:
        """The private chat of a person."""
        return self.telegram.person(number).chat()

    async def say(self, number: int, *texts: str) -> None:
        for text in texts:
            await self.telegram.person(number).chat().say(text)

    def questions(self) -> list[str]:
        """What Coze was asked and accepted, in order."""
        return [asked.text for asked in self.coze.asked]

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


def finished(messages: Iterable[Message]) -> list[str]:
    """The texts, with an ellipsis after those that still have their stop button."""
    return [f"{m.text} …" if m.buttons else m.text for m in messages]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
            await asyncio.sleep(LOOK)
