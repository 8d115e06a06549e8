"""From what Slack delivers to what the bridge understands. Pure, and never raises.

Passed over: our own messages and those of other bots, edits, joins and whatever else has a
subtype, what is hidden, people of other organisations unless they are welcome, and in channels
whatever is neither addressed to the bot nor in a thread.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from adapters.slack.blocks import pressed
from adapters.slack.media import attachments
from adapters.slack.place import in_team
from adapters.slack.raw import moment
from adapters.slack.wording import command, mentions, readable, slash_command
from bridge.events import ChatKind, ChatRef, Inbound, User
from bridge.foreign import Json, fields, items, text

STOP = "/stop"

_KEPT = frozenset({"", "file_share", "thread_broadcast", "me_message"})
_SLACKBOT = "USLACKBOT"


@dataclass(frozen=True, slots=True)
class Ears:
    """How an account listens.

    outsiders: whether to people of other organisations. words: what is a command after `/coze`,
    asked each time, because an agent that is published anew may have others.
    """

    account: str
    outsiders: bool = False
    words: Callable[[], Collection[str]] = frozenset


@dataclass(frozen=True, slots=True)
class Here:
    """Where something was heard.

    enterprise: the organisation an app was installed for as a whole, else empty.
    own: ids of our workspace and its organisation; who belongs to another is an outsider.
    organisation: to which the workspace belongs, wherever the app was installed; else empty.
    name_of: see `wording.readable`.
    """

    ears: Ears
    team: str
    enterprise: str
    bot_user: str
    own: frozenset[str]
    name_of: Callable[[str], str]
    organisation: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """A message for the bridge; `event.user` has only an id yet.

    person: their id at Slack. overheard: it was said in a thread, to nobody in particular, so
    it is for us only where we take part. opening: it began a conversation in private.
    stopped: the streams that its writer ended by pressing Stop; None if they did not.
    doubtful: they may be a colleague or an outsider, and who they are has to be asked.
    address: where they alone can be told something, for half an hour; empty if nowhere.
    """

    event: Inbound
    person: str
    overheard: bool = False
    opening: bool = False
    stopped: tuple[str, ...] | None = None
    doubtful: bool = False
    address: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """Somebody looks at an empty conversation. thread: empty in the agent's tab."""

    channel: str
    thread: str


Understood: TypeAlias = Heard | Opened


def understood(body: Json, here: Here) -> Understood | None:
    """What a delivery means; None for what is passed over."""
    if body.get("type") == "event_callback":
        return _event(fields(body.get("event")), body, here)
    if body.get("type") == "block_actions":
        return _press(body, here)
    return _command(body, here) if body.get("command") else None


def _event(event: Json, body: Json, here: Here) -> Understood | None:
    match event.get("type"):
        case "message" | "app_mention":
            return _message(event, here, shared=body.get("is_ext_shared_channel") is not False)
        case "agent_session_stopped":
            return _stopped(event, here)
        case "app_home_opened" | "assistant_thread_started":
            return _opened(event)
        case _:
            return None


def _message(event: Json, here: Here, *, shared: bool) -> Heard | None:
    channel, ts, raw = text(event.get("channel")), text(event.get("ts")), text(event.get("text"))
    author, sent_at = _author(event, here, shared=shared), moment(ts)
    if author is None or sent_at is None or not channel or _is_no_message(event):
        return None
    direct, thread = _is_direct(channel, event), text(event.get("thread_ts"))
    named = event.get("type") == "app_mention" or mentions(raw, here.bot_user)
    files = attachments(event)
    said = command(readable(raw, here.bot_user, here.name_of))
    if not (direct or named or thread) or not (said.strip() or files):
        return None
    chat = _chat(here, channel, thread or ts, direct=direct, reply_to=ts)
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


def _is_no_message(event: Json) -> bool:
    """Edits, joins, bots. An edit that names the bot comes as a mention once more."""
    subtype = event.get("subtype")
    is_kept = subtype is None or (isinstance(subtype, str) and subtype in _KEPT)
    return bool(not is_kept or event.get("hidden") or event.get("bot_id") or event.get("edited"))


def _author(event: Json, here: Here, *, shared: bool) -> User | None:
    person = text(event.get("user"))
    if person in ("", here.bot_user, _SLACKBOT):
        return None
    teams = [text(event.get(key)) for key in ("user_team", "source_team", "team")]
    # In one organisation people of several workspaces meet in channels that are not shared.
    return _user(person, [*teams] if shared else [], here)


def _user(person: str, teams: Collection[str], here: Here) -> User | None:
    """Name somebody; None for an outsider who is not welcome."""
    foreign = next((team for team in teams if team and team not in here.own), "")
    if foreign and not here.ears.outsiders:
        return None
    return User(in_team(foreign or here.team, person))


def _is_direct(channel: str, event: Json) -> bool:
    return event.get("channel_type") == "im" or channel.startswith("D")


def _chat(here: Here, channel: str, thread: str, *, direct: bool, reply_to: str) -> ChatRef:
    open_kind = ChatKind.THREAD if thread else ChatKind.GROUP
    return ChatRef(
        platform="slack",
        account=here.ears.account,
        chat=in_team(here.team, channel),
        thread=thread,
        kind=ChatKind.PRIVATE if direct else open_kind,
        via=here.enterprise,
        reply_to=reply_to,
    )


def _stopped(event: Json, here: Here) -> Heard | None:
    """The native Stop button; Slack has ended the streams already."""
    channel, thread = text(event.get("channel")), text(event.get("thread_ts"))
    person, at = text(event.get("user")), text(event.get("event_ts"))
    pressed_at = moment(at)
    if not (channel and thread and person) or pressed_at is None:
        return None
    direct = _is_direct(channel, event)
    return Heard(
        Inbound(
            event_id=f"stopped/{here.team}/{channel}/{thread}/{at}",
            chat=_chat(here, channel, thread, direct=direct, reply_to=""),
            user=User(in_team(here.team, person)),
            text=STOP,
            sent_at=pressed_at,
        ),
        person=person,
        stopped=tuple(filter(None, map(text, items(event.get("streaming_message_ts"))))),
    )


def _opened(event: Json) -> Opened | None:
    """The agent's tab, or the pane of the older assistant, which is a thread."""
    if event.get("type") == "app_home_opened":
        channel = text(event.get("channel"))
        return Opened(channel, "") if channel and event.get("tab") == "messages" else None
    about = fields(event.get("assistant_thread"))
    channel, thread = text(about.get("channel_id")), text(about.get("thread_ts"))
    return Opened(channel, thread) if channel and thread else None


def _press(body: Json, here: Here) -> Heard | None:
    """A button or a menu; its message says where it is."""
    container, user = fields(body.get("container")), fields(body.get("user"))
    channel = text(fields(body.get("channel")).get("id")) or text(container.get("channel_id"))
    action = fields(next(iter(items(body.get("actions"))), None))
    at, message = text(action.get("action_ts")), text(container.get("message_ts"))
    person, says, pressed_at = text(user.get("id")), text(pressed(body)), moment(at)
    team = text(user.get("team_id"))
    # In an organisation it is any of the workspaces they are in.
    doubtful = bool(here.organisation and not here.ears.outsiders and team not in here.own)
    author = _user(person, [] if doubtful else [team], here)
    if not (channel and person and says) or pressed_at is None or author is None:
        return None
    parent = container.get("thread_ts") or fields(body.get("message")).get("thread_ts")
    direct = _is_direct(channel, {})
    return Heard(
        Inbound(
            event_id=f"press/{here.team}/{channel}/{message}/{person}/{at}",
            chat=_chat(here, channel, text(parent), direct=direct, reply_to=message),
            user=author,
            text=says,
            sent_at=pressed_at,
            pressed=True,
        ),
        person=person,
        doubtful=doubtful,
    )


def _command(body: Json, here: Here) -> Heard | None:
    """`/coze …`, which nobody sees but who typed it, and which cannot be typed in a thread."""
    channel, person = text(body.get("channel_id")), text(body.get("user_id"))
    trigger = text(body.get("trigger_id"))
    author = _user(person, [text(body.get("team_id"))], here)
    if not (channel and person and trigger) or author is None:
        return None
    said = readable(text(body.get("text")), here.bot_user, here.name_of)
    direct = _is_direct(channel, {})
    return Heard(
        Inbound(
            event_id=f"command/{here.team}/{trigger}",
            chat=_chat(here, channel, "", direct=direct, reply_to=""),
            user=author,
            text=slash_command(said, here.ears.words()),
            sent_at=datetime.now(UTC),  # Slack does not tell when it was typed
            pressed=True,
        ),
        person=person,
        address=text(body.get("response_url")),
    )
