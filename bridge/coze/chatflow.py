"""A chatflow of an app at Coze, as the core sees it: `bridge.upstream.Agent`.

`/v1/workflows/chat` tells the same story as `/v3/chat`. What differs, and is nowhere documented,
is whether its chats can be looked up and cancelled by the endpoints of `/v3/chat`; so where they
cannot, the conversation's history tells what became of a question.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from uuid import uuid4

from bridge.coze import recall
from bridge.coze.arriving import Stream
from bridge.coze.client import API_CHANNEL, CozeClient
from bridge.coze.codes import NO_PERMISSION
from bridge.coze.hosted import Hosted
from bridge.coze.wire import Message
from bridge.errors import Permanent, Unauthorised
from bridge.logs import get
from bridge.upstream import ConversationLost, Outcome, Over, Profile, Question, Running, Trace

log = get(__name__)

# Seconds without a further message, after which an answer counts as whole: between what it says
# a chatflow may have a model think or a page fetched.
QUIET = 8.0


class Chatflow(Hosted):
    """One published chatflow, run for an app. What it asks back, the next question answers."""

    def __init__(
        self,
        client: CozeClient,
        *,
        workflow_id: str,
        app_id: str,
        connector_id: str = API_CHANNEL,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__(client, {"app_id": app_id, "connector_id": connector_id})
        self._workflow_id = workflow_id
        self._app_id = app_id
        self._sleep = sleep

    async def begin(self, name: str = "") -> str:
        """Create a conversation. `name` is not used: names of an app's conversations are ids."""
        made = await self._client.create_chatflow_conversation(
            self._workflow_id, self._owner, uuid4().hex
        )
        return made.id

    async def outcome(self, trace: Trace) -> Outcome:
        try:
            return await super().outcome(trace)
        except (Unauthorised, ConversationLost):
            raise
        except Permanent as error:
            if not trace.chat_id:
                raise
            log.info("chatflow.looked_up_by_history", chat=trace.chat_id, error=str(error))
        return await self._told_by_history(trace)

    async def cancel(self, trace: Trace) -> None:
        try:
            await super().cancel(trace)
        except Unauthorised:
            raise
        except Permanent as error:
            # It runs to its end there, like one whose id was never told.
            log.info("chatflow.not_cancelled", chat=trace.chat_id, error=str(error))

    async def profile(self) -> Profile:
        """Return its name; what it says first is not to be had from Coze."""
        found = await self._client.workflow(self._workflow_id)
        if found.app_id not in ("", self._app_id):
            raise Permanent(
                f"the workflow {self._workflow_id} belongs to the app {found.app_id}: "
                "correct app_id"
            )
        return Profile(name=found.name, version=found.version)

    async def check(self) -> Profile | None:
        try:
            return await self.profile()
        except Unauthorised as error:
            # A good token that may run workflows, but not read what they are.
            if error.code != NO_PERMISSION:
                raise
        return None

    def _open(self, question: Question) -> AbstractAsyncContextManager[Stream]:
        return self._client.chatflow(question, self._workflow_id, self._owner)

    async def _told_by_history(self, trace: Trace) -> Outcome:
        """Take an answer for whole when nothing was added to it for a while.

        The history tells no status, and a chatflow may say several things with time in between.
        """
        before = await self._turn(trace)
        outcome = recall.outcome_without_chat(before)
        if not isinstance(outcome, Over):
            return outcome
        await self._sleep(QUIET)
        return outcome if await self._turn(trace) == before else Running()

    async def _turn(self, trace: Trace) -> list[Message]:
        return recall.turn_in(await self._client.history(trace.conversation_id), trace.chat_id)
