"""The loopback platform, which the acceptance tests stand on, keeps the contract itself."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from importlib.metadata import EntryPoint

import pytest

from bridge.adapter import Retracts, ShowsTyping, Sink
from bridge.errors import Gone
from bridge.events import ChatRef, Page
from bridge.platform import Platform
from bridge.testing.contract import AdapterContract, Fault
from bridge.testing.file_contract import FilesContract
from bridge.testing.loopback import (
    BROKEN,
    KICKED,
    MARKUP,
    Loopback,
    SentFile,
    Update,
    Verb,
    flood,
)
from bridge.testing.loopback_adapter import LoopbackAdapter
from bridge.testing.loopback_settings import LoopbackSettings
from bridge.testing.transcript import FakeHost

FAULTS = {
    Fault.RATE_LIMITED: flood(2.5),
    Fault.GONE: KICKED,
    Fault.REJECTED: MARKUP,
    Fault.UNREACHABLE: BROKEN,
}


class Receiver(LoopbackAdapter):
    """Tells whether it is receiving."""

    receiving = False

    async def run(self, sink: Sink) -> None:
        self.receiving = True
        try:
            await super().run(sink)
        finally:
            self.receiving = False


class Double:
    """A person in a private chat, and what she sees."""

    faults = frozenset(FAULTS)
    knows_repeats = False

    def __init__(self, platform: Loopback) -> None:
        settings = LoopbackSettings.model_validate({"url": platform.url})
        self.platform = platform
        self.adapter = Receiver("loop", settings, FakeHost())
        self.chat = ChatRef("loopback", "loop", "anna")

    async def deliver(self, text: str, *, event: str) -> bool:
        update = self.platform.say("anna", text, event=event, offers=1)
        await self._decided(update)
        update.offers = 0
        return update.acknowledged

    async def deliver_file(self, content: bytes, name: str, *, text: str, event: str) -> bool:
        files = [SentFile(name, content)]
        update = self.platform.say("anna", text, event=event, files=files, offers=1)
        await self._decided(update)
        update.offers = 0
        return update.acknowledged

    async def lose_files(self) -> None:
        self.platform.files.clear()

    async def files_shown(self) -> Sequence[bytes]:
        return [each.file.content for each in self.platform.in_chat("anna") if each.file]

    async def _decided(self, update: Update) -> None:
        while self.adapter.receiving and not (update.acknowledged or update.refused):
            await asyncio.sleep(0.001)

    async def shown(self) -> Sequence[str]:
        return self.platform.shown("anna")

    async def fail(self, fault: Fault) -> None:
        for verb in (Verb.SEND, Verb.EDIT, Verb.SEND_FILE):
            self.platform.refuse(verb, FAULTS[fault])


class TestContract(FilesContract, AdapterContract):
    """Everything `bridge.testing.contract` asks."""

    @pytest.fixture
    async def platform(self) -> AsyncIterator[Double]:
        async with Loopback() as platform:
            yield Double(platform)


def test_its_entry_point_is_a_platform() -> None:
    entry = EntryPoint(
        "loopback", "bridge.testing.loopback_settings:PLATFORM", "coze_bridge.adapters"
    )
    assert isinstance(entry.load(), Platform)


async def test_optional_verbs_are_there_and_work() -> None:
    async with Loopback() as platform:
        double = Double(platform)
        adapter = double.adapter
        assert isinstance(adapter, ShowsTyping)
        assert isinstance(adapter, Retracts)
        await adapter.open()
        await adapter.typing(double.chat)
        message = await adapter.send(double.chat, Page("too much"), key="k")
        await adapter.retract(message)
        assert platform.typed == ["anna"]
        assert platform.shown("anna") == []
        with pytest.raises(Gone):
            await adapter.retract(message)
        await adapter.close()
