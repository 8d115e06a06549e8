# ruff: noqa: S101 - a test suite asserts, wherever it lives
"""The contract suite: what every adapter must do, on its own platform's double.

    class TestTelegram(AdapterContract):
        @pytest.fixture
        async def platform(self) -> AsyncIterator[PlatformDouble]:
            ...

The double is the far side as a small real program (an HTTP server, say) with the adapter
connected to it. The suite opens, runs and closes the adapter itself.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from enum import Enum
from itertools import count
from typing import Protocol

import pytest

from bridge.adapter import Adapter
from bridge.errors import BridgeError, Gone, RateLimited, Rejected, Transient, Unreachable
from bridge.events import ChatRef, Inbound, MessageRef, Page

PATIENCE = 30.0  # seconds until a test gives up waiting
A_MOMENT = 0.05  # seconds to watch that something does not happen


class Fault(Enum):
    """What a platform may answer to a send or an edit."""

    RATE_LIMITED = RateLimited
    GONE = Gone
    REJECTED = Rejected
    UNREACHABLE = Transient


class PlatformDouble(Protocol):
    """The far side of an adapter."""

    @property
    def adapter(self) -> Adapter: ...

    @property
    def chat(self) -> ChatRef:
        """A chat in which the adapter may write."""

    @property
    def faults(self) -> frozenset[Fault]:
        """What this platform can answer; the others are skipped."""

    @property
    def knows_repeats(self) -> bool:
        """A second send with the same key changes the first message."""

    async def deliver(self, text: str, *, event: str) -> bool:
        """Let a person write `text`; the same `event` again is a redelivery.

        Returns whether the adapter acknowledged it, as soon as that is certain.
        """

    async def shown(self) -> Sequence[str]:
        """Return the adapter's messages in `chat` as people see them, oldest first."""

    async def fail(self, fault: Fault) -> None:
        """Answer the next call of the adapter with `fault`."""


class RecordingSink:
    """A `Sink` that keeps what it gets.

    failing: while true it raises `Unreachable`, like a commit that did not happen.
    gate: while clear it does not return.
    """

    def __init__(self) -> None:
        self.events: list[Inbound] = []
        self.failing = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.called = asyncio.Event()

    async def __call__(self, event: Inbound) -> None:
        self.called.set()
        await self.gate.wait()
        if self.failing:
            raise Unreachable("the commit failed")
        self.events.append(event)


@asynccontextmanager
async def receiving(adapter: Adapter, sink: RecordingSink) -> AsyncIterator[asyncio.Task[None]]:
    """Run an open adapter until the block ends, once it says that it is well."""
    task = asyncio.create_task(adapter.run(sink))
    try:
        async with asyncio.timeout(PATIENCE):
            while adapter.trouble() is not None and not task.done():  # noqa: ASYNC110 - a black box
                await asyncio.sleep(0)
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


class AdapterContract:
    """Inherit, provide the fixture `platform`, and every test below runs on it."""

    keys = (f"contract/{number}" for number in count(1))

    @pytest.fixture
    def sink(self) -> RecordingSink:
        """Where the events go."""
        return RecordingSink()

    @pytest.fixture
    async def adapter(
        self, platform: PlatformDouble, sink: RecordingSink
    ) -> AsyncIterator[Adapter]:
        """The adapter, open and receiving."""
        await platform.adapter.open()
        async with receiving(platform.adapter, sink):
            yield platform.adapter
        await platform.adapter.close()

    async def send(self, platform: PlatformDouble, text: str, *, final: bool = True) -> MessageRef:
        """Send a page under a key of its own."""
        page = Page(text, final=final)
        return await platform.adapter.send(platform.chat, page, key=next(self.keys))

    # Receiving

    @pytest.mark.usefixtures("adapter")
    async def test_a_message_reaches_the_sink(
        self, platform: PlatformDouble, sink: RecordingSink
    ) -> None:
        """With its text, its chat, an aware time, and somebody who wrote it."""
        assert await platform.deliver("hello 你好 😀", event="e1-first-one")
        [event] = sink.events
        assert event.text == "hello 你好 😀"
        assert event.chat == platform.chat
        assert event.user.id
        assert event.sent_at.utcoffset() is not None

    @pytest.mark.usefixtures("adapter")
    async def test_nothing_is_acknowledged_before_the_sink_returned(
        self, platform: PlatformDouble, sink: RecordingSink
    ) -> None:
        """Commit, then acknowledge."""
        sink.gate.clear()
        delivery = asyncio.create_task(platform.deliver("wait for it", event="e2-gated"))
        async with asyncio.timeout(PATIENCE):
            await sink.called.wait()
        done, _ = await asyncio.wait([delivery], timeout=A_MOMENT)
        assert not done
        sink.gate.set()
        assert await delivery

    @pytest.mark.usefixtures("adapter")
    async def test_a_failed_commit_is_not_acknowledged(
        self, platform: PlatformDouble, sink: RecordingSink
    ) -> None:
        """The platform keeps the message and delivers it again."""
        sink.failing = True
        assert not await platform.deliver("keep me", event="e3-refused")
        sink.failing = False
        assert await platform.deliver("keep me", event="e3-refused")
        assert [event.text for event in sink.events] == ["keep me"]

    @pytest.mark.usefixtures("adapter")
    async def test_a_redelivery_keeps_its_event_id(
        self, platform: PlatformDouble, sink: RecordingSink
    ) -> None:
        """And another message has another one."""
        await platform.deliver("once", event="e4-same")
        await platform.deliver("once", event="e4-same")
        await platform.deliver("once", event="e5-other")
        ids = [event.event_id for event in sink.events]
        assert len(set(ids)) == 2
        assert ids[-1] not in ids[:-1]

    async def test_after_cancel_nothing_comes_in_and_everything_still_goes_out(
        self, platform: PlatformDouble, sink: RecordingSink
    ) -> None:
        """A drain stops receiving first and lets running answers finish."""
        adapter = platform.adapter
        await adapter.open()
        async with receiving(adapter, sink) as task:
            assert adapter.trouble() is None
            message = await self.send(platform, "half", final=False)
            task.cancel()
            async with asyncio.timeout(PATIENCE):
                await asyncio.wait([task])
            assert task.cancelled()
            assert not await platform.deliver("too late", event="e6-late-one")
            assert sink.events == []
            await adapter.edit(message, Page("half and half", final=True))
            await self.send(platform, "another")
        assert list(await platform.shown())[-2:] == ["half and half", "another"]
        await adapter.close()

    async def test_no_trouble_in_normal_operation(self, adapter: Adapter) -> None:
        """/readyz asks this."""
        assert adapter.trouble() is None

    # Showing

    @pytest.mark.usefixtures("adapter")
    async def test_what_is_sent_can_be_edited(self, platform: PlatformDouble) -> None:
        """In place, as often as the answer grows."""
        message = await self.send(platform, "one", final=False)
        assert message.chat == platform.chat
        await platform.adapter.edit(message, Page("one two"))
        await platform.adapter.edit(message, Page("one two three", final=True))
        assert list(await platform.shown()) == ["one two three"]

    @pytest.mark.usefixtures("adapter")
    async def test_an_edit_that_changes_nothing_is_success(self, platform: PlatformDouble) -> None:
        """Whatever the platform thinks of it."""
        message = await self.send(platform, "as it is", final=False)
        await platform.adapter.edit(message, Page("as it is"))
        await platform.adapter.edit(message, Page("as it is", final=True))
        await platform.adapter.edit(message, Page("as it is", final=True))
        assert list(await platform.shown()) == ["as it is"]

    @pytest.mark.usefixtures("adapter")
    async def test_a_repeated_key_is_one_message_where_the_platform_can_tell(
        self, platform: PlatformDouble
    ) -> None:
        """Which makes a crash between a send and its record harmless."""
        if not platform.knows_repeats:
            pytest.skip("this platform takes no idempotency key")
        adapter, chat = platform.adapter, platform.chat
        first = await adapter.send(chat, Page("draft"), key="turn-1/0")
        again = await adapter.send(chat, Page("draft, again"), key="turn-1/0")
        assert again == first
        await adapter.edit(again, Page("done", final=True))
        assert list(await platform.shown()) == ["done"]

    @pytest.mark.usefixtures("adapter")
    @pytest.mark.parametrize("letter", ["x", "汉", "😀", "e\u0301"])
    async def test_a_text_of_exactly_the_limit_is_accepted(
        self, platform: PlatformDouble, letter: str
    ) -> None:
        """Counted in the units the adapter says it counts in."""
        caps = platform.adapter.caps
        width = len(letter.encode("utf-16-le")) // 2 if caps.utf16 else len(letter)
        text = letter * (caps.max_text // width)
        text += "x" * (caps.max_text - width * (caps.max_text // width))
        await self.send(platform, text)
        assert list(await platform.shown())[-1] == text

    # Failing

    @pytest.mark.usefixtures("adapter")
    @pytest.mark.parametrize("verb", ["send", "edit"])
    @pytest.mark.parametrize("fault", list(Fault))
    async def test_a_refusal_is_named_by_what_to_do_about_it(
        self, platform: PlatformDouble, fault: Fault, verb: str
    ) -> None:
        """Only `bridge.errors` leave an adapter."""
        if fault not in platform.faults:
            pytest.skip(f"{fault.name} does not exist on this platform")
        message = await self.send(platform, "before", final=False)
        await platform.fail(fault)
        call = (
            self.send(platform, "after")
            if verb == "send"
            else platform.adapter.edit(message, Page("after", final=True))
        )
        with pytest.raises(BridgeError) as raised:
            await call
        assert isinstance(raised.value, fault.value)
        if isinstance(raised.value, RateLimited):
            assert raised.value.retry_after is not None
            assert raised.value.retry_after > 0

    @pytest.mark.usefixtures("adapter")
    async def test_an_unknown_message_is_gone(self, platform: PlatformDouble) -> None:
        """Deleted, or never ours."""
        message = await self.send(platform, "known", final=False)
        unknown = MessageRef(message.chat, "999999999")
        with pytest.raises(Gone):
            await platform.adapter.edit(unknown, Page("hello?", final=True))
