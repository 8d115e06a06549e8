"""A bot hosted on Coze, as the core sees it: `bridge.upstream.Agent`."""

from contextlib import AbstractAsyncContextManager

from bridge.coze.arriving import Stream
from bridge.coze.client import API_CHANNEL, CozeClient
from bridge.coze.codes import NO_PERMISSION
from bridge.coze.hosted import Hosted
from bridge.errors import Unauthorised
from bridge.upstream import Profile, Question


class CozeAgent(Hosted):
    """One published bot, asked by `/v3/chat`."""

    def __init__(self, client: CozeClient, *, bot_id: str, connector_id: str = API_CHANNEL) -> None:
        super().__init__(client, {"bot_id": bot_id, "connector_id": connector_id})
        self._bot_id = bot_id

    async def begin(self, name: str = "") -> str:
        return (await self._client.create_conversation(self._bot_id, name)).id

    async def profile(self) -> Profile:
        return await self._client.bot(self._bot_id)

    async def check(self) -> Profile | None:
        try:
            return await self.profile()
        except Unauthorised as error:
            # On this endpoint 4101 means a good token without the permission to read agents.
            if error.code != NO_PERMISSION:
                raise
        return None

    def _open(self, question: Question) -> AbstractAsyncContextManager[Stream]:
        return self._client.chat(question, self._bot_id)
