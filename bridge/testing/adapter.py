"""An adapter whose platform is a list of messages and a script of failures."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count

from bridge.adapter import Capabilities, Sink
from bridge.errors import Gone
from bridge.events import ChatRef, MessageRef, Page

ROOMY = Capabilities(max_text=4000, edit_interval=1.0, edit_interval_group=3.0, buttons=3)


@dataclass(frozen=True, slots=True)
class Call:
    """What the bridge asked of the platform, whether it worked or not.

    at: seconds on the adapter's clock. message: empty for a `send`, which has none yet.
    """

    verb: str
    at: float
    chat: ChatRef
    message: str = ""
    page: Page | None = None
    key: str = ""

    @property
    def text(self) -> str:
        """What was to be shown."""
        return self.page.text if self.page else ""


@dataclass(frozen=True, slots=True)
class Message:
    """A message of ours as people see it."""

    id: str
    chat: ChatRef
    page: Page


@dataclass(frozen=True, slots=True)
class _Failure:
    error: Exception
    verb: str
    happens: bool
    when: Callable[[Call], bool]


class BareAdapter:
    """A platform with the necessary verbs and none of the optional ones.

    Like Telegram it does not know repeated sends. clock: seconds, monotonic.
    """

    def __init__(
        self, caps: Capabilities = ROOMY, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.calls: list[Call] = []
        self.messages: dict[str, Message] = {}
        self.blocked: set[str] = set()  # chats whose people threw us out
        self.in_trouble: str | None = None
        self.sink: Sink | None = None
        self._caps = caps
        self._clock = clock
        self._ids = count(1)
        self._failures: deque[_Failure] = deque()
        self._gate = asyncio.Event()
        self._gate.set()
        self._held = ""

    # What a test says and sees

    def fail(
        self,
        *errors: Exception,
        verb: str = "",
        happens: bool = False,
        when: Callable[[Call], bool] = lambda _: True,
    ) -> None:
        """Let the next calls that fit end in these errors, one each.

        verb: of the calls that fit; empty for all but typing. happens: they take effect all
        the same. when: whatever else must be true of the call.
        """
        self._failures.extend(_Failure(error, verb, happens, when) for error in errors)

    def hold(self, verb: str = "") -> None:
        """Let calls of this verb (empty: all) wait until `release`."""
        self._held = verb
        self._gate.clear()

    def release(self) -> None:
        """Let everybody through who waits, and all who come."""
        self._gate.set()

    def shown(self, chat: str | None = None) -> list[str]:
        """The texts people see, oldest message first."""
        return [message.page.text for message in self.pages(chat)]

    def pages(self, chat: str | None = None) -> list[Message]:
        """The messages people see, oldest first."""
        return [m for m in self.messages.values() if chat is None or m.chat.chat == chat]

    def did(self, *verbs: str) -> list[Call]:
        """The calls of these verbs, in order."""
        return [call for call in self.calls if call.verb in verbs]

    def delete(self, message: str) -> None:
        """Somebody deletes one of our messages."""
        del self.messages[message]

    # What the bridge sees

    @property
    def caps(self) -> Capabilities:
        """Of this platform."""
        return self._caps

    async def open(self) -> None:
        """There is nothing to open."""

    async def close(self) -> None:
        """There is nothing to close."""

    async def run(self, sink: Sink) -> None:
        """Lend the sink to the test, as `sink`, until cancelled."""
        self.sink = sink
        try:
            await asyncio.Event().wait()
        finally:
            self.sink = None

    def trouble(self) -> str | None:
        """What the test put into `in_trouble`."""
        return self.in_trouble

    async def send(self, chat: ChatRef, page: Page, *, key: str) -> MessageRef:
        """Append a message."""
        call = Call("send", self._clock(), chat, page=page, key=key)
        made = Message(str(next(self._ids)), chat, page)
        await self._happen(call, lambda: self.messages.update({made.id: made}))
        return MessageRef(chat, made.id)

    async def edit(self, message: MessageRef, page: Page) -> None:
        """Change a message; `Gone` if it was deleted."""

        def change() -> None:
            self._known(message)
            self.messages[message.id] = replace(self.messages[message.id], page=page)

        await self._happen(Call("edit", self._clock(), message.chat, message.id, page), change)

    async def _happen(self, call: Call, effect: Callable[[], object]) -> None:
        self.calls.append(call)
        if self._held in {"", call.verb}:
            await self._gate.wait()
        if call.chat.chat in self.blocked:
            raise Gone("blocked by the user", code=403)
        failure = self._failure(call)
        if failure is None or failure.happens:
            effect()
        if failure is not None:
            raise failure.error

    def _failure(self, call: Call) -> _Failure | None:
        for failure in self._failures:
            fits = failure.verb == call.verb or (not failure.verb and call.verb != "typing")
            if fits and failure.when(call):
                self._failures.remove(failure)
                return failure
        return None

    def _known(self, message: MessageRef) -> None:
        if message.id not in self.messages:
            raise Gone("message to edit not found", code=400)


class FakeAdapter(BareAdapter):
    """The same platform with the optional verbs `ShowsTyping` and `Retracts`."""

    async def typing(self, chat: ChatRef) -> None:
        """Only recorded: it leaves nothing behind."""
        await self._happen(Call("typing", self._clock(), chat), lambda: None)

    async def retract(self, message: MessageRef) -> None:
        """Remove a message, if it is still there."""
        call = Call("retract", self._clock(), message.chat, message.id)
        await self._happen(call, lambda: self.messages.pop(message.id, None))
