"""What people do without writing a message: presses, reactions, commands. Pure; never raises."""

from dataclasses import replace
from datetime import UTC, datetime

from adapters.slack.afterwards import Pressed
from adapters.slack.blocks import DISLIKE, LIKE, pressed, without_offers
from adapters.slack.heard import SLACKBOT, Heard, Here, chat_of, is_direct, user_of
from adapters.slack.place import in_team
from adapters.slack.raw import moment
from adapters.slack.why import reason
from adapters.slack.wording import readable, slash_command
from bridge.events import Inbound, User
from bridge.foreign import Json, fields, items, text

_STOP = "/stop"
_UNRATED = "/feedback none"
_RATINGS = {"+1": LIKE, "thumbsup": LIKE, "-1": DISLIKE, "thumbsdown": DISLIKE}


def stopped(event: Json, here: Here) -> Heard | None:
    """The native Stop button; Slack has ended the streams already."""
    channel, thread = text(event.get("channel")), text(event.get("thread_ts"))
    person, at = text(event.get("user")), text(event.get("event_ts"))
    pressed_at = moment(at)
    if not (channel and thread and person) or pressed_at is None:
        return None
    direct = is_direct(channel, event)
    return Heard(
        Inbound(
            event_id=f"stopped/{here.team}/{channel}/{thread}/{at}",
            chat=chat_of(here, channel, thread, direct=direct, reply_to=""),
            user=User(in_team(here.team, person)),
            text=_STOP,
            sent_at=pressed_at,
        ),
        person=person,
        stopped=tuple(filter(None, map(text, items(event.get("streaming_message_ts"))))),
    )


def press(body: Json, here: Here) -> Heard | None:
    """A button or a menu; its message says where it is."""
    container, user = fields(body.get("container")), fields(body.get("user"))
    channel = text(fields(body.get("channel")).get("id")) or text(container.get("channel_id"))
    action = fields(next(iter(items(body.get("actions"))), None))
    at, message = text(action.get("action_ts")), text(container.get("message_ts"))
    person, says, pressed_at = text(user.get("id")), text(pressed(body)), moment(at)
    team = text(user.get("team_id"))
    # In an organisation it is any of the workspaces they are in.
    doubtful = bool(here.organisation and not here.ears.outsiders and team not in here.own)
    author = user_of(person, [] if doubtful else [team], here)
    if not (channel and person and says) or pressed_at is None or author is None:
        return None
    shown = fields(body.get("message"))
    parent = container.get("thread_ts") or shown.get("thread_ts")
    direct = is_direct(channel, {})
    return Heard(
        Inbound(
            event_id=f"press/{here.team}/{channel}/{message}/{person}/{at}",
            chat=chat_of(here, channel, text(parent), direct=direct, reply_to=message),
            user=author,
            text=says,
            sent_at=pressed_at,
            pressed=True,
            about=message,
        ),
        person=person,
        doubtful=doubtful,
        pressed=Pressed(
            message,
            offered=not says.startswith("/"),
            left=without_offers(shown),
            fallback=text(shown.get("text")),
            trigger=text(body.get("trigger_id")) if says == DISLIKE else "",
        ),
    )


def reaction(event: Json, here: Here, *, shared: bool) -> Heard | None:
    """A thumb as a reaction to a message; where that stands, has to be asked."""
    item, person = fields(event.get("item")), text(event.get("user"))
    channel, message, at = text(item.get("channel")), text(item.get("ts")), event.get("event_ts")
    rating = _RATINGS.get(text(event.get("reaction")).partition("::")[0])  # of any skin
    reacted_at = moment(text(at))
    is_ours = event.get("item_user") in (None, "", here.bot_user)
    known = channel and message and person not in ("", here.bot_user, SLACKBOT)
    if not (rating and is_ours and known) or reacted_at is None:
        return None
    kind = text(event.get("type"))
    return Heard(
        Inbound(
            event_id=f"{kind}/{here.team}/{channel}/{message}/{person}/{at}",
            chat=chat_of(here, channel, "", direct=is_direct(channel, {}), reply_to=message),
            user=User(in_team(here.team, person)),
            text=rating if kind == "reaction_added" else _UNRATED,
            sent_at=reacted_at,
            pressed=True,
            about=message,
        ),
        person=person,
        doubtful=shared and not here.ears.outsiders,
        reacted=True,
    )


def explained(body: Json, here: Here) -> Heard | None:
    """Why an answer was no good, in the dialogue that asks for it."""
    user, told = fields(body.get("user")), reason(body)
    person, view = text(user.get("id")), text(fields(body.get("view")).get("id"))
    if told is None or not (person and view):
        return None
    about, why = told
    here = replace(here, team=about.team)  # in an organisation they may belong to another
    direct = is_direct(about.channel, {})
    return Heard(
        Inbound(
            event_id=f"why/{here.team}/{about.channel}/{about.message}/{view}",
            chat=chat_of(here, about.channel, about.thread, direct=direct, reply_to=about.message),
            user=User(in_team(here.team, person)),
            text=f"{DISLIKE} {why}".rstrip(),
            sent_at=datetime.now(UTC),  # Slack does not tell when it was sent
            pressed=True,
            about=about.message,
        ),
        person=person,
    )


def command(body: Json, here: Here) -> Heard | None:
    """`/coze …`, which nobody sees but who typed it, and which cannot be typed in a thread."""
    channel, person = text(body.get("channel_id")), text(body.get("user_id"))
    trigger = text(body.get("trigger_id"))
    author = user_of(person, [text(body.get("team_id"))], here)
    if not (channel and person and trigger) or author is None:
        return None
    said = readable(text(body.get("text")), here.bot_user, here.name_of)
    direct = is_direct(channel, {})
    return Heard(
        Inbound(
            event_id=f"command/{here.team}/{trigger}",
            chat=chat_of(here, channel, "", direct=direct, reply_to=""),
            user=author,
            text=slash_command(said, here.ears.words()),
            sent_at=datetime.now(UTC),  # Slack does not tell when it was typed
            pressed=True,
        ),
        person=person,
        address=text(body.get("response_url")),
    )
