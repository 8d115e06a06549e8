"""What every agent at Coze has: conversations, a stream, and ways to find a lost answer."""

import contextlib
import copy
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Self

from bridge.coze import recall
from bridge.coze.arriving import Stream
from bridge.coze.client import CozeClient
from bridge.coze.telling import Telling
from bridge.coze.wire import Message, Status
from bridge.errors import BridgeError, Gone, Permanent, Unreachable
from bridge.logs import get
from bridge.upstream import (
    Agent,
    AnswerEvent,
    Cancelled,
    Failed,
    Finished,
    Lull,
    Needs,
    Outcome,
    PartKind,
    Question,
    Rating,
    Running,
    ToolOutput,
    Trace,
    Upload,
    Variable,
)

log = get(__name__)

_ENDS = (Finished, Failed, Cancelled, Needs)
_LAST_SOUNDS = 1.0  # seconds to wait for them; `done`, which follows them, ends the waiting


class Hosted(Agent, ABC):
    """An agent asked through one client. Stateless: any process may continue.

    owner: of user variables, `bot_id` or `app_id`, and the `connector_id`.
    """

    def __init__(self, client: CozeClient, owner: Mapping[str, str]) -> None:
        self._client = client
        self._owner = owner

    def of(self, uid: str) -> Self:
        client = self._client.of(uid)
        if client is self._client:
            return self
        view = copy.copy(self)
        view._client = client
        return view

    @asynccontextmanager
    async def ask(self, question: Question) -> AsyncIterator[AsyncIterator[AnswerEvent]]:
        async with self._open(question) as stream:
            spoken_to = any(part.kind is PartKind.AUDIO for part in question.parts)
            telling = Telling(question.conversation_id, stream.logid, sounds=spoken_to)
            async with _told(stream, telling, question.lull) as events:
                yield events

    @asynccontextmanager
    async def submit(
        self, trace: Trace, outputs: Sequence[ToolOutput], lull: Lull | None = None
    ) -> AsyncIterator[AsyncIterator[AnswerEvent]]:
        async with AsyncExitStack() as stack:
            stream = await self._submitted(trace, outputs, stack)
            step = "-".join(each.call_id for each in outputs)
            telling = Telling(trace.conversation_id, stream.logid, after=f"{step}-")
            yield await stack.enter_async_context(_told(stream, telling, lull))

    async def find(self, conversation_id: str, mark: str) -> Trace | None:
        turn = recall.turn_of(await self._client.history(conversation_id), mark)
        return None if turn is None else recall.trace_of(turn, conversation_id)

    async def outcome(self, trace: Trace) -> Outcome:
        if not trace.chat_id:
            return await self._outcome_by_history(trace.conversation_id)
        chat = await self._client.retrieve(trace.conversation_id, trace.chat_id)
        if not chat.status.is_over:
            return Running()
        messages = await self._messages(trace, needed=chat.status is Status.COMPLETED)
        return recall.outcome(chat, messages)

    async def cancel(self, trace: Trace) -> None:
        # Without its id a chat cannot be named to Coze. It runs to its end there; leaving the
        # stream is what the user sees.
        if trace.chat_id:
            await self._client.cancel(trace.conversation_id, trace.chat_id)

    async def clear(self, conversation_id: str) -> None:
        await self._client.clear(conversation_id)

    async def delete(self, conversation_id: str) -> None:
        await self._client.delete(conversation_id)

    async def rename(self, conversation_id: str, name: str) -> None:
        await self._client.rename(conversation_id, name)

    async def rate(
        self, conversation_id: str, message_id: str, rating: Rating | None, reason: str = ""
    ) -> None:
        if rating is None:
            await self._client.unrate(conversation_id, message_id)
        else:
            await self._client.rate(conversation_id, message_id, rating, reason)

    async def upload(self, file: Upload) -> str:
        return await self._client.upload(file)

    async def transcribe(self, file: Upload) -> str:
        return await self._client.transcribe(file)

    def speak(self, text: str, voice: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        return self._client.speak(text, voice)

    async def variables(self, uid: str) -> list[Variable]:
        return await self._client.variables(self._owner, uid)

    async def set_variables(self, uid: str, values: Mapping[str, str]) -> None:
        await self._client.set_variables(self._owner, uid, values)

    @abstractmethod
    def _open(self, question: Question) -> AbstractAsyncContextManager[Stream]:
        """Send the question, and hold the stream of its answer."""

    async def _submitted(
        self, trace: Trace, outputs: Sequence[ToolOutput], stack: AsyncExitStack
    ) -> Stream:
        """Hand in outputs. What was handed in before is a stream that was lost.

        No document names the code of that refusal, so the chat itself is looked at.
        """
        chat = self._client.submit(trace.conversation_id, trace.chat_id, outputs)
        try:
            return await stack.enter_async_context(chat)
        except Permanent as error:
            if await self._went_on(trace, outputs):
                raise Unreachable("the outputs were there already", happened=True) from error
            raise

    async def _went_on(self, trace: Trace, outputs: Sequence[ToolOutput]) -> bool:
        """Tell whether a chat does not wait for these outputs (any more)."""
        with contextlib.suppress(BridgeError):
            chat = await self._client.retrieve(trace.conversation_id, trace.chat_id)
            pending = {call.id for call in chat.calls}
            waits = chat.status is Status.REQUIRES_ACTION
            return not waits or pending != {each.call_id for each in outputs}
        return False

    async def _outcome_by_history(self, conversation_id: str) -> Outcome:
        """Judge the newest question of ours, by its chat as soon as an answer tells its id."""
        turn = recall.turn_of(await self._client.history(conversation_id))
        if turn is None:
            raise Gone("none of the conversation's newest questions is ours")
        trace = recall.trace_of(turn, conversation_id)
        return await self.outcome(trace) if trace.chat_id else recall.outcome_without_chat(turn)

    async def _messages(self, trace: Trace, *, needed: bool) -> list[Message]:
        """List what the chat said; where it failed, nothing is a possible answer."""
        try:
            return await self._client.messages(trace.conversation_id, trace.chat_id)
        except Permanent:
            if needed:
                raise
            return []


@asynccontextmanager
async def _told(
    stream: Stream, telling: Telling, lull: Lull | None
) -> AsyncIterator[AsyncIterator[AnswerEvent]]:
    """Tell what a stream says; afterwards read its last words, to keep the connection."""
    async with contextlib.aclosing(_events(stream, telling, lull)) as events:
        yield events
    if telling.is_over:
        for _ in telling.take(await stream.drain()):
            pass
    if telling.debug_url:
        log.debug("workflow.ran", logid=stream.logid, debug_url=telling.debug_url)


async def _events(
    stream: Stream, telling: Telling, lull: Lull | None
) -> AsyncGenerator[AnswerEvent, None]:
    """Take a stream to its terminal event. Raises `Unreachable` if it ends before.

    The last sounds of an answer may come when the chat has ended: they are put before its end.
    """
    end: AnswerEvent | None = None
    async with contextlib.aclosing(_walk(stream, telling, lull)) as walk:
        async for event in walk:
            if telling.sounds and isinstance(event, _ENDS):
                end = event
            else:
                yield event
    if end is not None:
        for sound in telling.take(await stream.drain(_LAST_SOUNDS)):
            yield sound
        yield end


async def _walk(
    stream: Stream, telling: Telling, lull: Lull | None
) -> AsyncGenerator[AnswerEvent, None]:
    while not telling.is_over:
        frames = await stream.more()
        if frames is None:
            raise Unreachable("the stream was cut", logid=stream.logid, happened=True)
        for event in telling.take(frames):
            yield event
        if lull and telling.has_begun_to_speak and not telling.is_over:
            await stream.lull(lull)
