"""Which messages the bot gets to see: privacy mode, and other bots."""

from tests.telegram.emulator.entities import Entity, cut
from tests.telegram.emulator.model import Message

_SERVICE = {
    "new_chat_members",
    "left_chat_member",
    "new_chat_title",
    "migrate_to_chat_id",
    "migrate_from_chat_id",
    "forum_topic_created",
    "forum_topic_closed",
    "pinned_message",
}


def heard(message: Message) -> bool:
    """Whether the bot gets to see a message: bots do not, and groups have privacy mode."""
    emulator = message.chat.emulator
    sender = message.sender
    if sender is not None and sender.is_bot and not emulator.hears_bots:
        return False
    everything = not emulator.privacy or message.chat.status == "administrator"
    if message.chat.kind not in {"group", "supergroup"} or everything:
        return True
    reply = message.reply_to
    return (
        not _SERVICE.isdisjoint(message.extra)
        or (reply is not None and reply.from_bot)
        or any(_means_us(message, entity) for entity in message.body.entities)
    )


def _means_us(message: Message, entity: Entity) -> bool:
    name = f"@{message.chat.emulator.bot.username}".lower()
    words = cut(message.text, entity).lower()
    if entity.type == "mention":
        return words == name
    return entity.type == "bot_command" and ("@" not in words or words.endswith(name))
