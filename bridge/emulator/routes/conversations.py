"""Conversations: create, find, rename, clear, delete."""

from aiohttp import web
from pydantic import BaseModel, Field

from bridge.emulator.asking import add_message, new_conversation
from bridge.emulator.call import Call, Route
from bridge.emulator.question import EnterMessage, checked_pairs
from bridge.emulator.state import Conversation, refused
from bridge.emulator.views import conversation_view

_MOST_NAME = 100  # characters


class CreateBody(BaseModel):
    """Everything is optional."""

    bot_id: str | None = None
    name: str | None = Field(default=None, max_length=_MOST_NAME)
    messages: list[EnterMessage] | None = Field(default=None, max_length=16)
    meta_data: dict[str, str] | None = None
    connector_id: str | None = None
    app_id: str | None = None
    conversation_name: str | None = Field(default=None, max_length=_MOST_NAME)
    get_or_create: bool = False


async def create(call: Call) -> web.Response:
    """Open a conversation. A wrong bot_id is an internal error, as at Coze."""
    body = await call.body(CreateBody)
    meta_data = checked_pairs(body.meta_data)
    if body.bot_id and body.bot_id not in call.emulator.bots.all:
        raise refused(5000, "An internal error occurred")
    if body.get_or_create and (known := _named(call, body)):
        return call.ok(conversation_view(known))
    conversation = new_conversation(
        call.emulator, call.caller, body.bot_id or "", body.connector_id or "1024"
    )
    conversation.name = body.name or body.conversation_name or ""
    conversation.app_id = body.app_id or ""
    conversation.meta_data = meta_data
    for message in body.messages or ():
        add_message(call.emulator, conversation, message)
    return call.ok(conversation_view(conversation))


def _named(call: Call, body: CreateBody) -> Conversation | None:
    """Find the conversation of an app by its name, which is unique there."""
    wanted = (call.caller, body.app_id, body.conversation_name)
    every = call.emulator.archive.conversations.values()
    return next((each for each in every if (each.owner, each.app_id, each.name) == wanted), None)


def _named_in_path(call: Call) -> Conversation:
    return call.emulator.archive.conversation(call.path("conversation_id"), call.caller)


async def retrieve(call: Call) -> web.Response:
    """Show one conversation."""
    key = call.query("conversation_id")
    return call.ok(conversation_view(call.emulator.archive.conversation(key, call.caller)))


async def list_all(call: Call) -> web.Response:
    """List the caller's conversations with a bot, newest first unless sort_order=ASC."""
    bot_id = call.query("bot_id")
    page = call.page(default=50, most=50)
    mine = [
        conversation
        for conversation in call.emulator.archive.conversations.values()
        if conversation.owner == call.caller and conversation.bot_id == bot_id
    ]
    newest_first = call.request.query.get("sort_order", "DESC").upper() != "ASC"
    mine.sort(key=lambda conversation: conversation.id, reverse=newest_first)
    shown = [conversation_view(conversation) for conversation in mine[page]]
    return call.ok({"conversations": shown, "has_more": len(mine) > page.stop})


class RenameBody(BaseModel):
    """The new name."""

    name: str = Field(max_length=_MOST_NAME)


async def rename(call: Call) -> web.Response:
    """Give a conversation a name."""
    body = await call.body(RenameBody)
    conversation = _named_in_path(call)
    conversation.name = body.name
    conversation.updated_at = int(call.emulator.clock())
    return call.ok(conversation_view(conversation))


async def delete(call: Call) -> web.Response:
    """Delete a conversation with everything in it."""
    conversation = _named_in_path(call)
    del call.emulator.archive.conversations[conversation.id]
    return call.ok()


async def clear(call: Call) -> web.Response:
    """Begin a new section: the context is cut, the messages stay listed."""
    conversation = _named_in_path(call)
    conversation.section_id = call.emulator.ids.next()
    return call.ok({"id": conversation.section_id, "conversation_id": conversation.id})


ROUTES = (
    Route("POST", "/v1/conversation/create", create),
    Route("GET", "/v1/conversation/retrieve", retrieve),
    Route("GET", "/v1/conversations", list_all),
    Route("PUT", "/v1/conversations/{conversation_id}", rename),
    Route("DELETE", "/v1/conversations/{conversation_id}", delete),
    Route("POST", "/v1/conversations/{conversation_id}/clear", clear),
)
