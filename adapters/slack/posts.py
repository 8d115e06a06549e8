"""A new message, whatever it shows."""

from adapters.slack.asides import Asides
from adapters.slack.blocks import Block
from adapters.slack.calls import Calls
from adapters.slack.faults import NO_MEMBER
from adapters.slack.place import spot
from adapters.slack.recall import metadata
from adapters.slack.status import Status
from adapters.slack.streaming import named
from adapters.slack.tiers import POST
from bridge.errors import Departed
from bridge.events import ChatRef, MessageRef


class Posts:
    """asides: where those are told something who wrote where nothing can be posted."""

    def __init__(self, calls: Calls, asides: Asides, status: Status) -> None:
        self._calls = calls
        self._asides = asides
        self._status = status

    async def make(self, chat: ChatRef, key: str, content: Block) -> MessageRef:
        """Post under a key. content: what it shows. Raises like `bridge.adapter.Adapter.send`."""
        there = spot(chat)
        try:
            answer = await self._calls.make(
                there,
                POST,
                channel=there.channel,
                thread_ts=there.thread or None,
                metadata=metadata(key),
                # A preview is a visit: an agent could be talked into one that tells secrets.
                unfurl_links=False,
                unfurl_media=False,
                **content,
            )
        except Departed as error:
            if error.code in NO_MEMBER:
                await self._asides.excuse(chat, (await self._calls.workspace(there)).client)
            raise
        self._asides.answered(chat)
        self._status.vanished(chat)
        return named(chat, answer.get("ts"))
