"""The Slack adapter does everything `bridge.testing.contract` asks, in both modes."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from adapters.slack.settings import SlackSettings
from bridge.adapter import (
    BringsFiles,
    Expires,
    Meters,
    Recalls,
    Retracts,
    SendsFiles,
    ShowsTyping,
)
from bridge.config import ServerSettings
from bridge.events import ChatRef, Page
from bridge.testing.contract import PATIENCE, AdapterContract, Fault
from bridge.testing.file_contract import FilesContract
from bridge.testing.transcript import FakeHost
from bridge.web.server import ServesHttp, serve_http
from tests.platforms.worlds import free_port
from tests.slack import emulator as api
from tests.slack.emulator import Delivery, Emulator, Message, serve
from tests.slack.world import ACCOUNT, Supervised, slack_settings

REFUSALS: dict[Fault, dict[str, object]] = {
    Fault.RATE_LIMITED: {"retry_after": 3},
    Fault.GONE: {"error": "channel_not_found"},
    Fault.REJECTED: {"error": "invalid_blocks"},
    Fault.UNREACHABLE: {"code": 502, "html": api.BAD_GATEWAY},
}
SPEAKING = ("chat.postMessage", "chat.update", "chat.startStream", "chat.stopStream")
SHARING = ("files.getUploadURLExternal",)


class Double:
    """The emulator as the far side of an adapter: one thread in direct messages."""

    faults = frozenset(Fault)
    knows_repeats = False

    def __init__(self, slack: Emulator, adapter: Supervised, root: Message) -> None:
        self.adapter = adapter
        self._slack = slack
        self._seat = slack.person("Ann").dm().in_thread(root)
        self._newest = root
        self._events: dict[str, Delivery] = {}
        slack.deliveries.pauses = (0.0,) * 1_000
        slack.deliveries.patience = 0.2
        slack.files.unseen = 0

    @property
    def chat(self) -> ChatRef:
        place, thread = f"{self._slack.team.id}/{self._seat.id}", self._seat.thread
        return ChatRef("slack", ACCOUNT, place, thread=thread, reply_to=self._newest.ts)

    async def deliver(self, text: str, *, event: str) -> bool:
        deliveries = self._slack.deliveries
        if event not in self._events:
            return await self._told(await self._seat.say(text), event)
        if self._events[event].done:
            self._events[event] = deliveries.add("events_api", self._events[event].payload)
        return await self._acknowledged(self._events[event])

    async def deliver_file(self, content: bytes, name: str, *, text: str, event: str) -> bool:
        return await self._told(await self._seat.share(content, name=name, text=text), event)

    async def _told(self, message: Message, event: str) -> bool:
        self._newest = message
        self._events[event] = self._slack.deliveries.all[-1]
        return await self._acknowledged(self._events[event])

    async def lose_files(self) -> None:
        self._slack.files.all.clear()

    async def files_shown(self) -> Sequence[bytes]:
        return [file.data or b"" for message in self._seat.answers for file in message.files]

    async def _acknowledged(self, delivery: Delivery) -> bool:
        """Yes: it is done. No: it was sent once more, or nobody is there."""
        before = delivery.attempts

        def is_certain(_: object) -> bool:
            again = delivery.attempts > before + 1
            return delivery.done or again or not self.adapter.receiving

        await self._slack.until(is_certain, within=PATIENCE)
        return delivery.acked is not None

    async def shown(self) -> Sequence[str]:
        return [message.text for message in self._seat.answers]

    async def fail(self, fault: Fault) -> None:
        for method in (*SPEAKING, *SHARING):
            self._slack.inject(api.Fault(method, **REFUSALS[fault]))  # type: ignore[arg-type]


@asynccontextmanager
async def double(slack: Emulator) -> AsyncIterator[Double]:
    adapter = Supervised(ACCOUNT, slack_settings(slack), FakeHost())
    yield Double(slack, adapter, await slack.person("Ann").dm().say("hi", silently=True))


class TestSocketMode(FilesContract, AdapterContract):
    """By two connections."""

    @pytest.fixture
    async def platform(self) -> AsyncIterator[Double]:
        async with serve(Emulator()) as slack, double(slack) as platform:
            yield platform


class TestHttp(FilesContract, AdapterContract):
    """Through the built-in server."""

    @pytest.fixture
    async def platform(self) -> AsyncIterator[Double]:
        server = ServerSettings(port=free_port())
        async with (
            serve(Emulator(mode="http")) as slack,
            double(slack) as platform,
            serve_http(server, [platform.adapter]) as url,
        ):
            slack.hooks.url = f"{url}/slack/{ACCOUNT}/events"
            yield platform


def test_every_optional_verb_is_there() -> None:
    settings = SlackSettings.model_validate({"mode": "http"})
    adapter = Supervised(ACCOUNT, settings, FakeHost())
    for verb in (
        ShowsTyping,
        Retracts,
        Meters,
        Expires,
        Recalls,
        BringsFiles,
        SendsFiles,
        ServesHttp,
    ):
        assert isinstance(adapter, verb)


async def test_what_is_retracted_is_gone_and_once_more_is_success() -> None:
    async with serve(Emulator()) as slack, double(slack) as platform:
        await platform.adapter.open()
        async with asyncio.timeout(PATIENCE):
            message = await platform.adapter.send(platform.chat, Page("too much"), key="k")
            assert list(await platform.shown()) == ["too much"]
            await platform.adapter.retract(message)
            await platform.adapter.retract(message)
        assert list(await platform.shown()) == []
        await platform.adapter.close()
