"""Deliveries as Slack documents them, for tests that need no Slack."""

from typing import Any, TypeAlias

from adapters.slack.heard import Ears, Here

Json: TypeAlias = dict[str, Any]

TEAM, CHANNEL, DM, BOT, ANN = "T1", "C1", "D1", "U0BOT", "U1ANN"
TS, THREAD = "1712345678.000200", "1712345678.000100"


def here(
    *, outsiders: bool = False, words: tuple[str, ...] = ("new", "help"), enterprise: str = ""
) -> Here:
    """A workspace with one person whose name is known."""
    names = {"U2BOB": "Bob"}
    return Here(
        ears=Ears("slack", outsiders=outsiders, words=lambda: words),
        team=TEAM,
        enterprise=enterprise,
        bot_user=BOT,
        own=frozenset({TEAM, "E1"}),
        name_of=lambda person: names.get(person, ""),
    )


def told(event: Json, **outside: object) -> Json:
    """An event in its envelope."""
    return {
        "type": "event_callback",
        "team_id": TEAM,
        "event_id": "Ev1",
        "is_ext_shared_channel": False,
        "authorizations": [{"team_id": TEAM, "enterprise_id": None, "user_id": BOT}],
        "event": event,
        **outside,
    }


def said(text: str = "hi", channel: str = DM, **more: object) -> Json:
    """A message of Ann's, in direct messages unless told otherwise."""
    kind = "im" if channel.startswith("D") else "channel"
    event = {
        "type": "message",
        "user": ANN,
        "team": TEAM,
        "text": text,
        "ts": TS,
        "event_ts": TS,
        "channel": channel,
        "channel_type": kind,
    }
    return told({**event, **more})


def mentioning(text: str = f"<@{BOT}> hi", **more: object) -> Json:
    """A message in a channel that names the bot."""
    return said(text, CHANNEL, **{"type": "app_mention", **more})


def pressed(says: str = "Tell me more", **container: object) -> Json:
    """A press of a button below one of our messages."""
    return {
        "type": "block_actions",
        "team": {"id": TEAM},
        "user": {"id": ANN, "team_id": TEAM},
        "channel": {"id": CHANNEL},
        "container": {"message_ts": TS, "channel_id": CHANNEL, "thread_ts": THREAD, **container},
        "trigger_id": "1.2.3",
        "actions": [
            {"type": "button", "action_id": "say/0", "value": says, "action_ts": "1712345700.5"}
        ],
    }


def commanded(text: str = "", channel: str = CHANNEL) -> Json:
    """`/coze …`, as Slack tells of it."""
    return {
        "command": "/coze",
        "text": text,
        "team_id": TEAM,
        "channel_id": channel,
        "user_id": ANN,
        "trigger_id": "1.2.3",
    }


def reacted(name: str = "+1", **more: object) -> Json:
    """A reaction of Ann's to a message of ours."""
    event = {
        "type": "reaction_added",
        "user": ANN,
        "reaction": name,
        "item_user": BOT,
        "item": {"type": "message", "channel": CHANNEL, "ts": TS},
        "event_ts": "1712345701.5",
    }
    return told({**event, **more})
