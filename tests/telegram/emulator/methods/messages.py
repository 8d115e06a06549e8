"""Sending, editing and deleting messages."""

from collections.abc import Mapping

from tests.telegram.emulator.ask import Ask, Handler
from tests.telegram.emulator.business import FOREIGN_EDIT
from tests.telegram.emulator.chats import Chat
from tests.telegram.emulator.entities import LONGEST_CAPTION, LONGEST_TEXT, Formatted
from tests.telegram.emulator.errors import NOT_MODIFIED, bad
from tests.telegram.emulator.inbox import Json
from tests.telegram.emulator.keyboards import Markup
from tests.telegram.emulator.model import Message

FOREIGN_DELETE = 48 * 3600.0  # seconds


async def send_message(ask: Ask) -> Json:
    body = ask.formatted("text", "entities", longest=LONGEST_TEXT, empty=False)
    return send(ask, body, {})


def send(ask: Ask, body: Formatted, extra: Json) -> Json:
    """Post whatever it is, after every check a message has to pass. Raises `Refused`."""
    markup = ask.markup()
    chat = ask.chat(write=True)
    thread = chat.check_topic(ask.params.integer("message_thread_id"))
    reply_to = _replied(ask, chat)
    ask.pay(chat)
    chat.end_draft(thread, "sent")
    message = chat.post(
        ask.emulator.bot, body, markup=markup, thread=thread, reply_to=reply_to, extra=extra
    )
    ask.call.message = message.id
    return message.shown()


def _replied(ask: Ask, chat: Chat) -> Message | None:
    """What the message answers. Raises `Refused` if that is gone and nobody said never mind."""
    told: Mapping[str, object] = ask.params.fields("reply_parameters")
    old = ask.params.integer("reply_to_message_id")
    message_id = told.get("message_id", old)
    if message_id is None:
        return None
    if isinstance(message_id, bool) or not isinstance(message_id, int):
        raise bad('can\'t parse reply parameters: Field "message_id" must be of type Number')
    message = chat.messages.get(message_id)
    if message is not None and not message.deleted:
        return _quoted(message, told)
    if told.get("allow_sending_without_reply") or ask.params.flag("allow_sending_without_reply"):
        return None
    raise bad("message to be replied not found")


def _quoted(message: Message, told: Mapping[str, object]) -> Message:
    quote = told.get("quote")
    if isinstance(quote, str) and quote and quote not in message.text:
        raise bad("QUOTE_TEXT_INVALID")
    return message


async def edit_message_text(ask: Ask) -> Json:
    if ask.params.given("rich_message") is not None:
        raise bad("this emulator does not know rich messages")
    body = ask.formatted("text", "entities", longest=LONGEST_TEXT, empty=False)
    message = _editable(ask)
    if message.extra:
        raise bad("there is no text in the message to edit")
    return _edit(ask, message, body, ask.markup())


async def edit_message_caption(ask: Ask) -> Json:
    body = ask.formatted("caption", "caption_entities", longest=LONGEST_CAPTION, empty=True)
    message = _editable(ask)
    if not message.extra:
        raise bad("there is no caption in the message to edit")
    message.is_caption = True
    return _edit(ask, message, body, ask.markup())


async def edit_message_reply_markup(ask: Ask) -> Json:
    message = _editable(ask)
    return _edit(ask, message, message.body, ask.markup())


async def stop_message_live_location(ask: Ask) -> Json:
    """Nobody sends live locations here, so it is refused in any case.

    As in the real server that is decided from the message alone, before an edit is asked for; so
    it is none of those that are limited.
    """
    _editable(ask, pays=False)
    raise bad("there is no live location in the message to edit")


def _editable(ask: Ask, *, pays: bool = True) -> Message:
    """The message to edit. Raises `Refused` for one that is gone or not ours."""
    if not ask.params.text("chat_id"):
        raise bad("chat identifier is not specified")
    chat = ask.chat()
    if pays:
        ask.pay(chat)
    message = ask.message(chat, "message to edit")
    age = ask.emulator.clock() - message.revisions[0].date
    own_business = bool(message.business) and age <= FOREIGN_EDIT
    # Keys in place of somebody's letters come with a message that stays as it is.
    if (not message.from_bot and not own_business) or message.markup.other:
        raise bad("message can't be edited")
    return message


def _edit(ask: Ask, message: Message, body: Formatted, markup: Markup) -> Json:
    """An edit without a keyboard takes the keyboard away."""
    if markup.other:
        raise bad("inline keyboard expected")
    if message.revisions[-1].same_as(body, markup):
        raise NOT_MODIFIED
    message.chat.revise(message, body, markup)
    ask.call.message = message.id
    return message.shown()


async def delete_message(ask: Ask) -> bool:
    chat = ask.chat()
    message = ask.message(chat, "message to delete")
    age = ask.emulator.clock() - message.revisions[0].date
    may = message.from_bot or chat.is_private or chat.status == "administrator"
    if not may or age > FOREIGN_DELETE:
        raise bad("message can't be deleted")
    chat.remove(message, "bot")
    return True


async def delete_messages(ask: Ask) -> bool:
    """Those that are not there are skipped."""
    chat = ask.chat()
    for message_id in ask.params.items("message_ids"):
        message = chat.messages.get(message_id) if isinstance(message_id, int) else None
        if message is not None and not message.deleted:
            chat.remove(message, "bot")
    return True


METHODS: dict[str, Handler] = {
    "sendMessage": send_message,
    "editMessageText": edit_message_text,
    "editMessageCaption": edit_message_caption,
    "editMessageReplyMarkup": edit_message_reply_markup,
    "stopMessageLiveLocation": stop_message_live_location,
    "deleteMessage": delete_message,
    "deleteMessages": delete_messages,
}
