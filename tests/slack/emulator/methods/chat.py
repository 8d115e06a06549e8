"""Posting, updating and deleting."""

from tests.slack.emulator import content
from tests.slack.emulator.ask import Ask, Method
from tests.slack.emulator.channels import Channel
from tests.slack.emulator.errors import Refused
from tests.slack.emulator.params import Json


async def post_message(ask: Ask) -> Json:
    channel = ask.channel(write=True)
    said = content.read(ask.args)
    thread = thread_of(ask, channel)
    subtype = "thread_broadcast" if thread and ask.args.flag("reply_broadcast") else ""
    message = channel.post(ask.bot, said, thread=thread, subtype=subtype)
    ask.call.message = message.ts
    ask.emulator.events.posted(message)
    return {"channel": channel.id, "ts": message.ts, "message": message.shown()}


def thread_of(ask: Ask, channel: Channel) -> str:
    """The thread meant, by its first message or any other of it. Raises `Refused`.

    The older assistant's pane is a thread that begins with no message.
    """
    ts = ask.args.text("thread_ts")
    if not ts:
        return ""
    if message := channel.messages.get(ts):
        return message.root
    if ts.replace(".", "", 1).isdigit() and "." in ts:
        return ts
    raise Refused("invalid_thread_ts")


async def update(ask: Ask) -> Json:
    channel = ask.channel()
    message = ask.own(channel, "cant_update_message")
    said = content.read(ask.args, update=True)
    if message.whisper:
        raise Refused("message_not_found")  # an ephemeral message cannot be updated
    if message.streaming:
        raise Refused("streaming_state_conflict")
    age = ask.emulator.clock() - message.revisions[0].date
    if channel.edit_window is not None and age > channel.edit_window:
        raise Refused("edit_window_closed")
    before = message.shown()
    channel.revise(message, said)
    ask.emulator.events.edited(message, before)
    return {
        "channel": channel.id,
        "ts": message.ts,
        "text": message.text,
        "message": message.shown(),
    }


async def delete(ask: Ask) -> Json:
    channel = ask.channel()
    message = ask.own(channel, "cant_delete_message")
    if message.streaming:
        raise Refused("cant_delete_message")
    channel.remove(message)
    ask.emulator.events.deleted(message)
    return {"channel": channel.id, "ts": message.ts}


async def post_ephemeral(ask: Ask) -> Json:
    channel = ask.channel(write=True)
    user = ask.args.needed("user")
    if user not in channel.members:
        raise Refused("user_not_in_channel")
    message = channel.post(
        ask.bot, content.read(ask.args), thread=thread_of(ask, channel), whisper=user
    )
    ask.call.message = message.ts
    return {"message_ts": message.ts}


METHODS: dict[str, Method] = {
    "chat.postMessage": Method(post_message, ("chat:write",)),
    "chat.update": Method(update, ("chat:write",)),
    "chat.delete": Method(delete, ("chat:write",)),
    "chat.postEphemeral": Method(post_ephemeral, ("chat:write",)),
}
