"""Chats and their members, typing, reactions."""

from tests.telegram.emulator.ask import Ask, Handler
from tests.telegram.emulator.errors import bad
from tests.telegram.emulator.inbox import Json
from tests.telegram.emulator.people import member

ACTIONS = {
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
}
REACTIONS = set(
    "👍👎❤🔥🥰👏😁🤔🤯😱🤬😢🎉🤩🤮💩🙏👌🕊🤡🥱🥴😍🐳🌚🌭💯🤣⚡🍌🏆💔🤨😐🍓🍾💋🖕😈😴😭🤓👻👀🎃🙈😇😨🤝✍🤗🫡🎅🎄☃💅🤪🗿🆒💘🙉🦄😘💊🙊😎👾😡"
)


async def send_chat_action(ask: Ask) -> bool:
    action = ask.params.text("action")
    if action not in ACTIONS:
        raise bad("wrong parameter action in request")
    chat = ask.chat(write=True)
    chat.check_topic(ask.params.integer("message_thread_id"))
    chat.act(action)
    return True


async def get_chat(ask: Ask) -> Json:
    return ask.chat().full()


async def get_chat_member(ask: Ask) -> Json:
    chat, user_id = ask.chat(), ask.params.integer("user_id")
    if user_id == ask.emulator.bot.id:
        return member(ask.emulator.bot, chat.status)
    known = ask.emulator.people.get(user_id or 0)
    if known is None:
        raise bad("PARTICIPANT_ID_INVALID")
    inside = known in chat.people or known is chat.owner
    return member(known, "member" if inside else "left")


async def set_message_reaction(ask: Ask) -> bool:
    """A bot has one reaction per message; none takes it back."""
    message = ask.message(ask.chat(), "message to react")
    reactions = ask.params.items("reaction")
    if len(reactions) > 1:
        raise bad("REACTIONS_TOO_MANY")
    message.reaction = _emoji(reactions[0]) if reactions else ""
    ask.emulator.changed()
    return True


def _emoji(given: object) -> str:
    if not isinstance(given, dict) or given.get("type") not in {"emoji", "custom_emoji", "paid"}:
        raise bad("can't parse ReactionType: invalid reaction type specified")
    emoji = str(given.get("emoji", "")).removesuffix("\ufe0f")
    if given["type"] != "emoji" or emoji not in REACTIONS:
        raise bad("REACTION_INVALID")
    return emoji


METHODS: dict[str, Handler] = {
    "sendChatAction": send_chat_action,
    "getChat": get_chat,
    "getChatMember": get_chat_member,
    "setMessageReaction": set_message_reaction,
}
