"""Finding a message of ours of which we never heard that it was posted."""

from collections.abc import AsyncIterator, Collection
from datetime import datetime

from adapters.slack.calls import Calls
from adapters.slack.place import Spot
from adapters.slack.tiers import HISTORY, REPLIES
from adapters.slack.workspaces import Workspace
from bridge.foreign import Json, fields, items

EVENT_TYPE = "coze_bridge"
_SKEW = 5.0  # seconds our clock may be ahead of Slack's
_PAGE = 200  # messages
_MOST_PAGES = 10


def metadata(key: str) -> dict[str, object]:
    """The mark a message carries, which people do not see."""
    return {"event_type": EVENT_TYPE, "event_payload": {"key": key}}


async def recall(
    calls: Calls, spot: Spot, key: str, *, since: datetime, known: Collection[str]
) -> str:
    """The `ts` of the message posted under `key`; empty if there is none.

    A stream gets its mark only when it is stopped, and a file never. So one of ours without a
    mark, of which nobody knows, is what we look for, if it is the only one.
    """
    us = await calls.workspace(spot)
    ours = [m async for m in _read(calls, spot, since) if is_ours(m, us)]
    marked = [m for m in ours if _mark(m) == key]
    unmarked = [m for m in ours if not _mark(m) and not _is_known(m, known)]
    found = marked or (unmarked if len(unmarked) == 1 else [])
    return str(found[0].get("ts") or "") if found else ""


async def _read(calls: Calls, spot: Spot, since: datetime) -> AsyncIterator[Json]:
    """The messages of a thread, or of a channel where there is none."""
    cursor = ""
    for _ in range(_MOST_PAGES):
        answer = await calls.make(
            spot,
            REPLIES if spot.thread else HISTORY,
            channel=spot.channel,
            ts=spot.thread or None,
            oldest=f"{since.timestamp() - _SKEW:.6f}",
            include_all_metadata="true",
            limit=_PAGE,
            cursor=cursor or None,
        )
        for message in map(fields, items(answer.get("messages"))):
            yield message
        cursor = str(fields(answer.get("response_metadata")).get("next_cursor") or "")
        if not cursor:
            return


def is_ours(message: Json, us: Workspace) -> bool:
    """Tell whether we wrote a message that was read from a channel."""
    by_us = us.bot_user == message.get("user") or us.bot == message.get("bot_id", "?")
    return by_us and bool(message.get("ts"))


def _is_known(message: Json, known: Collection[str]) -> bool:
    """By its timestamp, or by its file; see `uploads.Uploads`."""
    files = (fields(file).get("id") for file in items(message.get("files")))
    return any(name in known for name in (message.get("ts"), *files))


def _mark(message: Json) -> str:
    told = fields(message.get("metadata"))
    if told.get("event_type") != EVENT_TYPE:
        return ""
    return str(fields(told.get("event_payload")).get("key") or "")
