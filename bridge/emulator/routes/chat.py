"""`/v3/chat` and what belongs to it."""

import asyncio
from typing import Literal

from aiohttp import web
from pydantic import BaseModel, Field

from bridge.emulator.asking import admit, ask, new_conversation, note_refusal, resume
from bridge.emulator.call import Call, Route
from bridge.emulator.performance import Performance
from bridge.emulator.question import EnterMessage, checked_messages, checked_pairs
from bridge.emulator.request import Asking
from bridge.emulator.scenario import Drop, Scenario
from bridge.emulator.state import Chat, Conversation, Refused, Status, refused
from bridge.emulator.streams import closed, stream
from bridge.emulator.views import chat_view, message_view

MOST_MESSAGES = 100


class ChatBody(BaseModel):
    """The body of `POST /v3/chat`. conversation_id is not in it: it is a query parameter."""

    bot_id: str = Field(min_length=1)
    user_id: str = Field(min_length=1)
    stream: bool = False
    auto_save_history: bool = True
    additional_messages: list[EnterMessage] | None = None
    custom_variables: dict[str, str] | None = None
    meta_data: dict[str, str] | None = None
    parameters: dict[str, object] | None = None
    extra_params: dict[str, str] | None = None
    enable_card: bool = False
    publish_status: Literal["published_online", "unpublished_draft"] = "published_online"
    bot_version: str | None = None


async def chat(call: Call) -> web.StreamResponse:
    """Ask a question."""
    body = await call.body(ChatBody)
    asking = _checked(call, body)
    scenario = call.emulator.playbook.pick(
        call.request.path, asking.text, asking.user_id, call.emulator.clock()
    )
    return await answer(
        call,
        asking,
        scenario,
        conversation_id=call.request.query.get("conversation_id", ""),
        streamed=body.stream,
    )


def _checked(call: Call, body: ChatBody) -> Asking:
    if not body.stream and not body.auto_save_history:
        raise refused(4007, "stream=false requires auto_save_history=true")
    if body.bot_version and body.publish_status == "unpublished_draft":
        raise refused(4000, "bot_version cannot be given with unpublished_draft")
    messages = checked_messages(body.additional_messages or (), MOST_MESSAGES)
    meta_data = checked_pairs(body.meta_data)
    bots = call.emulator.bots
    draft = body.publish_status == "unpublished_draft"
    config = bots.get(body.bot_id).draft if draft else bots.online(body.bot_id).config
    return Asking(
        caller=call.caller,
        user_id=body.user_id,
        bot_id=body.bot_id,
        product_id=body.bot_id,
        known=config.variables,
        messages=messages,
        meta_data=meta_data,
        kept=body.auto_save_history,
        cards=body.enable_card,
        extra=_extra(body.extra_params),
    )


def _extra(params: dict[str, str] | None) -> dict[str, str]:
    """Return extra_params. Raises `Refused` 4000 for what is no position."""
    given = params or {}
    if set(given) - {"latitude", "longitude"}:
        raise refused(4000, "Request parameter error: extra_params has latitude and longitude only")
    for name, text in given.items():
        try:
            fits = abs(float(text)) <= (90 if name == "latitude" else 180)
        except ValueError:
            fits = False
        if not fits:
            raise refused(4000, f"Request parameter error: extra_params.{name} is no angle")
    return given


async def answer(
    call: Call, asking: Asking, scenario: Scenario, *, conversation_id: str, streamed: bool
) -> web.StreamResponse:
    """Let the question in or not, and show what becomes of it."""
    if scenario.drop is Drop.UNASKED:
        return closed(call.request)
    try:
        performance = _accept(call, asking, scenario, conversation_id)
    except Refused as error:
        note_refusal(call.emulator, asking, conversation_id, error.trouble)
        raise
    return await _shown(call, performance, scenario, streamed=streamed)


async def _shown(
    call: Call, performance: Performance, scenario: Scenario, *, streamed: bool
) -> web.StreamResponse:
    if scenario.drop is Drop.ASKED:
        return closed(call.request)
    if scenario.slow_headers:
        await asyncio.sleep(scenario.slow_headers)
    if streamed:
        return await stream(call, performance)
    return call.ok(chat_view(performance.chat, performance.chat.scenario.quirks))


def _accept(call: Call, asking: Asking, scenario: Scenario, conversation_id: str) -> Performance:
    if scenario.refuse is not None:
        raise Refused(scenario.refuse)
    conversation = _conversation(call, asking, conversation_id)
    admit(call.emulator, conversation)
    if not asking.messages and not call.emulator.archive.said(conversation):
        raise refused(4000, "additional_messages: an empty conversation needs a question")
    return ask(call.emulator, asking, conversation, scenario)


def _conversation(call: Call, asking: Asking, conversation_id: str) -> Conversation:
    if not conversation_id:
        return new_conversation(call.emulator, call.caller, asking.bot_id)
    return call.emulator.archive.conversation(conversation_id, call.caller)


def _chat(call: Call) -> Chat:
    return _found(call, call.query("conversation_id"), call.query("chat_id"))


def _found(call: Call, conversation_id: str, chat_id: str) -> Chat:
    found = call.emulator.archive.chat(conversation_id, chat_id, call.caller)
    if found.workflow and not call.emulator.chatflows.retrievable:
        raise refused(4001, f"The chat {chat_id} does not exist")
    return found


async def retrieve(call: Call) -> web.Response:
    """Tell how a chat stands. The official SDKs send POST, the documents say GET."""
    found = _chat(call)
    return call.ok(chat_view(found, found.scenario.quirks, polled=True))


async def messages(call: Call) -> web.Response:
    """List everything a chat said, the question left out."""
    return call.ok([message_view(message) for message in _chat(call).messages])


class CancelBody(BaseModel):
    """Which chat to cancel."""

    conversation_id: str
    chat_id: str


async def cancel(call: Call) -> web.Response:
    """Cancel a chat. Its stream goes on to the end, as at Coze."""
    body = await call.body(CancelBody)
    found = _found(call, body.conversation_id, body.chat_id)
    if not found.status.running:
        raise refused(4104, f"The chat has ended ({found.status}) and cannot be canceled")
    call.emulator.stage.cancel(found.id)
    return call.ok(chat_view(found, found.scenario.quirks, polled=True))


class ToolOutput(BaseModel):
    """What a local plugin found."""

    tool_call_id: str
    output: str


class SubmitBody(BaseModel):
    """The outputs of all pending tool calls."""

    tool_outputs: list[ToolOutput]
    stream: bool = False


async def submit(call: Call) -> web.StreamResponse:
    """Go on with a chat that waited for its tools."""
    body = await call.body(SubmitBody)
    found = _waiting(call)
    outputs = {output.tool_call_id: output.output for output in body.tool_outputs}
    pending = [pending.id for pending in found.calls]
    if set(outputs) != set(pending):
        raise refused(4000, f"tool_outputs: exactly these calls are pending: {pending}")
    scenario = call.emulator.playbook.about(call.request.path, call.emulator.clock())
    if scenario.drop is Drop.UNASKED:
        return closed(call.request)
    if scenario.refuse is not None:
        raise Refused(scenario.refuse)
    performance = resume(call.emulator, found, [outputs[key] for key in pending])
    return await _shown(call, performance, scenario, streamed=body.stream)


def _waiting(call: Call) -> Chat:
    """Find the chat. Without history there is nothing to go on with: 5000, as at Coze."""
    try:
        found = _chat(call)
    except Refused as error:
        if error.trouble.code == 4001:
            raise refused(5000, "An internal error occurred") from error
        raise
    if found.status is not Status.REQUIRES_ACTION or not all(c.function for c in found.calls):
        raise refused(4000, "The chat does not wait for tool outputs")
    return found


ROUTES = (
    Route("POST", "/v3/chat", chat),
    Route("GET", "/v3/chat/retrieve", retrieve),
    Route("POST", "/v3/chat/retrieve", retrieve),
    Route("GET", "/v3/chat/message/list", messages),
    Route("POST", "/v3/chat/cancel", cancel),
    Route("POST", "/v3/chat/submit_tool_outputs", submit),
)
