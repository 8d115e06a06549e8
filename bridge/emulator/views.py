"""How state looks on the wire: dictionaries ready for JSON, and nothing decided."""

from collections.abc import Collection
from typing import TypeAlias

from bridge.emulator.scenario import Quirk
from bridge.emulator.state import Call, Chat, Conversation, Message, Status

Body: TypeAlias = dict[str, object]

_SKELETON: Body = {
    "type": "",
    "submit_tool_outputs": {
        "tool_calls": [{"id": "", "type": "", "function": {"name": "", "arguments": ""}}]
    },
}
_STUDIO = {Status.CANCELED: "cancelled", Status.REQUIRES_ACTION: "required_action"}


def chat_view(chat: Chat, quirks: Collection[Quirk], *, polled: bool = False) -> Body:
    """Return the Chat object of an event, or of `retrieve` if `polled`.

    A polled chat that requires action has neither usage nor last_error.
    """
    body: Body = {
        "id": chat.id,
        "conversation_id": chat.conversation_id,
        "bot_id": chat.bot_id,
        "created_at": int(chat.asked_at),
        "completed_at": chat.completed_at,
        "failed_at": chat.failed_at or None,
        "meta_data": dict(chat.meta_data),
        "last_error": _error(chat, quirks),
        "status": _status(chat.status, quirks),
        "usage": _usage(chat, quirks),
        "section_id": chat.section_id,
    }
    if chat.workflow:
        del body["bot_id"]
    if Quirk.USAGE_ABSENT in quirks:
        del body["usage"]
    if chat.status is Status.REQUIRES_ACTION:
        body["required_action"] = _action(chat.calls, polled=polled)
        if polled:
            body.pop("usage", None)
            del body["last_error"]
    elif Quirk.SKELETON_ACTION in quirks:
        body["required_action"] = _SKELETON
    return body


def _status(status: Status, quirks: Collection[Quirk]) -> str:
    return _STUDIO.get(status, status.value) if Quirk.STUDIO_SPELLING in quirks else status.value


def _error(chat: Chat, quirks: Collection[Quirk]) -> Body | None:
    if chat.error is not None:
        return {"code": chat.error.code, "msg": chat.error.msg}
    if Quirk.NULL_FIELDS in quirks:
        return None
    return {"code": None if Quirk.NULL_ERROR_CODE in quirks else 0, "msg": ""}


def _usage(chat: Chat, quirks: Collection[Quirk]) -> Body | None:
    if Quirk.NULL_FIELDS in quirks:
        return None
    zero = Quirk.USAGE_ZERO in quirks
    return {
        "token_count": 0 if zero else chat.usage.token_count,
        "output_count": 0 if zero else chat.usage.output_count,
        "input_count": 0 if zero else chat.usage.input_count,
    }


def _action(calls: Collection[Call], *, polled: bool) -> Body:
    # require_info is null in the stream and {} when polled: so the official samples show.
    tool_calls = [
        {
            "id": call.id,
            "type": "function" if call.function else "reply_message",
            "function": {"name": call.name, "arguments": call.arguments} if call.function else None,
            "require_info": {} if polled else None,
        }
        for call in calls
    ]
    return {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": tool_calls}}


def message_view(message: Message) -> Body:
    """Return the Message object of an event or a list."""
    body: Body = {
        "id": message.id,
        "conversation_id": message.conversation_id,
        "bot_id": message.bot_id,
        "role": message.role,
        "type": message.type,
        "content": message.content,
        "content_type": message.content_type,
        "chat_id": message.chat_id,
        "section_id": message.section_id,
        "created_at": message.created_at,
        "updated_at": message.updated_at,
    }
    if message.reasoning:
        body["reasoning_content"] = message.reasoning
    if message.meta_data:
        body["meta_data"] = dict(message.meta_data)
    return body


def streamed_view(message: Message, quirks: Collection[Quirk], *, whole: bool) -> Body:
    """Return the Message object of a stream event, which says less: deltas have no times."""
    body = message_view(message)
    if not message.bot_id:  # a chatflow has none
        del body["bot_id"]
    if not whole:
        del body["created_at"], body["updated_at"]
        body["reasoning_content"] = message.reasoning
    if Quirk.NO_MESSAGE_IDS in quirks:
        del body["id"]
    if Quirk.MISSING_FIELDS in quirks:
        for key in ("type", "content_type", "bot_id", "section_id", "created_at", "updated_at"):
            # A message that is no answer keeps its type: without it nobody could tell.
            if key != "type" or message.type == "answer":
                body.pop(key, None)
    if Quirk.NULL_FIELDS in quirks:
        body |= {"meta_data": None, "created_at": None, "section_id": None}
    return body


def conversation_view(conversation: Conversation) -> Body:
    """Return ConversationData."""
    return {
        "id": conversation.id,
        "name": conversation.name,
        "meta_data": dict(conversation.meta_data),
        "creator_id": conversation.owner.account,
        "connector_id": conversation.connector_id,
        "created_at": conversation.created_at,
        "updated_at": conversation.updated_at,
        "last_section_id": conversation.section_id,
    }
