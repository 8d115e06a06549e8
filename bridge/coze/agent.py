"""An agent hosted on Coze, as the core sees it: `bridge.upstream.Agent`."""

import contextlib
import copy
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager

from bridge.coze import recall
from bridge.coze.client import API_CHANNEL, CozeClient
from bridge.coze.codes import NO_PERMISSION
from bridge.coze.telling import Telling
from bridge.coze.transport import Stream
from bridge.coze.wire import Message, Status
from bridge.errors import Gone, Permanent, Unauthorised, Unreachable
from bridge.upstream import (
    Agent,
    AnswerEvent,
    Outcome,
    Profile,
    Question,
    Running,
    Trace,
    Variable,
)


class CozeAgent(Agent):
    """One published bot, asked through one client. Stateless: any process may continue."""

    def __init__(
        self, client: CozeClient, *, bot_id: str, connector_id: str = API_CHANNEL
    ) -> None:
        self._client = client
        self._bot_id = bot_id
        self._owner = {"bot_id": bot_id, "connector_id": connector_id}

    def of(self, uid: str) -> "CozeAgent":
        client = self._client.of(uid)
        if client is self._client:
            return self
        view = copy.copy(self)
        view._client = client
        return view

    async def begin(self, name: str = "") -> str:
        return (await self._client.create_conversation(self._bot_id, name)).id

    @asynccontextmanager
    async def ask(self, question: Question) -> AsyncIterator[AsyncIterator[AnswerEvent]]:
        async with self._client.chat(question, self._bot_id) as stream:
            telling = Telling(question.conversation_id, stream.logid)
            async with contextlib.aclosing(_events(stream, telling)) as events:
                yield events
            if telling.is_over:
                await stream.drain()

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

    async def variables(self, uid: str) -> list[Variable]:
        return await self._client.variables(self._owner, uid)

    async def set_variables(self, uid: str, values: Mapping[str, str]) -> None:
        await self._client.set_variables(self._owner, uid, values)

    async def profile(self) -> Profile:
        return await self._client.bot(self._bot_id)

    async def check(self) -> None:
        try:
            await self._client.bot(self._bot_id)
        except Unauthorised as error:
            # On this endpoint 4101 means a good token without the permission to read agents.
            if error.code != NO_PERMISSION:
                raise

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


async def _events(stream: Stream, telling: Telling) -> AsyncGenerator[AnswerEvent, None]:
    """Take a stream to its terminal event. Raises `Unreachable` if it ends before."""
    while not telling.is_over:
        frames = await stream.more()
        if frames is None:
            raise Unreachable("the stream was cut", logid=stream.logid, happened=True)
        for frame in frames:
            for event in telling.take(frame):
                yield event
