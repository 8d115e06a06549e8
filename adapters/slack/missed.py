"""What was said in a thread before we heard that it is ours.

What was not acknowledged Slack tells again, up to minutes later. So a mention may arrive after
what was written below it, which was passed over, because nobody knew of the thread. Slack has it
still, whichever process passed it over.
"""

import asyncio
from datetime import UTC, datetime

from adapters.slack.faults import as_bridge_errors
from adapters.slack.place import Spot
from adapters.slack.raw import moment
from adapters.slack.workspaces import Workspace
from bridge.errors import BridgeError
from bridge.events import ChatKind, Inbound
from bridge.foreign import Json, fields, items, text
from bridge.logs import get

log = get(__name__)

LATE = 1.0  # seconds; nobody writes the next message sooner, nor does one usually take so long
PATIENCE = 1.5  # seconds; Slack waits three for an acknowledgement
MOST = 200  # messages


def is_late(event: Inbound, body: Json) -> bool:
    """Tell whether more may have been said below a message before it reached us."""
    if event.chat.kind is not ChatKind.THREAD or body.get("type") != "event_callback":
        return False
    waited = datetime.now(UTC) - event.sent_at
    return bool(event.text) and waited.total_seconds() > LATE


async def said_below(workspace: Workspace, there: Spot, since: datetime) -> list[Json]:
    """The messages of a thread after a moment, oldest first; none where Slack tells nothing."""
    try:
        with as_bridge_errors():
            async with asyncio.timeout(PATIENCE):
                told = await workspace.client.conversations_replies(
                    channel=there.channel,
                    ts=there.thread,
                    oldest=f"{since.timestamp():.6f}",
                    limit=MOST,
                )
    except BridgeError as error:
        log.warning("thread.not_read", team=there.team, error=str(error))
        return []
    found = map(fields, items(told.get("messages")))
    return [message for message in found if _is_after(message, since)]


def _is_after(message: Json, since: datetime) -> bool:
    """The thread's first message is always among them."""
    sent_at = moment(text(message.get("ts")))
    return sent_at is not None and sent_at > since


def as_told(body: Json, message: Json) -> Json:
    """A message read from a thread, in the envelope of another one there."""
    there = fields(body.get("event"))
    place = {key: there[key] for key in ("channel", "channel_type") if key in there}
    return {**body, "event": {**message, **place, "type": "message"}}
