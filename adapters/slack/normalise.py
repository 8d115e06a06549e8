"""From what Slack delivers to what the bridge understands. Pure, and never raises.

Passed over: our own messages and those of other bots, joins and whatever else has a subtype,
what is hidden, people of other organisations unless they are welcome, and in channels whatever
is neither addressed to the bot nor in a thread.
"""

from dataclasses import replace

from adapters.slack.gestures import command, explained, press, reaction, stopped
from adapters.slack.heard import (
    SLACKBOT,
    Heard,
    Here,
    Opened,
    Understood,
    chat_of,
    is_direct,
    user_of,
)
from adapters.slack.media import attachments, carried
from adapters.slack.raw import moment
from adapters.slack.wording import command as in_words
from adapters.slack.wording import mentions, readable
from bridge.events import Inbound, User
from bridge.foreign import Json, fields, text

_KEPT = frozenset({"", "file_share", "thread_broadcast", "me_message"})


def understood(body: Json, here: Here) -> Understood | None:
    """What a delivery means; None for what is passed over."""
    if body.get("type") == "event_callback":
        return _event(fields(body.get("event")), body, here)
    if body.get("type") == "block_actions":
        return press(body, here)
    if body.get("type") == "view_submission":
        return explained(body, here)
    return command(body, here) if body.get("command") else None


def _event(event: Json, body: Json, here: Here) -> Understood | None:
    shared = body.get("is_ext_shared_channel") is not False
    match event.get("type"):
        case "message" if event.get("subtype") == "message_changed":
            return _edited(event, here, shared=shared)
        case "message" | "app_mention":
            return _message(event, here, shared=shared)
        case "reaction_added" | "reaction_removed":
            return reaction(event, here, shared=shared)
        case "agent_session_stopped":
            return stopped(event, here)
        case "app_home_opened" | "assistant_thread_started":
            return _opened(event)
        case _:
            return None


def _message(event: Json, here: Here, *, shared: bool) -> Heard | None:
    channel, ts, raw = text(event.get("channel")), text(event.get("ts")), text(event.get("text"))
    author, sent_at = _author(event, here, shared=shared), moment(ts)
    if author is None or sent_at is None or not channel or _is_no_message(event):
        return None
    direct, thread = is_direct(channel, event), text(event.get("thread_ts"))
    named = event.get("type") == "app_mention" or mentions(raw, here.bot_user)
    files = attachments(event)
    said = _said(event, raw, here)
    if not (direct or named or thread) or not (said.strip() or files):
        return None
    chat = chat_of(here, channel, thread or ts, direct=direct, reply_to=ts)
    return Heard(
        Inbound(
            # Not Slack's event_id: a mention arrives twice, and under two of them.
            event_id=f"message/{here.team}/{channel}/{ts}",
            chat=chat,
            user=author,
            text=said,
            sent_at=sent_at,
            attachments=files,
        ),
        person=text(event.get("user")),
        overheard=not (direct or named or text(event.get("parent_user_id")) == here.bot_user),
        opening=direct and not said.startswith("/"),
    )


def _said(event: Json, raw: str, here: Here) -> str:
    """The words of a message, and below them what it carries."""

    def read(raw: str) -> str:
        return readable(raw, here.bot_user, here.name_of)

    said = in_words(read(raw))
    more = "" if said.startswith("/") else carried(event, read)
    return "\n\n".join(filter(None, (said, more)))


def _edited(event: Json, here: Here, *, shared: bool) -> Heard | None:
    """Other words of a message, of its writer's; a preview that was added is none."""
    message, before = fields(event.get("message")), fields(event.get("previous_message"))
    edited = fields(message.get("edited"))
    at, by = text(edited.get("ts")), text(edited.get("user"))
    edited_at = moment(at)
    is_news = by == message.get("user") and message.get("text") != before.get("text")
    if edited_at is None or not is_news:
        return None
    place = {key: event[key] for key in ("channel", "channel_type") if key in event}
    as_sent = {**message, **place, "type": "message", "edited": None}
    heard = _message(as_sent, here, shared=shared)
    if heard is None:
        return None
    original = heard.event.event_id
    event_id = f"{original}/edited/{at}"
    changed = replace(heard.event, event_id=event_id, edits=original, sent_at=edited_at)
    return replace(heard, event=changed, opening=False)


def _is_no_message(event: Json) -> bool:
    """Joins, bots. An edit that names the bot comes as a mention once more."""
    subtype = event.get("subtype")
    is_kept = subtype is None or (isinstance(subtype, str) and subtype in _KEPT)
    return bool(not is_kept or event.get("hidden") or event.get("bot_id") or event.get("edited"))


def _author(event: Json, here: Here, *, shared: bool) -> User | None:
    person = text(event.get("user"))
    if person in ("", here.bot_user, SLACKBOT):
        return None
    teams = [text(event.get(key)) for key in ("user_team", "source_team", "team")]
    # In one organisation people of several workspaces meet in channels that are not shared.
    return user_of(person, [*teams] if shared else [], here)


def _opened(event: Json) -> Opened | None:
    """The agent's tab, or the pane of the older assistant, which is a thread."""
    if event.get("type") == "app_home_opened":
        channel = text(event.get("channel"))
        return Opened(channel, "") if channel and event.get("tab") == "messages" else None
    about = fields(event.get("assistant_thread"))
    channel, thread = text(about.get("channel_id")), text(about.get("thread_ts"))
    return Opened(channel, thread) if channel and thread else None
