"""Channels: what they are, who is in them, what was said."""

from tests.slack.emulator.ask import Ask, Method
from tests.slack.emulator.errors import Refused
from tests.slack.emulator.model import Message
from tests.slack.emulator.params import Json

READ = ("channels:read", "groups:read", "im:read", "mpim:read")
HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")


async def info(ask: Ask) -> Json:
    return {"channel": ask.channel().shown()}


async def open_(ask: Ask) -> Json:
    """Direct messages with one person, or with several."""
    users = [user for user in ask.args.text("users").split(",") if user]
    if not users:
        return {"channel": ask.channel().shown()}
    people = [ask.emulator.people.get(user) for user in users]
    found = [person for person in people if person is not None]
    if len(found) != len(users):
        raise Refused("user_not_found")
    if len(found) == 1:
        channel = ask.emulator.dm(found[0], ask.installation)
    else:
        channel = ask.emulator.group_dm(*found, installation=ask.installation)
    return {"channel": channel.shown()}


async def members(ask: Ask) -> Json:
    return {"members": list(ask.channel().members), "response_metadata": {"next_cursor": ""}}


async def history(ask: Ask) -> Json:
    """Newest first, without what is only in threads."""
    channel = ask.channel()
    shown = [
        message
        for message in channel.messages.values()
        if _seen(message) and (not message.thread or message.subtype == "thread_broadcast")
    ]
    return _page(ask, shown[::-1])


async def replies(ask: Ask) -> Json:
    """A thread, its first message first."""
    channel = ask.channel()
    ts = ask.args.needed("ts")
    known = channel.messages.get(ts)
    root = known.root if known else ts
    first = channel.messages.get(root)
    found = [*([first] if first else []), *channel.replies(root)]
    if not found:
        raise Refused("thread_not_found")
    return _page(ask, [message for message in found if _seen(message)])


def _seen(message: Message) -> bool:
    return not message.deleted and not message.whisper


def _page(ask: Ask, messages: list[Message]) -> Json:
    oldest, latest = ask.args.text("oldest"), ask.args.text("latest")
    inclusive = ask.args.flag("inclusive")
    wanted = [m for m in messages if _between(m.ts, oldest, latest, inclusive=inclusive)]
    start, limit = ask.args.number("cursor", 0), ask.args.number("limit", 100)
    end = start + limit
    more = end < len(wanted)
    return {
        "messages": [message.shown() for message in wanted[start:end]],
        "has_more": more,
        "response_metadata": {"next_cursor": str(end) if more else ""},
    }


def _between(ts: str, oldest: str, latest: str, *, inclusive: bool) -> bool:
    if inclusive and ts in (oldest, latest):
        return True
    return (not oldest or float(ts) > float(oldest)) and (not latest or float(ts) < float(latest))


METHODS: dict[str, Method] = {
    "conversations.info": Method(info, READ),
    "conversations.open": Method(open_, ("im:write", "mpim:write")),
    "conversations.members": Method(members, READ),
    "conversations.history": Method(history, HISTORY),
    "conversations.replies": Method(replies, HISTORY),
}
