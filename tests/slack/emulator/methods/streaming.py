"""Streams: started, appended to, stopped."""

from tests.slack.emulator import content
from tests.slack.emulator.ask import Ask, Method
from tests.slack.emulator.channels import Channel
from tests.slack.emulator.errors import Refused, bad
from tests.slack.emulator.methods.agents import check_session, set_session
from tests.slack.emulator.methods.chat import thread_of
from tests.slack.emulator.model import Message
from tests.slack.emulator.params import Json
from tests.slack.emulator.streams import Stream, read_chunks


async def start(ask: Ask) -> Json:
    channel = ask.channel(write=True)
    if not channel.streams:
        raise Refused("channel_type_not_supported")
    thread = thread_of(ask, channel)
    if channel.is_direct and not thread:
        raise bad("missing required field: thread_ts")
    stream = _fresh(ask, channel)
    stream.add(read_chunks(ask.args, needed=False))
    message = channel.post(ask.bot, stream.content(), thread=thread, stream=stream)
    ask.call.message = message.ts
    return {"channel": channel.id, "ts": message.ts}


def _fresh(ask: Ask, channel: Channel) -> Stream:
    """Outside of direct messages, Slack wants to know for whom it is. Raises `Refused`."""
    user, team = ask.args.text("recipient_user_id"), ask.args.text("recipient_team_id")
    if not channel.is_direct:
        if not user:
            raise Refused("missing_recipient_user_id")
        if not team:
            raise Refused("missing_recipient_team_id")
    if user and user not in ask.emulator.people:
        raise Refused("user_not_found")
    mode = ask.args.text("task_display_mode")
    if mode not in {"", "timeline", "plan", "dense"}:
        raise bad("must be a valid enum value [json-pointer:/task_display_mode]")
    emulator = ask.emulator
    return Stream(
        emulator.clock(), emulator.stream_life, emulator.stream_size, recipient=(user, team)
    )


async def append(ask: Ask) -> Json:
    message, stream = _open(ask)
    stream.add(read_chunks(ask.args, needed=True))
    stream.appends += 1
    message.channel.revise(message, stream.content())
    return {"channel": message.channel.id, "ts": message.ts}


async def stop(ask: Ask) -> Json:
    message, stream = _open(ask)
    blocks = content.read_blocks(ask.args)
    status = check_session(ask.args.text("session_status"), empty=True)
    stream.add(read_chunks(ask.args, needed=False))
    stream.ended = "stopped"
    metadata = ask.args.fields("metadata") or None
    message.channel.revise(message, stream.content(blocks, metadata))
    if status:
        set_session(message.channel, message.thread, status)
    ask.emulator.events.posted(message)
    return {"channel": message.channel.id, "ts": message.ts, "message": message.shown()}


def _open(ask: Ask) -> tuple[Message, Stream]:
    """The stream meant. Raises `Refused` for one that ended, by whomever."""
    message = ask.own(ask.channel(), "message_not_owned_by_app")
    if message.stream is None:
        raise Refused("message_not_in_streaming_state")
    message.stream.check_open(ask.emulator.clock())
    return message, message.stream


METHODS: dict[str, Method] = {
    "chat.startStream": Method(start, ("chat:write",)),
    "chat.appendStream": Method(append, ("chat:write",)),
    "chat.stopStream": Method(stop, ("chat:write",)),
}
