"""The Telegram adapter does everything `bridge.testing.contract` asks, in both modes."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from bridge.adapter import BringsFiles, Retracts, SendsFiles, ShowsDrafts, ShowsTyping
from bridge.config import ServerSettings
from bridge.events import ChatRef, Page
from bridge.testing.contract import PATIENCE, AdapterContract, Fault
from bridge.testing.file_contract import FilesContract
from bridge.web.server import ServesHttp, serve_http
from tests.platforms.worlds import free_port
from tests.telegram import emulator as api
from tests.telegram.emulator.inbox import Update
from tests.telegram.world import ACCOUNT, LentHost, Supervised, telegram_settings

pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")

ANNA = 1001
REFUSALS = {
    Fault.RATE_LIMITED: {"retry_after": 3},
    Fault.GONE: {"code": 403, "description": "Forbidden: bot was blocked by the user"},
    Fault.REJECTED: {"code": 400, "description": "Bad Request: can't parse entities: x"},
    Fault.UNREACHABLE: {"code": 502, "html": api.BAD_GATEWAY},
}


class Double:
    """The emulator as the far side of an adapter."""

    faults = frozenset(Fault)
    knows_repeats = False
    chat = ChatRef("telegram", ACCOUNT, str(ANNA))

    def __init__(self, telegram: api.Emulator, adapter: Supervised) -> None:
        self.adapter = adapter
        self._telegram = telegram
        self._anna = telegram.person(ANNA, "Anna").chat()
        self._events: dict[str, Update] = {}

    async def deliver(self, text: str, *, event: str) -> bool:
        inbox = self._telegram.inbox
        if event not in self._events:
            await self._anna.say(text)
            self._events[event] = inbox.pending[-1]
        elif self._events[event] not in inbox.pending:
            message = self._events[event].body["message"]
            assert isinstance(message, dict)
            inbox.put("message", message, self._anna.lane)
            self._events[event] = inbox.pending[-1]
        return await self._acknowledged(self._events[event])

    async def _acknowledged(self, update: Update) -> bool:
        """Gone from the server: yes. Handed out again, refused, or nobody there: no."""
        before = self._handed_out(update)

        def is_certain(_: object) -> bool:
            again = self._handed_out(update) > before + 1 or update.failures > 0
            return update not in self._telegram.inbox.pending or again or not self._is_heard()

        update.failures = 0
        await self._telegram.until(is_certain, within=PATIENCE)
        return update not in self._telegram.inbox.pending

    def _handed_out(self, update: Update) -> int:
        return sum(each is update for each in self._telegram.inbox.delivered)

    def _is_heard(self) -> bool:
        return self.adapter.receiving

    async def deliver_file(self, content: bytes, name: str, *, text: str, event: str) -> bool:
        await self._anna.document(content, name=name, mime="", caption=text)
        self._events[event] = self._telegram.inbox.pending[-1]
        return await self._acknowledged(self._events[event])

    async def lose_files(self) -> None:
        for message in self._anna.visible:
            self._telegram.files.forget(self._telegram.files.of(message))

    async def files_shown(self) -> Sequence[bytes]:
        return [self._telegram.files.of(message).data for message in self._anna.answers]

    async def shown(self) -> Sequence[str]:
        return [message.text for message in self._anna.answers]

    async def fail(self, fault: Fault) -> None:
        for method in ("sendMessage", "editMessageText", "sendDocument"):
            self._telegram.inject(api.Fault(method, **REFUSALS[fault]))  # type: ignore[arg-type]


class TestPolling(FilesContract, AdapterContract):
    """By long polling."""

    @pytest.fixture
    async def platform(self, telegram: api.Emulator) -> Double:
        settings = telegram_settings(telegram.url)
        return Double(telegram, Supervised(ACCOUNT, settings, LentHost()))


class TestWebhook(FilesContract, AdapterContract):
    """Through the built-in server."""

    @pytest.fixture
    async def platform(self, telegram: api.Emulator) -> AsyncIterator[Double]:
        telegram.webhook.first_pause = 0.05
        server = ServerSettings(port=free_port())
        host = LentHost(f"http://{server.host}:{server.port}")
        adapter = Supervised(ACCOUNT, telegram_settings(telegram.url, mode="webhook"), host)
        async with serve_http(server, [adapter]):
            yield Double(telegram, adapter)


def test_every_optional_verb_is_there() -> None:
    adapter = Supervised(ACCOUNT, telegram_settings("http://127.0.0.1:9"), LentHost())
    for verb in (ShowsTyping, ShowsDrafts, Retracts, ServesHttp, BringsFiles, SendsFiles):
        assert isinstance(adapter, verb)


async def test_what_is_retracted_is_gone_and_once_more_is_success(telegram: api.Emulator) -> None:
    anna = telegram.person(ANNA).chat()
    adapter = Supervised(ACCOUNT, telegram_settings(telegram.url), LentHost())
    await adapter.open()
    async with asyncio.timeout(PATIENCE):
        message = await adapter.send(Double.chat, Page("too much", final=True), key="k")
        assert anna.texts(anna.answers) == ["too much"]
        await adapter.retract(message)
        await adapter.retract(message)
    assert anna.answers == []
    await adapter.close()
