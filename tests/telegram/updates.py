"""Updates as Telegram sends them, written by hand after the Bot API's own examples."""

from typing import Any, TypeAlias

from adapters.telegram.addressed import Me

Json: TypeAlias = dict[str, Any]

ME = Me(7000000001, "coze_bridge_bot")
DATE = 1_790_000_000
ANNA: Json = {
    "id": 1001,
    "is_bot": False,
    "first_name": "Anna",
    "last_name": "Karenina",
    "username": "anna_k",
    "language_code": "zh-hans",
}
PRIVATE: Json = {"id": 1001, "type": "private", "first_name": "Anna", "username": "anna_k"}
GROUP: Json = {"id": -4000001, "type": "group", "title": "Bridge", "all_members_are_admins": True}
FORUM: Json = {"id": -1001000000002, "type": "supergroup", "title": "Forum", "is_forum": True}
CHANNEL: Json = {"id": -1002000000003, "type": "channel", "title": "News", "username": "the_news"}
OUR_MESSAGE: Json = {
    "message_id": 40,
    "from": {"id": ME.id, "is_bot": True, "first_name": "Coze", "username": ME.username},
    "chat": GROUP,
    "date": DATE,
    "text": "An answer",
}


def said(
    text: str | None = "hi", chat: Json = PRIVATE, *, sender: Json | None = ANNA, **fields: Any
) -> Json:
    """An update with a message; a field that is None is left out."""
    whole = {"message_id": 41, "from": sender, "chat": chat, "date": DATE, "text": text, **fields}
    message = {name: value for name, value in whole.items() if value is not None}
    return {"update_id": 100000001, "message": message}


def entity(kind: str, offset: int, length: int, **more: Any) -> Json:
    return {"type": kind, "offset": offset, "length": length, **more}


def mentioning(text: str, name: str = "@coze_bridge_bot", **fields: Any) -> Json:
    """A group message with `name` in it, as the server marks it up: in UTF-16 units."""
    offset = len(text[: text.index(name)].encode("utf-16-le")) // 2
    return said(text, GROUP, entities=[entity("mention", offset, len(name))], **fields)


def command(text: str, chat: Json = PRIVATE, **fields: Any) -> Json:
    word = text.split(maxsplit=1)[0]
    return said(text, chat, entities=[entity("bot_command", 0, len(word))], **fields)


ANONYMOUS = {
    "id": 1087968824,
    "is_bot": True,
    "first_name": "Group",
    "username": "GroupAnonymousBot",
}
AS_CHANNEL = {"id": 136817688, "is_bot": True, "first_name": "Channel", "username": "Channel_Bot"}
TELEGRAM = {"id": 777000, "is_bot": False, "first_name": "Telegram"}
OTHER_BOT = {"id": 42, "is_bot": True, "first_name": "Other", "username": "other_bot"}


FILE = {"file_id": "f", "file_unique_id": "u", "file_size": 3, "mime_type": "x/y"}


HERE = {"latitude": 51.5055, "longitude": -0.0754}
VENUE = {"location": HERE, "title": "Tower Bridge", "address": "Tower Bridge Rd, London"}
CONTACT = {"phone_number": "+44 20 7403", "first_name": "Li", "last_name": "Lei", "user_id": 7}
POLL: Json = {
    "id": "1",
    "question": "Which bridge?",
    "options": [{"text": "Tower", "voter_count": 0}, {"text": "London", "voter_count": 2}],
}
CHECKLIST: Json = {
    "title": "Trip",
    "tasks": [{"id": 1, "text": "Pack", "completion_date": 9}, {"id": 2, "text": "Go"}],
}

INACCESSIBLE = {"chat": PRIVATE, "message_id": 40, "date": 0}


def business(sender: Json = ANNA, **fields: Any) -> Json:
    message = said("hi", sender=sender, business_connection_id="b-1", **fields)["message"]
    return {"update_id": 1, "business_message": message}


def press(data: str, message: object = ..., **fields: Any) -> Json:
    rows = [
        [{"text": "Tell me more", "callback_data": "=0"}],
        [{"text": "更多", "callback_data": "=1"}],
    ]
    whole = {**OUR_MESSAGE, "chat": PRIVATE, "reply_markup": {"inline_keyboard": rows}}
    query = {
        "id": "4382bfdwdsb323b2d9",
        "from": ANNA,
        "message": whole if message is ... else message,
        "chat_instance": "-3",
        "data": data,
        **fields,
    }
    return {"update_id": 1, "callback_query": query}


def reacted(now: str, before: str = "", chat: Json = PRIVATE, **fields: Any) -> Json:
    """An update with a reaction; an empty one is none."""
    signs = [[{"type": "emoji", "emoji": sign}] if sign else [] for sign in (before, now)]
    whole = {
        "chat": chat,
        "message_id": 40,
        "user": ANNA,
        "date": DATE,
        "old_reaction": signs[0],
        "new_reaction": signs[1],
        **fields,
    }
    return {"update_id": 100000002, "message_reaction": whole}
