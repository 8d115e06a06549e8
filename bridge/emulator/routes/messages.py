"""Messages of a conversation, and what people think of them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from aiohttp import web
from pydantic import BaseModel, Field

from bridge.emulator.asking import add_message
from bridge.emulator.call import Call, Route
from bridge.emulator.question import EnterMessage, checked_pairs, content
from bridge.emulator.state import (
    Conversation,
    Feedback,
    Message,
    Opinion,
    newest_first,
    refused,
)
from bridge.emulator.views import message_view


def _conversation(call: Call) -> Conversation:
    return call.emulator.archive.conversation(call.query("conversation_id"), call.caller)


def _message(call: Call) -> tuple[Conversation, Message]:
    conversation = _conversation(call)
    return conversation, conversation.message(call.query("message_id"))


async def create(call: Call) -> web.Response:
    """Put a message into a conversation; nobody answers it."""
    entered = await call.body(EnterMessage)
    checked_pairs(entered.meta_data)
    content(entered)
    return call.ok(message_view(add_message(call.emulator, _conversation(call), entered)))


class ListBody(BaseModel):
    """Which part of the list."""

    order: Literal["asc", "desc"] = "desc"
    chat_id: str | None = None
    before_id: str | None = None
    after_id: str | None = None
    limit: int = Field(default=50, ge=1, le=50)


async def list_all(call: Call) -> web.Response:
    """List questions and answers; nothing of what went on between them."""
    body = await call.body(ListBody)
    found = _ordered(_conversation(call).messages, body)
    # With before_id the page ends where the reader already is, else it begins at the top.
    page = found[-body.limit :] if body.before_id else found[: body.limit]
    return call.ok(
        [message_view(message) for message in page],
        first_id=page[0].id if page else "0",
        last_id=page[-1].id if page else "0",
        has_more=len(found) > len(page),
    )


def _ordered(messages: Sequence[Message], body: ListBody) -> list[Message]:
    """Sort and cut: after_id means later in the list, before_id earlier."""
    found = [m for m in newest_first(messages) if body.chat_id in (None, "", m.chat_id)]
    if body.order == "asc":
        found.reverse()
    keys = [message.id for message in found]
    start = keys.index(body.after_id) + 1 if body.after_id in keys else 0
    stop = keys.index(body.before_id) if body.before_id in keys else len(keys)
    return found[start:stop]


async def retrieve(call: Call) -> web.Response:
    """Show one message."""
    return call.ok(message_view(_message(call)[1]))


class ModifyBody(BaseModel):
    """What to change; what is null stays."""

    content: str | None = None
    content_type: str | None = None
    meta_data: dict[str, str] | None = None


async def modify(call: Call) -> web.Response:
    """Change a message. The result is in `message`, not in `data`."""
    body = await call.body(ModifyBody)
    pairs = checked_pairs(body.meta_data)
    if not body.content and not pairs:
        raise refused(4000, "meta_data and content cannot both be empty")
    conversation, message = _message(call)
    changed = replace(
        message,
        content=message.content if body.content is None else body.content,
        content_type=body.content_type or message.content_type,
        meta_data=message.meta_data if body.meta_data is None else pairs,
        updated_at=int(call.emulator.clock()),
    )
    conversation.replace(changed)
    return call.ok(message=message_view(changed))


async def delete(call: Call) -> web.Response:
    """Delete a message; an answer takes its intermediate messages along."""
    conversation, message = _message(call)
    conversation.remove(message)
    chat = call.emulator.archive.chats.get(message.chat_id)
    if chat is not None and message.type == "answer":
        chat.messages.clear()
    return call.ok(message_view(message))


class FeedbackBody(BaseModel):
    """A like or unlike. reason_types: at most 10 of 30 characters; comment: 250."""

    feedback_type: Literal["like", "unlike"]
    reason_types: list[str] | None = Field(default=None, max_length=10)
    comment: str | None = Field(default=None, max_length=250)


def _answer(call: Call) -> tuple[Conversation, Message]:
    archive = call.emulator.archive
    conversation = archive.conversation(call.path("conversation_id"), call.caller)
    message = conversation.message(call.path("message_id"))
    if message.type != "answer":
        raise refused(4000, "only answers can get feedback")
    return conversation, message


async def judge(call: Call) -> web.Response:
    """Remember what somebody thinks of an answer; the last opinion wins."""
    body = await call.body(FeedbackBody)
    conversation, message = _answer(call)
    said = Feedback(body.feedback_type, tuple(body.reason_types or ()), body.comment or "")
    conversation.feedback[message.id] = said
    call.emulator.opinions.append(Opinion(conversation.id, message.id, said))
    call.emulator.changed()
    return call.ok()


async def forget(call: Call) -> web.Response:
    """Forget an opinion; not having one is no error."""
    conversation, message = _answer(call)
    conversation.feedback.pop(message.id, None)
    call.emulator.opinions.append(Opinion(conversation.id, message.id, None))
    call.emulator.changed()
    return call.ok()


_FEEDBACK = "/v1/conversations/{conversation_id}/messages/{message_id}/feedback"
ROUTES = (
    Route("POST", "/v1/conversation/message/create", create),
    Route("POST", "/v1/conversation/message/list", list_all),
    Route("GET", "/v1/conversation/message/retrieve", retrieve),
    Route("POST", "/v1/conversation/message/modify", modify),
    Route("POST", "/v1/conversation/message/delete", delete),
    Route("POST", _FEEDBACK, judge),
    Route("DELETE", _FEEDBACK, forget),
)
