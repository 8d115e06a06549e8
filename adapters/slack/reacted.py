"""Where the message stands that somebody reacted to: an event tells its channel alone."""

import asyncio
from dataclasses import replace

from adapters.slack.faults import as_bridge_errors
from adapters.slack.place import spot
from adapters.slack.recall import is_ours
from adapters.slack.workspaces import Workspace
from bridge.errors import Permanent
from bridge.events import ChatKind, Inbound
from bridge.foreign import Json, fields, items, text
from bridge.logs import get

log = get(__name__)

PATIENCE = 1.5  # seconds; Slack waits three for an acknowledgement


async def placed(event: Inbound, workspace: Workspace) -> Inbound | None:
    """Put a reaction where its message is; None if that is none of ours, or cannot be read.

    Raises `Transient`: then Slack tells it again.
    """
    try:
        message = await _read(workspace, spot(event.chat).channel, event.about)
    except Permanent as error:
        log.info("reaction.not_placed", chat=event.chat.chat, error=str(error))
        return None
    if not is_ours(message, workspace):
        return None
    thread, chat = text(message.get("thread_ts")), event.chat
    if chat.kind is ChatKind.PRIVATE or not thread:
        return replace(event, chat=replace(chat, thread=thread))
    return replace(event, chat=replace(chat, thread=thread, kind=ChatKind.THREAD))


async def _read(workspace: Workspace, channel: str, ts: str) -> Json:
    """One message; a thread is known by any of those in it."""
    with as_bridge_errors():
        async with asyncio.timeout(PATIENCE):
            told = await workspace.client.conversations_replies(
                channel=channel, ts=ts, oldest=ts, latest=ts, inclusive=True, limit=2
            )
    found = map(fields, items(told.get("messages")))
    return next((message for message in found if message.get("ts") == ts), {})
